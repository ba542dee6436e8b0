/* http_server.h - the HTTP/1.1 server, which is libwebsockets and http_*.c: it reads one request
 * per connection and sends the answer. Of calls it knows api_request and how to answer an error,
 * not which there are; of the bridge its loop. */
#ifndef API_HTTP_HTTP_SERVER_H
#define API_HTTP_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct api_request;
struct http_server;
struct loop;

struct http_server_deps {
    struct loop *loop;
    const char *bind;   /* where to listen, as base/listen.h says */
    uint16_t bind_port; /* 0: any free one */
    /* How many connections there is room for, and the descriptors that they may use (below this
     * number); 0: up to API_CONNECTIONS_MAX, and any descriptor. */
    size_t connections_max, descriptors_below;
    /* The head is read, and nothing of the body is kept yet: sets the request's handler (r->handle
     * and the fields after it), or answers with an error. */
    void (*on_request)(void *ctx, struct api_request *r);
    void *ctx;
};

/* NET, IO: as listen_open(), with the reason in problem; NOMEM. */
enum wb_err http_server_start(const struct http_server_deps *d, struct http_server **ret_server,
                              struct buf *problem) WB_MUST_CHECK;
/* The port in use. */
uint16_t http_server_port(const struct http_server *s);
/* The addresses in use, "127.0.0.1, ::1" for example. */
const char *http_server_where(const struct http_server *s);
/* Addresses of the bind name that this machine does not have, "::1" for example; "": none. */
const char *http_server_missing(const struct http_server *s);
/* Is there an answer that is not yet written? */
bool http_server_answers_left(const struct http_server *s);
/* Ends all requests; NULL-safe. To be called before the loop is freed. */
void http_server_stop(struct http_server *s);

#endif
