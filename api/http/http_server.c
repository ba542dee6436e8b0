#include "api/http/http_server.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/http/http_private.h"

/* The first byte of a caller that speaks TLS. */
enum { TLS_HANDSHAKE = 0x16 };

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

const char *http_server_where(const struct http_server *s)
{
    return s->where;
}

const char *http_server_missing(const struct http_server *s)
{
    return s->missing;
}

/* ---- events ---- */

/* The head is complete, and something of the body may have come with it. */
static void begin(struct connection *c, struct served_request *r, size_t head_bytes)
{
    struct span all = buf_span(&c->head), rest = span_skip(all, head_bytes);

    if (http_read_head(r, span_first(all, head_bytes))) {
        r->server->deps.on_request(r->server->deps.ctx, &r->api);
        http_body_begin(r, rest.n > 0);
    }
    if (!r->body_complete)
        http_body_take(r, rest);
}

/* Takes bytes up to the end of the head. Negative: close the connection. */
static int take_head(struct http_server *server, struct lws *wsi, struct connection *c,
                     struct span in)
{
    size_t n;

    if (!c->head.max)
        c->head = buf_new(API_HEAD_BYTES_MAX + API_READ_BYTES);
    buf_append(&c->head, in);
    if (buf_err(&c->head) != WB_OK)
        return -1;
    n = http_head_length(&c->scan, buf_span(&c->head));
    if (n == 0 && c->head.n <= API_HEAD_BYTES_MAX && http_head_possible(buf_span(&c->head)))
        return 0;
    c->request = http_request_new(server, wsi);
    if (!c->request)
        return -1;
    if (n > API_HEAD_BYTES_MAX || (n == 0 && c->head.n > API_HEAD_BYTES_MAX))
        http_refuse_head(c->request, "The head of the request is larger than 8 KiB");
    else if (n == 0 && in.p[0] == TLS_HANDSHAKE)
        http_refuse_head(c->request, "This is http://, not https://");
    else if (n == 0)
        http_refuse_head(c->request, "This is no HTTP request");
    else
        begin(c, c->request, n);
    buf_free(&c->head);
    return 0;
}

/* Drops bytes behind the request. Negative: close the connection. */
static int drop(struct lws *wsi, struct connection *c, size_t n)
{
    c->dropped += n;
    if (c->dropped <= API_DISCARD_BYTES_MAX)
        return 0;
    if (c->lingering)
        return -1;
    lws_rx_flow_control(wsi, 0); /* until the answer has left */
    return 0;
}

/* The caller has sent its FIN: it hung up, or it has sent everything and waits (both look the same
 * to us). If it hung up, the kernel learns that with the next byte that we send. */
static int ended(struct http_server *server, struct lws *wsi, struct connection *c)
{
    struct served_request *r = c->request;

    if (c->lingering || (!r && c->head.n == 0))
        return -1;
    c->ended = true;
    lws_rx_flow_control(wsi, 0);
    if (!r) {
        c->request = http_request_new(server, wsi);
        if (!c->request)
            return -1;
        http_refuse_head(c->request, "The connection ended before the head was complete");
    } else if (!r->body_complete) {
        http_body_cut(r);
    } else if (!r->api.answered && r->may_have_interim) {
        http_interim(r);
    }
    return 0;
}

/* One read per turn of the loop, so that other connections have theirs. Negative: close the
 * connection. */
static int read_some(struct http_server *server, struct lws *wsi, struct connection *c)
{
    const struct caller *who = lws_get_opaque_user_data(wsi);
    uint8_t bytes[API_READ_BYTES];
    ssize_t n;

    if (!who || who->leaving || server->stopping)
        return -1;
    n = recv(lws_get_socket_fd(wsi), bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    if (n == 0)
        return ended(server, wsi, c);
    if (!c->request && !c->lingering)
        return take_head(server, wsi, c, SPAN(bytes, (size_t)n));
    if (!c->request || c->request->body_complete)
        return drop(wsi, c, (size_t)n);
    http_body_take(c->request, SPAN(bytes, (size_t)n));
    return 0;
}

/* The connection's memory with libwebsockets is about to be freed. */
static void forget(struct connection *c)
{
    buf_free(&c->head);
    if (c->request)
        http_request_abandon(c->request);
    c->request = NULL;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    struct http_server *server = vhost ? lws_vhost_user(vhost) : NULL;
    struct connection *c = user;

    (void)in;
    (void)len;
    /* http_server_stop() frees the server: libwebsockets reports the ends of the last connections
     * only after that. */
    if (server && (reason == LWS_CALLBACK_RAW_RX_FILE || reason == LWS_CALLBACK_RAW_WRITEABLE_FILE))
        pauses_mark(loop_pauses(server->deps.loop), "the API's sockets");
    if (server && reason == LWS_CALLBACK_RAW_RX_FILE && lws_get_opaque_user_data(wsi))
        return read_some(server, wsi, c);
    if (server && reason == LWS_CALLBACK_RAW_RX_FILE)
        http_accept(server, wsi);
    if (reason == LWS_CALLBACK_RAW_WRITEABLE_FILE && c)
        http_write(c->request);
    if (reason == LWS_CALLBACK_RAW_CLOSE_FILE && c)
        forget(c);
    if (reason == LWS_CALLBACK_WSI_DESTROY)
        http_gone(server, wsi);
    return 0;
}

/* ---- life ---- */

static const struct lws_protocols protocols[] = {
    {.name = HTTP_PROTOCOL,
     .callback = on_event,
     .per_session_data_size = sizeof(struct connection)},
    {.name = NULL},
};

enum wb_err http_server_start(const struct http_server_deps *d, struct http_server **ret_server,
                              struct buf *problem)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER, .protocols = protocols, .vhost_name = "api"};
    struct http_server *server = calloc(1, sizeof *server);
    enum wb_err err;

    if (!server)
        return WB_ERR_NOMEM;
    server->deps = *d;
    callers_init(&server->callers, d->connections_max && d->connections_max < API_CONNECTIONS_MAX
                                       ? d->connections_max
                                       : API_CONNECTIONS_MAX);
    info.user = server;
    server->vhost = lws_create_vhost(loop_lws(d->loop), &info);
    err = server->vhost ? http_listen(server, problem) : WB_ERR_NOMEM;
    if (err != WB_OK) {
        if (server->vhost)
            lws_vhost_destroy(server->vhost);
        free(server);
        return err;
    }
    *ret_server = server;
    return WB_OK;
}

bool http_server_answers_left(const struct http_server *server)
{
    for (const struct served_request *r = server->requests; r; r = r->next)
        if (r->api.answered)
            return true;
    return false;
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    server->stopping = true;
    for (struct served_request *r = server->requests, *next; r; r = next) {
        struct connection *c = lws_wsi_user(r->wsi);

        next = r->next;
        if (c)
            c->request = NULL;
        http_request_abandon(r);
    }
    http_forget_all(server);
    /* The vhost is freed with the context: connections may still be closing. */
    lws_vhost_destroy(server->vhost);
    free(server);
}
