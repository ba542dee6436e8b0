/* http_private.h - what the parts of the HTTP server share: http_server.c (events and life),
 * http_accept.c (connections), http_request.c (heads), http_body.c, http_answer.c. */
#ifndef API_HTTP_HTTP_PRIVATE_H
#define API_HTTP_HTTP_PRIVATE_H

#include "api/http/callers.h"
#include "api/http/http_head.h"
#include "api/http/http_server.h"
#include "api/http/limits.h"

#define HTTP_PROTOCOL "http"

struct lws;
struct lws_vhost;

struct http_server {
    struct http_server_deps deps;
    struct lws_vhost *vhost;
    struct api_request *requests; /* under way */
    struct callers callers;
    struct lws *listening[LISTEN_SOCKETS_MAX];
    size_t nlistening;
    struct timer pause; /* of accepting */
    uint16_t port;
    char where[LISTEN_TEXT_MAX]; /* the addresses we listen on */
    char missing[LISTEN_TEXT_MAX];
    bool stopping;
};

/* libwebsockets' memory per connection. */
struct connection {
    struct buf head; /* what has come of it */
    struct http_head_scan scan;
    struct api_request *request; /* from the end of its head until its answer is with the socket */
    size_t dropped;              /* bytes read behind the request, and not looked at */
    bool ended;                  /* the caller sends nothing more */
    bool lingering;              /* the answer has left: until the caller closes */
};

/* ---- http_accept.c: connections ---- */

/* Listens and hands the sockets to libwebsockets, which closes them with the vhost. */
enum wb_err http_listen(struct http_server *server, struct buf *problem) WB_MUST_CHECK;
/* A listening socket has callers. */
void http_accept(struct http_server *server, struct lws *listening);
/* A connection is gone: its memory with libwebsockets is about to be freed. */
void http_gone(struct http_server *server, struct lws *wsi);
/* Nothing of ours is called any more by a connection or a timer. */
void http_forget_all(struct http_server *server);
/* It is closed when it takes longer than that from now. */
void http_deadline(struct http_server *server, struct caller *who, int64_t ms);
void http_no_deadline(struct http_server *server, struct caller *who);
/* Has libwebsockets close the connection as soon as it can. */
void http_send_away(struct caller *who);

/* ---- http_request.c: a request's memory and its head ---- */

/* NULL: no memory. */
struct api_request *http_request_new(struct http_server *server, struct lws *wsi);
void http_request_free(struct api_request *r);
/* The connection ends before the answer: whoever works on it is told. */
void http_request_abandon(struct api_request *r);
/* Reads the complete head. False: it cannot be read, answered. */
bool http_read_head(struct api_request *r, struct span head);
/* Answers 400; nothing more is read. */
void http_refuse_head(struct api_request *r, const char *problem);

/* ---- http_body.c: the body, and what follows it ---- */

/* The head is read, and answered if it was refused. body_here: bytes of the body have come with it.
 */
void http_body_begin(struct api_request *r, bool body_here);
/* The next bytes, as long as body_complete is not set. */
void http_body_take(struct api_request *r, struct span in);
/* The caller sends no more of it. */
void http_body_cut(struct api_request *r);

/* ---- http_answer.c ---- */

/* r->send_answer and r->may_hold. */
void http_answer(struct api_request *r);
bool http_may_hold(struct api_request *r, size_t n);

/* The socket takes more, if there is an answer. NULL-safe. */
void http_write(struct api_request *r);
/* "100 Continue": send the body, or: the connection is still there. */
void http_interim(struct api_request *r);

#endif
