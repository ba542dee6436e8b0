/* http_private.h - what the parts of the HTTP server share: http_server.c (events and life),
 * http_accept.c (connections), http_request.c (heads), http_body.c, http_answer.c. */
#ifndef API_HTTP_HTTP_PRIVATE_H
#define API_HTTP_HTTP_PRIVATE_H

#include <stddef.h>

#include "api/call/request.h"
#include "api/http/callers.h"
#include "api/http/http_head.h"
#include "api/http/http_server.h"
#include "api/http/limits.h"
#include "base/chunked.h"
#include "bridge/platform/loop.h"
#include "bridge/platform/timers.h"

#define HTTP_PROTOCOL "http"

struct lws;
struct lws_vhost;

/* A call, and what the server keeps of it beside that. */
struct served_request {
    struct api_request api;
    struct http_server *server;
    struct lws *wsi;
    struct caller *caller;
    bool dispatched;
    bool body_complete;
    bool unwanted;      /* the call has no body: it is read and dropped, then the call is served */
    bool unread;        /* the body is not waited for, the answer leaves at once */
    uint64_t body_left; /* bytes of the body not yet read: the answer waits for them */
    int64_t body_until_ms; /* when it has to be here (monotonic) */
    bool in_chunks;        /* body_left is 1 until the last one */
    struct chunked chunks;
    bool may_have_interim, expects_continue;
    struct buf output; /* head and body of the answer, as they leave */
    size_t written;    /* bytes of it */
    struct loop_deferred writing;
    struct served_request *prev, *next;
};

static inline struct served_request *served_request_of(struct api_request *r)
{
    return (struct served_request *)(void *)((char *)r - offsetof(struct served_request, api));
}

struct http_server {
    struct http_server_deps deps;
    struct lws_vhost *vhost;
    struct served_request *requests; /* those under way */
    struct callers callers;
    struct lws *listening[LISTEN_SOCKETS_MAX];
    size_t nlistening;
    struct timer pause; /* runs while no connections are accepted */
    uint16_t port;
    char where[LISTEN_TEXT_MAX]; /* the addresses we listen on */
    char missing[LISTEN_TEXT_MAX];
    bool stopping;
};

/* Our data about a connection, in memory that libwebsockets gives each one. */
struct connection {
    struct buf head; /* what has come of the request's head */
    struct http_head_scan scan;
    struct served_request
        *request;   /* from the end of its head until its answer is with the socket */
    size_t dropped; /* bytes that were read behind the request and dropped */
    bool ended;     /* the caller sends nothing more */
    bool lingering; /* the answer has left, and we wait for the caller to close */
};

/* ---- http_accept.c: connections ---- */

/* Listens and hands the sockets to libwebsockets, which closes them with the vhost. */
enum wb_err http_listen(struct http_server *server, struct buf *problem) WB_MUST_CHECK;
/* To be called when a listening socket has connections to accept. */
void http_accept(struct http_server *server, struct lws *listening);
/* A connection is gone: its memory with libwebsockets is about to be freed. */
void http_gone(struct http_server *server, struct lws *wsi);
/* From here on no connection and no timer calls us any more. */
void http_forget_all(struct http_server *server);
/* Closes the caller's connection after ms milliseconds, unless this is called again before. */
void http_deadline(struct http_server *server, struct caller *who, int64_t ms);
void http_no_deadline(struct http_server *server, struct caller *who);
/* Has libwebsockets close the connection as soon as it can. */
void http_send_away(struct caller *who);

/* ---- http_request.c: a request's memory and its head ---- */

/* NULL: no memory. */
struct served_request *http_request_new(struct http_server *server, struct lws *wsi);
void http_request_free(struct served_request *r);
/* The connection ends before the answer: the handler that works on the request is told. */
void http_request_abandon(struct served_request *r);
/* Reads the complete head. False: it cannot be read, and the request was answered. */
bool http_read_head(struct served_request *r, struct span head);
/* Answers 400; nothing more is read. */
void http_refuse_head(struct served_request *r, const char *problem);

/* ---- http_body.c: the body, and what follows it ---- */

/* To be called when the head is read, and was answered if it was refused. body_here: bytes of the
 * body have come with it. */
void http_body_begin(struct served_request *r, bool body_here);
/* Takes the next bytes of the body, as long as body_complete is not set. */
void http_body_take(struct served_request *r, struct span in);
/* The caller has ended its side of the connection: no more of the body comes. */
void http_body_cut(struct served_request *r);

/* ---- http_answer.c ---- */

void http_answer(struct served_request *r);
/* The functions behind send_answer and may_hold of a call. */
void http_send_answer(struct api_request *of);
bool http_may_hold(struct api_request *of, size_t n);

/* Writes more of the answer, if there is one, when the socket takes more. NULL-safe. */
void http_write(struct served_request *r);
/* Sends "100 Continue": tells the caller to send the body, or that the connection is still
 * there. */
void http_interim(struct served_request *r);

#endif
