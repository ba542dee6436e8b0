#include "api/http_server.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/route.h"
#include "base/listen.h"

enum { REPLY_HEADER_BYTES = 1024 };

#define PROTOCOL "http"

struct api {
    struct api_deps deps;
    struct lws_protocols protocols[2];
    struct lws_vhost *vhost;
    struct api_request *requests; /* under way */
    size_t nrequests;
    uint16_t port;
    char where[LISTEN_TEXT_MAX]; /* the addresses we listen on */
    bool stopping;
};

/* libwebsockets' memory per connection. */
struct connection {
    struct api_request *request; /* NULL before it and when its answer is with the socket */
    bool answered;
};

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

/* ---- requests ---------------------------------------------------------------------------------
 */

static struct api_request *request_new(struct api *api, struct lws *wsi)
{
    struct api_request *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->api = api;
    r->bridge = api->deps.bridge;
    r->wsi = wsi;
    r->body = buf_new(API_BODY_BYTES_MAX);
    r->reply = buf_new(API_REPLY_BYTES_MAX);
    r->arena = arena_new(API_ARENA_BYTES_MAX);
    r->next = api->requests;
    if (r->next)
        r->next->prev = r;
    api->requests = r;
    api->nrequests++;
    return r;
}

static void request_free(struct api_request *r)
{
    struct api *api = r->api;

    if (r->prev)
        r->prev->next = r->next;
    else
        api->requests = r->next;
    if (r->next)
        r->next->prev = r->prev;
    api->nrequests--;
    timer_stop(loop_timers(api->deps.loop), &r->look);
    buf_free(&r->body);
    buf_free(&r->reply);
    arena_free(&r->arena);
    free(r);
}

/* The connection ends before the answer: whoever works on it is told. */
static void request_abandon(struct api_request *r)
{
    if (r->gone)
        r->gone(r->gone_ctx);
    request_free(r);
}

static void copy_header(struct api_request *r, enum lws_token_indexes token, char *out)
{
    int n = lws_hdr_total_length(r->wsi, token);

    if (n <= 0)
        return;
    if (n >= API_HEADER_VALUE_MAX || lws_hdr_copy(r->wsi, out, API_HEADER_VALUE_MAX, token) < 0)
        r->header_too_long = true;
}

static void copy_idempotency_key(struct api_request *r)
{
    static const char name[] = "idempotency-key:";
    int n = lws_hdr_custom_length(r->wsi, name, sizeof name - 1);

    if (n <= 0)
        return;
    if (n >= API_HEADER_VALUE_MAX ||
        lws_hdr_custom_copy(r->wsi, r->idempotency_key, API_HEADER_VALUE_MAX, name,
                            sizeof name - 1) < 0)
        r->header_too_long = true;
}

/* Both ends as the kernel knows them, whatever the settings or the headers say. */
static void note_addresses(struct api_request *r)
{
    int fd = lws_get_socket_fd(r->wsi);
    struct ip ip;

    r->local[0] = '\0';
    if (ip_of_socket(fd, &ip))
        ip_text(&ip, r->local);
    r->from_here = ip_of_peer(fd, &ip) && ip_is_loopback(&ip);
}

/* libwebsockets files the request line under a token per method. */
static bool read_method(struct api_request *r)
{
    static const struct {
        enum lws_token_indexes token;
        enum api_method method;
    } methods[] = {
        {WSI_TOKEN_GET_URI, API_GET},         {WSI_TOKEN_POST_URI, API_POST},
        {WSI_TOKEN_HEAD_URI, API_HEAD},       {WSI_TOKEN_PUT_URI, API_PUT},
        {WSI_TOKEN_PATCH_URI, API_PATCH},     {WSI_TOKEN_DELETE_URI, API_DELETE},
        {WSI_TOKEN_OPTIONS_URI, API_OPTIONS},
    };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (lws_hdr_total_length(r->wsi, methods[i].token) > 0) {
            r->method = methods[i].method;
            return lws_hdr_copy(r->wsi, r->path, sizeof r->path, methods[i].token) > 0;
        }
    return false;
}

/* libwebsockets has cut the query at its '&' and decoded the parts. */
static void copy_query(struct api_request *r)
{
    size_t at = 0;
    int n;

    for (int i = 0; (n = lws_hdr_fragment_length(r->wsi, WSI_TOKEN_HTTP_URI_ARGS, i)) > 0; i++) {
        char *to = r->query + at;

        /* Room for this one, its NUL and the empty one at the end. */
        if (at + (size_t)n + 2 > sizeof r->query ||
            lws_hdr_copy_fragment(r->wsi, to, (int)(sizeof r->query - at - 1),
                                  WSI_TOKEN_HTTP_URI_ARGS, i) < 0 ||
            strlen(to) != (size_t)n) {
            r->bad_query = true;
            return;
        }
        at += (size_t)n + 1;
    }
}

/* libwebsockets reports the end of a body also when Content-Length is 0, after the headers. */
static void dispatch_request(struct api_request *r)
{
    if (r->dispatched)
        return;
    r->dispatched = true;
    lws_set_timeout(r->wsi, NO_PENDING_TIMEOUT, 0); /* our own waits end it */
    routes_dispatch(r);
}

/* Callers that stop in the middle must not use up API_REQUESTS_MAX. */
static void await_body(struct api_request *r)
{
    lws_set_timeout(r->wsi, PENDING_TIMEOUT_HTTP_CONTENT, API_TRANSFER_S);
}

/* A transfer coding that we know, in a request for which libwebsockets reads a body of a length
 * that was not told. */
static bool comes_in_chunks(struct api_request *r)
{
    char coding[16];
    int n = lws_hdr_copy(r->wsi, coding, sizeof coding, WSI_TOKEN_HTTP_TRANSFER_ENCODING);

    return n > 0 && strcasecmp(coding, "chunked") == 0 &&
           (r->method == API_POST || r->method == API_PUT || r->method == API_PATCH);
}

/* Headers are complete. Negative: close the connection. */
static int request_begin(struct api *api, struct lws *wsi, struct connection *c)
{
    struct api_request *r;
    char length[32] = "";
    uint64_t body_bytes = 0;
    bool coded;

    if (!api || c->request || c->answered || api->stopping)
        return -1;
    r = request_new(api, wsi);
    if (!r)
        return -1;
    c->request = r;
    if (!read_method(r)) {
        r->method = API_GET;
        api_reply_error(r, CMD_BAD_REQUEST, "The request line cannot be read or is too long");
        return 0;
    }
    note_addresses(r);
    copy_header(r, WSI_TOKEN_HOST, r->host);
    copy_header(r, WSI_TOKEN_ORIGIN, r->origin);
    copy_header(r, WSI_TOKEN_HTTP_AUTHORIZATION, r->authorization);
    copy_header(r, WSI_TOKEN_HTTP_CONTENT_TYPE, r->content_type);
    copy_idempotency_key(r);
    copy_query(r);
    if (lws_hdr_copy(wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 &&
        !span_to_u64(span_cstr(length), &body_bytes))
        return -1;
    coded = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    r->in_chunks = coded && !length[0] && comes_in_chunks(r);
    r->body_left = r->in_chunks ? 1 : body_bytes;
    r->unread = body_bytes > API_DISCARD_BYTES_MAX || (coded && !r->in_chunks);
    if (body_bytes > API_BODY_BYTES_MAX)
        api_reply_error(r, CMD_TOO_LARGE, "The body is larger than 1 MiB");
    else if (r->unread)
        api_reply_error(r, CMD_BAD_REQUEST,
                        "Send the body of a POST with a Content-Length, or in chunks alone");
    else if (api->nrequests > API_REQUESTS_MAX)
        api_reply_error(r, CMD_RATE_LIMITED, "Too many requests at once; try again later");
    else if (r->body_left == 0)
        dispatch_request(r);
    else
        await_body(r);
    return 0;
}

static int take_body(struct api_request *r, const void *in, size_t n)
{
    await_body(r);
    r->body_left -= n < r->body_left ? n : r->body_left;
    if (r->answered)
        return 0; /* refused already; the rest of the body is only read */
    buf_append(&r->body, SPAN(in, n));
    if (buf_err(&r->body) != WB_OK)
        api_reply_error(r, CMD_TOO_LARGE, "The body is larger than 1 MiB");
    return 0;
}

/* ---- answers ----------------------------------------------------------------------------------
 */

/* Answering while a body is still coming in would make clients see a reset: it is read first. */
void http_server_answer(struct api_request *r)
{
    if (r->reading_off)
        lws_rx_flow_control(r->wsi, 1); /* nothing is written while it is off */
    if (r->body_left == 0 || r->unread)
        lws_callback_on_writable(r->wsi);
}

/* A caller that hangs up does not show in lws while reading is off. */
static void look_for_caller(void *ctx)
{
    struct api_request *r = ctx;
    char c;

    if (recv(lws_get_socket_fd(r->wsi), &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        lws_set_timeout(r->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_ASYNC);
    else
        timer_start(loop_timers(r->api->deps.loop), &r->look, API_LOOK_MS, look_for_caller, r);
}

/* While a caller waits nothing more is read: what is behind its request would be offered to us
 * again and again, without a pause. */
static void body_complete(struct api_request *r)
{
    if (r->body_complete)
        return;
    r->body_complete = true;
    r->body_left = 0;
    if (r->answered) {
        http_server_answer(r);
        return;
    }
    dispatch_request(r);
    if (!r->answered) {
        r->reading_off = true;
        lws_rx_flow_control(r->wsi, 0);
        timer_start(loop_timers(r->api->deps.loop), &r->look, API_LOOK_MS, look_for_caller, r);
    }
}

/* What is refused is not read to its end, of which libwebsockets knows nothing. */
static int take_chunks(struct api_request *r, const void *in, size_t n)
{
    bool done = false;
    enum wb_err err;

    if (r->body_complete)
        return 0;
    await_body(r);
    err = chunked_push(&r->chunks, SPAN(in, n), &r->body, &done);
    if (err == WB_OK && done)
        body_complete(r);
    if (err == WB_OK)
        return 0;
    r->unread = r->body_complete = true;
    if (!r->answered)
        api_reply_error(r, err == WB_ERR_TOO_LARGE ? CMD_TOO_LARGE : CMD_BAD_REQUEST,
                        err == WB_ERR_TOO_LARGE ? "The body is larger than 1 MiB"
                                                : "The chunks of the body cannot be read");
    else
        http_server_answer(r);
    return 0;
}

static int request_body(struct api_request *r, const void *in, size_t n)
{
    if (!r)
        return -1;
    return r->in_chunks ? take_chunks(r, in, n) : take_body(r, in, n);
}

static int add_header(struct lws *wsi, const char *name, const char *value, uint8_t **p,
                      uint8_t *end)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), p, end);
}

static int write_headers(struct api_request *r)
{
    uint8_t space[LWS_PRE + REPLY_HEADER_BYTES], *start = space + LWS_PRE, *p = start;
    uint8_t *end = space + sizeof space - 1;

    if (lws_add_http_common_headers(r->wsi, (unsigned)r->status, r->reply_type, r->reply.n, &p,
                                    end) ||
        add_header(r->wsi, "connection:", "close", &p, end) ||
        add_header(r->wsi, "cache-control:", "no-store", &p, end) ||
        add_header(r->wsi, "x-content-type-options:", "nosniff", &p, end) ||
        (r->policy && (add_header(r->wsi, "content-security-policy:", r->policy, &p, end) ||
                       add_header(r->wsi, "referrer-policy:", "no-referrer", &p, end))) ||
        (r->allow[0] && add_header(r->wsi, "allow:", r->allow, &p, end)) ||
        (r->status == 401 && add_header(r->wsi, "www-authenticate:", "Bearer", &p, end)) ||
        lws_finalize_write_http_header(r->wsi, start, &p, end))
        return -1;
    return 0;
}

static int write_body(struct api_request *r)
{
    uint8_t *space;
    int written;

    if (r->method == API_HEAD || r->reply.n == 0)
        return 0;
    space = malloc(LWS_PRE + r->reply.n);
    if (!space)
        return -1;
    memcpy(space + LWS_PRE, r->reply.p, r->reply.n);
    written = lws_write(r->wsi, space + LWS_PRE, r->reply.n, LWS_WRITE_HTTP_FINAL);
    free(space);
    return written < (int)r->reply.n ? -1 : 0;
}

/* One request per connection. When a caller sends the next one before it has the answer,
 * libwebsockets 4.1 takes the head of a second request for its body, frees the bytes that it is
 * still reading, and then calls back without end; nothing tells us beforehand. */
static int on_writable(struct lws *wsi, struct connection *c)
{
    struct api_request *r = c->request;
    int rc;

    if (c->answered) /* what was left of the answer is written */
        return -1;
    if (!r || !r->answered)
        return 0;
    if (!r->writing) {
        r->writing = true;
        if (write_headers(r) != 0)
            return -1;
        lws_callback_on_writable(wsi);
        return 0;
    }
    rc = write_body(r);
    c->answered = true;
    c->request = NULL;
    request_free(r);
    if (rc != 0 || !lws_partial_buffered(wsi))
        return -1;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, API_TRANSFER_S);
    lws_callback_on_writable(wsi);
    return 0;
}

/* Is this descriptor, of a connection that was just accepted, one of those set aside? Closed at
 * once, the caller is gone from the queue; left there it would wake the loop again and again. */
static bool over_budget(const struct api *api, int fd)
{
    return api->deps.descriptors_below > 0 && (size_t)fd >= api->deps.descriptors_below;
}

/* libwebsockets closes what it has no room for. */
static void accept_callers(struct api *api, int listening)
{
    for (int n = 0; n < API_ACCEPTS_MAX; n++) {
        struct ip peer;
        int fd = listen_accept(listening, &peer);

        if (fd < 0)
            return;
        if (over_budget(api, fd))
            (void)close(fd);
        else
            (void)lws_adopt_socket_vhost(api->vhost, fd);
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    struct api *api = vhost ? lws_vhost_user(vhost) : NULL;
    struct connection *c = user;

    /* Only what is handled here: everything else is libwebsockets' own affair. */
    if (reason == LWS_CALLBACK_HTTP)
        return request_begin(api, wsi, c);
    if (reason == LWS_CALLBACK_HTTP_BODY)
        return request_body(c->request, in, len);
    if (reason == LWS_CALLBACK_HTTP_BODY_COMPLETION) {
        if (c->request)
            body_complete(c->request);
        return 0;
    }
    if (reason == LWS_CALLBACK_HTTP_WRITEABLE)
        return on_writable(wsi, c);
    if (reason == LWS_CALLBACK_HTTP_CONFIRM_UPGRADE)
        return -1; /* no WebSockets here: a page of any origin may open one */
    if (reason == LWS_CALLBACK_RAW_RX_FILE && api) {
        accept_callers(api, lws_get_socket_fd(wsi));
        return 0;
    }
    if (reason == LWS_CALLBACK_CLOSED_HTTP && c && c->request) {
        request_abandon(c->request);
        c->request = NULL;
    }
    return 0;
}

/* ---- life -------------------------------------------------------------------------------------
 */

/* Our own sockets, for base/listen.h's reasons; libwebsockets watches them and serves whom we
 * accept. It closes them with the vhost. */
static enum wb_err start_listening(struct api *api, struct buf *problem)
{
    struct listeners l;
    enum wb_err err = listen_open(api->deps.config->bind, api->deps.config->port, &l, problem);

    if (err != WB_OK)
        return err;
    api->port = l.port;
    memcpy(api->where, l.where, sizeof api->where);
    while (l.n > 0) {
        lws_sock_file_fd_type fd = {.filefd = l.fd[l.n - 1]};

        if (!lws_adopt_descriptor_vhost(api->vhost, LWS_ADOPT_RAW_FILE_DESC, fd, PROTOCOL, NULL)) {
            listen_close(&l);
            return WB_ERR_NOMEM;
        }
        l.n--;
    }
    return WB_OK;
}

enum wb_err api_start(const struct api_deps *d, struct api **ret_api, struct buf *problem)
{
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN_SERVER};
    struct api *api = calloc(1, sizeof *api);
    enum wb_err err;

    if (!api)
        return WB_ERR_NOMEM;
    api->deps = *d;
    api->protocols[0] = (struct lws_protocols){
        .name = PROTOCOL, .callback = on_event, .per_session_data_size = sizeof(struct connection)};
    info.protocols = api->protocols;
    info.vhost_name = "api";
    info.user = api;
    info.timeout_secs = 20; /* a caller that does not finish its headers */
    api->vhost = lws_create_vhost(loop_lws(d->loop), &info);
    err = api->vhost ? start_listening(api, problem) : WB_ERR_NOMEM;
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
        request_abandon(r);
    }
    /* The vhost goes with the context: connections may still be closing. */
    lws_vhost_destroy(api->vhost);
    free(api);
}
