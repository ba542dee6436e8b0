/* http_private.h - what the parts of the HTTP server share: http_server.c (events and life),
 * http_accept.c (connections), http_request.c (heads), http_body.c, http_answer.c. */
#ifndef API_HTTP_PRIVATE_H
#define API_HTTP_PRIVATE_H

#include "api/callers.h"
#include "api/http_server.h"
#include "api/route.h"

#define HTTP_PROTOCOL "http"

struct lws;
struct lws_vhost;

struct api {
    struct api_deps deps;
    struct lws_vhost *vhost;
    struct api_request *requests; /* under way */
    struct callers callers;
    struct lws *listening[LISTEN_SOCKETS_MAX];
    size_t nlistening;
    struct timer pause; /* of accepting */
    uint16_t port;
    char where[LISTEN_TEXT_MAX]; /* the addresses we listen on */
    bool stopping;
};

/* libwebsockets' memory per connection. */
struct connection {
    struct api_request *request; /* NULL before it and when its answer is with the socket */
    bool answered;
};

/* ---- http_accept.c: connections ---- */

/* Listens and hands the sockets to libwebsockets, which closes them with the vhost. */
enum wb_err http_listen(struct api *api, struct buf *problem) WB_MUST_CHECK;
/* A listening socket has callers. */
void http_accept(struct api *api, struct lws *listening);
/* A connection is gone: its memory with libwebsockets is about to be freed. */
void http_gone(struct api *api, struct lws *wsi);
/* Nothing of ours is called any more by a connection or a timer. */
void http_forget_all(struct api *api);
/* It is closed when it takes longer than that from now. */
void http_deadline(struct api *api, struct caller *who, int64_t ms);
void http_no_deadline(struct api *api, struct caller *who);

/* ---- http_request.c: a request's memory and its head ---- */

/* NULL: no memory. */
struct api_request *http_request_new(struct api *api, struct lws *wsi);
void http_request_free(struct api_request *r);
/* The connection ends before the answer: whoever works on it is told. */
void http_request_abandon(struct api_request *r);
/* Reads the complete head. False: it cannot be read, answered. */
bool http_read_head(struct api_request *r);

/* ---- http_body.c: the body, and what follows it ---- */

/* The head is read, and answered if it was refused. */
void http_body_begin(struct api_request *r);
/* Negative: close the connection. */
int http_body_take(struct api_request *r, const void *in, size_t n);
/* libwebsockets reports the end of a body also when Content-Length is 0, after the head. */
void http_body_complete(struct api_request *r);

/* ---- http_answer.c ---- */

/* The socket takes more. Negative: close the connection. */
int http_write(struct api *api, struct lws *wsi, struct connection *c);

#endif
