#include "tools/mock/server.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/chunked.h"
#include "base/fd_limit.h"
#include "base/http_reason.h"
#include "base/listen.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/session.h"
#include "tools/mock/wire/client.h"

enum {
    HEADER_ROOM = 1024,
    RX_BYTES = 1 << 16,
    HTTP_CHUNK = 1 << 15,
    QUERY_MAX = 4096,
    WRITES_AT_ONCE = 64,
    CALLERS_AT_ONCE = 64, /* accepted before others have their turn */
    DESCRIPTORS_WANTED = 4096,
    DESCRIPTORS_KEPT = 16, /* left for other uses: without a free one, accept() fails without end */
};

#define PROTOCOL "wa"
#define ADDRESS  "127.0.0.1"

struct server {
    struct mock *m;
    struct lws_context *context;
    struct lws_vhost *vhost;
    uint16_t port;
    lws_sorted_usec_list_t sul;
    const volatile int *stop;
    size_t descriptors_below; /* a connection with a higher one is closed at once */
};

/* What lws keeps for each socket. */
struct mock_socket {
    struct lws *wsi;
    struct client *client; /* WebSocket */
    bool abort;            /* close at the next chance */
    bool binary;
    /* HTTP */
    char method[8];
    char path[1024];
    char query[QUERY_MAX];
    char user_agent[256], fetch_site[32], fetch_dest[32];
    struct buf body;
    bool in_chunks; /* the body is chunked; the connection ends with the answer */
    struct chunked chunks;
    struct http_response response;
    size_t sent;
    bool answered;
};

static struct server *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static void want_write(void *socket)
{
    struct mock_socket *s = socket;

    if (s)
        (void)lws_callback_on_writable(s->wsi);
}

static void close_socket(void *socket)
{
    struct mock_socket *s = socket;

    if (!s)
        return;
    s->abort = true;
    lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void cut_socket(void *socket, enum socket_cut how)
{
    struct mock_socket *s = socket;

    if (!s)
        return;
    if (how == SOCKET_DEAF)
        (void)lws_rx_flow_control(s->wsi, 0);
    cut_fd(lws_get_socket_fd(s->wsi), how);
}

/* ---- timers ---- */

static void schedule(struct server *s);

/* Runs the timers that are due. lws polls right after its own timers, so the next timer must be set
 * here. */
static void tick(lws_sorted_usec_list_t *sul)
{
    struct server *s = lws_container_of(sul, struct server, sul);

    mock_timers_run(s->m);
    schedule(s);
}

static void schedule(struct server *s)
{
    int64_t wait = mock_timer_wait(s->m);

    if (wait >= 0)
        lws_sul_schedule(s->context, 0, &s->sul, tick, (lws_usec_t)wait * LWS_US_PER_MS + 1);
}

/* ---- answers ---- */

/* Writes the head of an answer ourselves: libwebsockets knows the reason phrases of few codes
 * only. */
static int write_head(struct lws *wsi, int status, const char *type, size_t body, bool last)
{
    unsigned char head[LWS_PRE + HEADER_ROOM];
    int n = snprintf((char *)head + LWS_PRE, HEADER_ROOM,
                     "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %zu\r\n%s\r\n", status,
                     http_reason(status), type, body, last ? "connection: close\r\n" : "");

    return lws_write(wsi, head + LWS_PRE, (size_t)n, LWS_WRITE_HTTP_HEADERS) == n ? 0 : -1;
}

/* ---- WebSocket ---- */

/* The HTTP status to refuse the upgrade with; 0 to accept. */
static int upgrade_verdict(struct lws *wsi)
{
    struct mock *m = server_of(wsi)->m;
    struct trouble *t = &m->trouble;
    char text[256];

    if (t->upgrade_until_ms != 0 && clock_mono_ms(m->clock) > t->upgrade_until_ms)
        t->upgrade_status = 0;
    if (t->upgrade_status != 0)
        return t->upgrade_status;
    if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_GET_URI) <= 0 ||
        strcmp(text, "/ws/chat") != 0)
        return 404;
    /* P-WS-02: browsers send the page's Origin; a client that is no browser may leave it out. */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) <= 0) {
        mock_flag(m, "http", "no-origin", NULL, "no Origin");
        return 0;
    }
    if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_ORIGIN) <= 0 ||
        strcmp(text, "https://web.whatsapp.com") != 0) {
        mock_flag(m, "http", "wrong-origin", NULL, "Origin is not https://web.whatsapp.com");
        return 403;
    }
    return 0;
}

static int write_one(struct mock_socket *s, struct out_msg *o)
{
    unsigned char *out = malloc(LWS_PRE + o->n);
    int flags = o->start ? LWS_WRITE_BINARY : LWS_WRITE_CONTINUATION;
    int written = -1;

    if (o->more)
        flags |= LWS_WRITE_NO_FIN;
    if (out) {
        memcpy(out + LWS_PRE, o->bytes, o->n);
        written = lws_write(s->wsi, out + LWS_PRE, o->n, (enum lws_write_protocol)flags);
    }
    free(out);
    free(o);
    return written;
}

static int ws_write(struct mock_socket *s)
{
    struct client *c = s->client;

    if (s->abort || !c)
        return -1;
    for (int n = 0; n < WRITES_AT_ONCE; n++) {
        struct out_msg *o = client_next_out(c);

        if (!o)
            break;
        if (write_one(s, o) < 0)
            return -1;
        if (lws_send_pipe_choked(s->wsi))
            break;
    }
    if (c->out)
        (void)lws_callback_on_writable(s->wsi);
    else if (c->close_when_sent) {
        lws_close_reason(s->wsi,
                         c->close_code != 0 ? (enum lws_close_status)c->close_code
                                            : LWS_CLOSE_STATUS_NORMAL,
                         NULL, 0);
        return -1;
    }
    return 0;
}

static int on_ws(struct lws *wsi, enum lws_callback_reasons reason, struct mock_socket *s, void *in,
                 size_t len)
{
    struct server *server = server_of(wsi);
    int result = 0;

    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        s->wsi = wsi;
        s->client = client_new(server->m, s, &session_ops);
        result = s->client != NULL ? 0 : -1;
        break;
    case LWS_CALLBACK_RECEIVE:
        if (lws_is_first_fragment(wsi))
            s->binary = lws_frame_is_binary(wsi) != 0;
        if (s->abort)
            result = -1;
        else if (s->binary && s->client)
            client_receive(s->client, SPAN(in, len));
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        result = ws_write(s);
        break;
    case LWS_CALLBACK_CLOSED:
        if (s->client)
            client_gone(s->client);
        s->client = NULL;
        break;
    default:
        break;
    }
    schedule(server);
    return result;
}

/* ---- HTTP ---- */

static bool read_line(struct lws *wsi, struct mock_socket *s)
{
    static const struct {
        enum lws_token_indexes token;
        const char *method;
    } methods[] = {
        {WSI_TOKEN_GET_URI, "GET"}, {WSI_TOKEN_POST_URI, "POST"}, {WSI_TOKEN_DELETE_URI, "DELETE"}};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (lws_hdr_copy(wsi, s->path, sizeof s->path, methods[i].token) > 0) {
            (void)snprintf(s->method, sizeof s->method, "%s", methods[i].method);
            return true;
        }
    }
    return false;
}

/* Keeps the headers that the pages of web.whatsapp.com check. */
static void read_browser(struct lws *wsi, struct mock_socket *s)
{
    s->user_agent[0] = s->fetch_site[0] = s->fetch_dest[0] = '\0';
    (void)lws_hdr_copy(wsi, s->user_agent, sizeof s->user_agent, WSI_TOKEN_HTTP_USER_AGENT);
    (void)lws_hdr_custom_copy(wsi, s->fetch_site, sizeof s->fetch_site, "sec-fetch-site:", 15);
    (void)lws_hdr_custom_copy(wsi, s->fetch_dest, sizeof s->fetch_dest, "sec-fetch-dest:", 15);
}

static void read_query(struct lws *wsi, struct mock_socket *s)
{
    size_t n = 0;
    char part[QUERY_MAX / 2];

    for (int i = 0;; i++) {
        int got = lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i);

        if (got < 0 || n + (size_t)got + 2 > sizeof s->query)
            break;
        memcpy(s->query + n, part, (size_t)got);
        n += (size_t)got;
        s->query[n++] = '\n';
    }
    s->query[n] = '\0';
}

/* libwebsockets cannot tell where a chunked body has ended: such a connection takes no more. */
static int completed(struct lws *wsi, const struct mock_socket *s)
{
    return s->in_chunks || lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static int respond(struct lws *wsi, struct mock_socket *s)
{
    struct http_request q = {.method = s->method,
                             .path = s->path,
                             .query = s->query,
                             .body = buf_span(&s->body),
                             .user_agent = s->user_agent,
                             .fetch_site = s->fetch_site,
                             .fetch_dest = s->fetch_dest};
    struct http_response *r = &s->response;

    *r = (struct http_response){
        .status = 500, .type = "text/plain", .body = buf_new(MOCK_HTTP_BODY_MAX)};
    admin_http(server_of(wsi)->m, &q, r);
    s->answered = true;
    if (write_head(wsi, r->status, r->type, r->body.n, s->in_chunks) != 0)
        return -1;
    if (r->body.n == 0)
        return completed(wsi, s);
    (void)lws_callback_on_writable(wsi);
    return 0;
}

static bool comes_in_chunks(struct lws *wsi)
{
    char coding[16];

    return lws_hdr_copy(wsi, coding, sizeof coding, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 &&
           strcasecmp(coding, "chunked") == 0;
}

static int http_start(struct lws *wsi, struct mock_socket *s)
{
    char length[24];

    s->wsi = wsi;
    buf_free(&s->body);
    s->body = buf_new(MOCK_HTTP_BODY_MAX);
    s->sent = 0;
    s->answered = false;
    s->in_chunks = false;
    s->chunks = (struct chunked){0};
    if (!read_line(wsi, s))
        return lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, NULL) != 0 ? -1 : 0;
    read_query(wsi, s);
    read_browser(wsi, s);
    bool has_length = lws_hdr_copy(wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    if (strcmp(s->method, "POST") != 0)
        return respond(wsi, s);
    s->in_chunks = !has_length && comes_in_chunks(wsi);
    if (s->in_chunks || (has_length && strcmp(length, "0") != 0))
        return 0; /* the body follows */
    return respond(wsi, s);
}

static int http_body(struct lws *wsi, struct mock_socket *s, struct span part)
{
    bool done = false;

    if (!s->in_chunks) {
        buf_append(&s->body, part);
        return buf_err(&s->body) == WB_OK ? 0 : -1;
    }
    if (s->answered)
        return 0; /* behind the end of the body */
    if (chunked_push(&s->chunks, part, &s->body, &done) != WB_OK)
        return -1;
    return done ? respond(wsi, s) : 0;
}

static int http_write(struct lws *wsi, struct mock_socket *s)
{
    unsigned char out[LWS_PRE + HTTP_CHUNK];
    struct buf *body = &s->response.body;
    size_t n = body->n - s->sent;

    if (!s->answered || n == 0)
        return 0;
    if (n > HTTP_CHUNK)
        n = HTTP_CHUNK;
    memcpy(out + LWS_PRE, body->p + s->sent, n);
    bool last = s->sent + n == body->n;
    if (lws_write(wsi, out + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
        return -1;
    s->sent += n;
    if (!last) {
        (void)lws_callback_on_writable(wsi);
        return 0;
    }
    buf_free(body);
    s->answered = false;
    return completed(wsi, s);
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, struct mock_socket *s,
                   void *in, size_t len)
{
    int result = 0, status;

    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        status = upgrade_verdict(wsi);
        if (status == 0)
            return 0;
        return write_head(wsi, status, "text/plain", 0, false) != 0 ? -1 : 1;
    case LWS_CALLBACK_HTTP:
        result = http_start(wsi, s);
        break;
    case LWS_CALLBACK_HTTP_BODY:
        result = http_body(wsi, s, SPAN(in, len));
        break;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        result = s->answered ? 0 : respond(wsi, s);
        break;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        result = http_write(wsi, s);
        break;
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (s) {
            buf_free(&s->body);
            buf_free(&s->response.body);
        }
        break;
    default:
        return lws_callback_http_dummy(wsi, reason, s, in, len);
    }
    schedule(server_of(wsi));
    return result;
}

/* Accepts callers of this machine only, because /admin may do everything. libwebsockets closes the
 * connections that it cannot take. */
static void accept_callers(struct server *s, int listening)
{
    for (int n = 0; n < CALLERS_AT_ONCE; n++) {
        struct ip peer;
        int fd = listen_accept(listening, &peer);

        if (fd < 0)
            return;
        if (ip_is_loopback(&peer) && (size_t)fd < s->descriptors_below)
            (void)lws_adopt_socket_vhost(s->vhost, fd);
        else
            (void)close(fd);
    }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED:
        return on_ws(wsi, reason, user, in, len);
    case LWS_CALLBACK_RAW_RX_FILE: /* the listening socket */
        accept_callers(server_of(wsi), lws_get_socket_fd(wsi));
        schedule(server_of(wsi));
        return 0;
    default:
        return on_http(wsi, reason, user, in, len);
    }
}

static const struct lws_protocols protocols[] = {
    {PROTOCOL, callback, sizeof(struct mock_socket), RX_BYTES, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0}};

/* ---- life ---- */

/* The listening socket is our own, for the reasons in base/listen.h; libwebsockets watches it and
 * serves the connections that we accept. */
static bool start_listening(struct server *s)
{
    struct listeners l;
    struct buf problem = buf_new(1024);

    lws_sock_file_fd_type fd;
    bool ok = false;
    if (listen_open(ADDRESS, s->m->cfg.port, &l, &problem) != WB_OK) {
        (void)fprintf(stderr, "wa-mock: %s\n", buf_cstr(&problem));
    } else {
        s->port = l.port;
        fd.filefd = l.fd[0];
        ok = lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_RAW_FILE_DESC, fd, PROTOCOL, NULL) !=
             NULL;
        if (!ok)
            listen_close(&l);
    }
    buf_free(&problem);
    return ok;
}

static bool make_vhost(struct server *s, const char *cert, const char *key)
{
    struct lws_context_creation_info info;

    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.user = s;
    /* -1: change no group. int in Debian 12's libwebsockets, unsigned in Debian 13's. */
    info.gid = (__typeof__(info.gid))-1;
    info.uid = (__typeof__(info.uid))-1;
    info.pt_serv_buf_size = RX_BYTES;
    info.alpn = "http/1.1"; /* h2 would bring another way to upgrade */
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    if (cert)
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    s->context = lws_create_context(&info);
    if (!s->context)
        return false;
    info.ssl_cert_filepath = cert;
    info.ssl_private_key_filepath = key;
    s->vhost = lws_create_vhost(s->context, &info);
    return s->vhost != NULL;
}

struct server *server_start(struct mock *m, const char *cert, const char *key)
{
    struct server *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->m = m;
    s->descriptors_below = fd_limit_raise(DESCRIPTORS_WANTED) - DESCRIPTORS_KEPT;
    lws_set_log_level(LLL_ERR, NULL);
    if (!make_vhost(s, cert, key) || !start_listening(s)) {
        server_stop(s);
        return NULL;
    }
    m->want_write = want_write;
    m->close_socket = close_socket;
    m->cut_socket = cut_socket;
    (void)snprintf(m->base_url, sizeof m->base_url, "%s://" ADDRESS ":%u",
                   cert != NULL ? "https" : "http", s->port);
    return s;
}

uint16_t server_port(const struct server *s)
{
    return s->port;
}

void server_run(struct server *s, const volatile int *stop)
{
    schedule(s);
    while (*stop == 0) {
        if (lws_service(s->context, 0) < 0)
            return;
        schedule(s);
    }
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    if (s->context)
        lws_context_destroy(s->context);
    free(s);
}
