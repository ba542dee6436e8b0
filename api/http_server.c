#include "api/http_server.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/http_private.h"

/* The first byte of a caller that speaks TLS. */
enum { TLS_HANDSHAKE = 0x16 };

const struct config *api_config(const struct api *api)
{
    return api->deps.config;
}

uint16_t api_port(const struct api *api)
{
    return api->port;
}

const char *api_where(const struct api *api)
{
    return api->where;
}

const char *api_missing(const struct api *api)
{
    return api->missing;
}

/* ---- events -----------------------------------------------------------------------------------
 */

/* The head is complete, and perhaps something of what follows it. */
static void begin(struct connection *c, struct api_request *r, size_t head_bytes)
{
    struct span all = buf_span(&c->head), rest = span_skip(all, head_bytes);

    if (http_read_head(r, span_first(all, head_bytes))) {
        routes_check(r);
        http_body_begin(r, rest.n > 0);
    }
    if (!r->body_complete)
        http_body_take(r, rest);
}

/* Bytes before the end of the head. Negative: close the connection. */
static int take_head(struct api *api, struct lws *wsi, struct connection *c, struct span in)
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
    c->request = http_request_new(api, wsi);
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

/* What is behind a request is not looked at. Negative: close the connection. */
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

/* The caller has sent its FIN: it hung up, or it has said all that it wants to say and waits (both
 * are the same to us). If it hung up, the next byte that it gets tells the kernel. */
static int ended(struct api *api, struct lws *wsi, struct connection *c)
{
    struct api_request *r = c->request;

    if (c->lingering || (!r && c->head.n == 0))
        return -1;
    c->ended = true;
    lws_rx_flow_control(wsi, 0);
    if (!r) {
        c->request = http_request_new(api, wsi);
        if (!c->request)
            return -1;
        http_refuse_head(c->request, "The connection ended before the head was complete");
    } else if (!r->body_complete) {
        http_body_cut(r);
    } else if (!r->answered && r->may_have_interim) {
        http_interim(r);
    }
    return 0;
}

/* One read a turn, so that others have theirs. Negative: close the connection. */
static int read_some(struct api *api, struct lws *wsi, struct connection *c)
{
    const struct caller *who = lws_get_opaque_user_data(wsi);
    uint8_t bytes[API_READ_BYTES];
    ssize_t n;

    if (!who || who->leaving || api->stopping)
        return -1;
    n = recv(lws_get_socket_fd(wsi), bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    if (n == 0)
        return ended(api, wsi, c);
    if (!c->request && !c->lingering)
        return take_head(api, wsi, c, SPAN(bytes, (size_t)n));
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
    struct api *api = vhost ? lws_vhost_user(vhost) : NULL;
    struct connection *c = user;

    (void)in;
    (void)len;
    /* api_stop() frees the api: libwebsockets reports only the ends of the last connections after
     * it.
     */
    if (api && (reason == LWS_CALLBACK_RAW_RX_FILE || reason == LWS_CALLBACK_RAW_WRITEABLE_FILE))
        pauses_mark(loop_pauses(api->deps.loop), "the API's sockets");
    if (api && reason == LWS_CALLBACK_RAW_RX_FILE && lws_get_opaque_user_data(wsi))
        return read_some(api, wsi, c);
    if (api && reason == LWS_CALLBACK_RAW_RX_FILE)
        http_accept(api, wsi);
    if (reason == LWS_CALLBACK_RAW_WRITEABLE_FILE && c)
        http_write(c->request);
    if (reason == LWS_CALLBACK_RAW_CLOSE_FILE && c)
        forget(c);
    if (reason == LWS_CALLBACK_WSI_DESTROY)
        http_gone(api, wsi);
    return 0;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static const struct lws_protocols protocols[] = {
    {.name = HTTP_PROTOCOL,
     .callback = on_event,
     .per_session_data_size = sizeof(struct connection)},
    {.name = NULL},
};

enum wb_err api_start(const struct api_deps *d, struct api **ret_api, struct buf *problem)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER, .protocols = protocols, .vhost_name = "api"};
    struct api *api = calloc(1, sizeof *api);
    enum wb_err err;

    if (!api)
        return WB_ERR_NOMEM;
    api->deps = *d;
    callers_init(&api->callers, d->connections_max && d->connections_max < API_CONNECTIONS_MAX
                                    ? d->connections_max
                                    : API_CONNECTIONS_MAX);
    info.user = api;
    api->vhost = lws_create_vhost(loop_lws(d->loop), &info);
    err = api->vhost ? http_listen(api, problem) : WB_ERR_NOMEM;
    if (err != WB_OK) {
        if (api->vhost)
            lws_vhost_destroy(api->vhost);
        free(api);
        return err;
    }
    *ret_api = api;
    return WB_OK;
}

bool api_answers_left(const struct api *api)
{
    for (const struct api_request *r = api->requests; r; r = r->next)
        if (r->answered)
            return true;
    return false;
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    api->stopping = true;
    for (struct api_request *r = api->requests, *next; r; r = next) {
        struct connection *c = lws_wsi_user(r->wsi);
        next = r->next;
        if (c)
            c->request = NULL;
        http_request_abandon(r);
    }
    http_forget_all(api);
    /* The vhost goes with the context: connections may still be closing. */
    lws_vhost_destroy(api->vhost);
    free(api);
}
