#include "bridge/ws_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/plain_file.h"
#include "bridge/jobs.h"
#include "bridge/limits.h"
#include "bridge/ws_tls.h"
#include "bridge/ws_url.h"

enum { ADDRESSES_MAX = 8, READ_BYTES = 16 * 1024 };

#define WS_ORIGIN "https://web.whatsapp.com"

/* A queued message, with the room that libwebsockets wants in front of it. */
struct chunk {
    struct chunk *next;
    size_t n;
    uint8_t bytes[]; /* LWS_PRE + n */
};

struct ws_client {
    struct loop *loop;
    struct jobs *jobs;
    struct ws_callbacks cb;
    struct lws_vhost *vhost;
    struct ws_url url;
    char *ca_file;
    char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    size_t naddresses, next_address;
    struct lws *wsi;
    uint64_t attempt; /* names the resolving job that counts */
    bool active;      /* between open() and ended() */
    bool established, closing;
    struct chunk *first, **end;
    size_t queued;  /* bytes of these */
    size_t handed;  /* of the message that libwebsockets has, as long as it keeps some of it */
    uint64_t taken; /* bytes queued on this connection */
    bool reading_off;
    struct ws_end_info info;
    char text[128];
    struct loop_deferred deferred;
    struct timer timer; /* dial and upgrade, or our close */
};

/* ---- the end ------------------------------------------------------------------------------------
 */

static void drop_queue(struct ws_client *c)
{
    while (c->first) {
        struct chunk *k = c->first;

        c->first = k->next;
        free(k);
    }
    c->end = &c->first;
    c->queued = c->handed = 0;
    c->taken = 0;
    c->reading_off = false;
}

static void report_end(void *ctx)
{
    struct ws_client *c = ctx;

    timer_stop(loop_timers(c->loop), &c->timer);
    drop_queue(c);
    c->active = c->established = c->closing = false;
    c->attempt++;
    c->cb.ended(c->cb.ctx, &c->info);
}

/* The first reason given counts; the owner hears of it at the end of the iteration. */
static void end(struct ws_client *c, enum ws_end why, const char *text)
{
    if (!c->active || c->deferred.queued)
        return;
    c->info.end = why;
    snprintf(c->text, sizeof c->text, "%s", text && *text ? text : "closed");
    c->info.text = c->text;
    loop_defer(c->loop, &c->deferred, report_end, c);
}

/* Is there a route to this address? Sends nothing: connect() on a datagram socket only asks the
 * routing table. */
static bool has_route(const char *address)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_DGRAM};
    struct addrinfo *ai;
    bool ok = false;
    int fd;

    if (getaddrinfo(address, "9", &hints, &ai) != 0)
        return false;
    fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        ok = connect(fd, ai->ai_addr, ai->ai_addrlen) == 0;
        close(fd);
    }
    freeaddrinfo(ai);
    return ok;
}

static void try_next(struct ws_client *c);

/* What OpenSSL thought of the server's certificate. */
static long verdict_on_cert(struct lws *wsi)
{
    const SSL *ssl = wsi ? lws_get_ssl(wsi) : NULL;

    return ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
}

static void connect_failed(struct ws_client *c, const char *text, int http_status, long cert)
{
    bool tls = text && (strstr(text, "tls") || strstr(text, "ssl") || strstr(text, "SSL") ||
                        strstr(text, "cert"));

    c->wsi = NULL;
    if (c->closing) {
        end(c, WS_END_CLOSED, "given up");
        return;
    }
    if (http_status > 0 && http_status != 101) {
        c->info.http_status = http_status;
        end(c, WS_END_HTTP, text);
        return;
    }
    if (cert == X509_V_ERR_CERT_NOT_YET_VALID || cert == X509_V_ERR_CERT_HAS_EXPIRED) {
        end(c, WS_END_CLOCK, X509_verify_cert_error_string(cert));
        return;
    }
    if (tls) {
        end(c, WS_END_TLS, cert == X509_V_OK ? text : X509_verify_cert_error_string(cert));
        return;
    }
    if (c->next_address < c->naddresses) {
        try_next(c);
        return;
    }
    end(c, has_route(c->addresses[c->naddresses - 1]) ? WS_END_REFUSED : WS_END_NO_NETWORK,
        text ? text : "cannot connect");
}

/* ---- libwebsockets
 * ------------------------------------------------------------------------------- */

static int write_one(struct ws_client *c, struct lws *wsi)
{
    struct chunk *k = c->first;
    bool drained = c->handed > 0;

    pauses_mark(loop_pauses(c->loop), "WhatsApp's socket");
    c->handed = 0; /* called only when libwebsockets has nothing left of it */
    if (!k) {
        if (!c->closing) {
            if (drained && c->cb.drained)
                c->cb.drained(c->cb.ctx);
            return 0;
        }
        lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    FAULT_POINT("socket.write");
    if (lws_write(wsi, k->bytes + LWS_PRE, k->n, LWS_WRITE_BINARY) < (int)k->n)
        return -1;
    FAULT_POINT("socket.written");
    c->first = k->next;
    if (!c->first)
        c->end = &c->first;
    c->queued -= k->n;
    if (lws_partial_buffered(wsi))
        c->handed = k->n;
    free(k);
    if (c->first || c->closing || c->handed)
        lws_callback_on_writable(wsi);
    if (!c->closing && c->cb.drained)
        c->cb.drained(c->cb.ctx);
    return 0;
}

static int received(struct ws_client *c, struct lws *wsi, const void *in, size_t n)
{
    pauses_mark(loop_pauses(c->loop), "WhatsApp's socket");
    /* Text messages carry nothing (P-WS-04). */
    if (c->closing || !lws_frame_is_binary(wsi) || n == 0)
        return 0;
    return c->cb.receive(c->cb.ctx, SPAN(in, n)) || c->closing ? 0 : -1;
}

/* Negative: close the connection. */
static int opened(struct ws_client *c)
{
    const char *problem = c->url.tls ? ws_tls_problem(lws_get_ssl(c->wsi), c->url.host) : NULL;

    pauses_mark(loop_pauses(c->loop), "WhatsApp's socket");
    if (c->closing) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    if (problem) {
        end(c, WS_END_TLS, problem);
        return -1;
    }
    c->established = true;
    tcp_uplink_limit(lws_get_socket_fd(c->wsi));
    timer_stop(loop_timers(c->loop), &c->timer);
    c->cb.open(c->cb.ctx);
    return 0;
}

static int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len)
{
    struct ws_client *c = user;

    if (!c)
        return 0;
        /* Only a few of some hundred reasons matter to a WebSocket client. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return opened(c);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return received(c, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_one(c, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (in && len >= 2)
            c->info.ws_status = (unsigned)((uint8_t *)in)[0] << 8 | ((uint8_t *)in)[1];
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        connect_failed(c, in, (int)lws_http_client_http_response(wsi), verdict_on_cert(wsi));
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        if (wsi != c->wsi)
            return 0;
        c->wsi = NULL;
        end(c, c->established || c->closing ? WS_END_CLOSED : WS_END_REFUSED,
            c->closing ? "closed by us" : "closed by the server");
        return 0;
    default:
        return 0;
    }
#pragma GCC diagnostic pop
}

static const struct lws_protocols ws_protocols[] = {
    {.name = "whatsapp", .callback = ws_callback, .rx_buffer_size = READ_BYTES},
    {.name = NULL},
};

/* Made at the first use; the CA file does not change while we run. No proxy: libwebsockets would
 * take one from the environment (http_proxy), of which nobody told us. */
static bool ensure_vhost(struct ws_client *c)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = ws_protocols,
        .vhost_name = "whatsapp-client",
        .client_ssl_ca_filepath = c->ca_file[0] ? c->ca_file : NULL,
        .options = c->url.tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .ssl_client_options_set = ws_tls_options(),
        .http_proxy_address = "",
    };

    /* OpenSSL opens it by its name. */
    if (!c->vhost && c->ca_file[0] && plain_look(c->ca_file) != WB_OK)
        return false;
    if (!c->vhost)
        c->vhost = lws_create_vhost(loop_lws(c->loop), &info);
    return c->vhost != NULL;
}

/* Else libwebsockets sends a ping of the WebSocket layer every five minutes, which no client of
 * WhatsApp's does, and gives the connection up when the answer takes ten seconds, as it does behind
 * a slow line. Whether the server is there is bridge/keepalive.c's to find out. */
static const lws_retry_bo_t no_pings;

static void try_next(struct ws_client *c)
{
    struct lws_client_connect_info i = {
        .context = loop_lws(c->loop),
        .address = c->addresses[c->next_address++],
        .port = c->url.port,
        .path = c->url.path,
        .host = c->url.host,
        .origin = WS_ORIGIN,
        .local_protocol_name = ws_protocols[0].name,
        /* A redirect may lead anywhere, also out of TLS. */
        .ssl_connection = (c->url.tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .alpn = "http/1.1",
        .userdata = c,
        .retry_and_idle_policy = &no_pings,
        .vhost = c->vhost,
        .pwsi = &c->wsi,
    };

    c->info.http_status = 0;
    if (!lws_client_connect_via_info(&i) && !c->deferred.queued && !c->wsi)
        connect_failed(c, "cannot connect", 0, X509_V_OK);
}

/* ---- names
 * --------------------------------------------------------------------------------------- */

struct resolve_job {
    struct ws_client *c;
    uint64_t attempt;
    char host[WS_HOST_MAX];
    int rc;
    char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    size_t n;
};

static void resolve(void *ctx)
{
    struct resolve_job *j = ctx;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;

    j->rc = getaddrinfo(j->host, NULL, &hints, &all);
    for (struct addrinfo *ai = all; ai && j->n < ADDRESSES_MAX; ai = ai->ai_next)
        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, j->addresses[j->n], INET6_ADDRSTRLEN, NULL, 0,
                        NI_NUMERICHOST) == 0)
            j->n++;
    if (all)
        freeaddrinfo(all);
}

static void resolved(void *ctx, bool ran)
{
    struct resolve_job *j = ctx;
    struct ws_client *c = j->c;

    if (ran && c->active && c->attempt == j->attempt && !c->deferred.queued) {
        memcpy(c->addresses, j->addresses, sizeof c->addresses);
        c->naddresses = j->n;
        c->next_address = 0;
        if (j->n == 0)
            end(c, WS_END_NO_NETWORK, j->rc ? gai_strerror(j->rc) : "the name has no address");
        else
            try_next(c);
    }
    free(j);
}

static enum wb_err start_resolving(struct ws_client *c)
{
    struct resolve_job *j;
    enum wb_err err;

    if (ws_host_is_address(c->url.host) && strlen(c->url.host) < INET6_ADDRSTRLEN) {
        snprintf(c->addresses[0], INET6_ADDRSTRLEN, "%.*s", INET6_ADDRSTRLEN - 1, c->url.host);
        c->naddresses = 1;
        c->next_address = 0;
        try_next(c);
        return WB_OK;
    }
    j = calloc(1, sizeof *j);
    if (!j)
        return WB_ERR_NOMEM;
    j->c = c;
    j->attempt = c->attempt;
    memcpy(j->host, c->url.host, sizeof j->host);
    err = jobs_run(c->jobs, resolve, resolved, j);
    if (err != WB_OK)
        free(j);
    return err;
}

/* ---- for the owner
 * ---------------------------------------------------------------------------------- */

enum wb_err ws_client_new(struct loop *l, struct jobs *jobs, const struct ws_callbacks *cb,
                          struct ws_client **ret_c)
{
    struct ws_client *c = calloc(1, sizeof *c);

    if (!c)
        return WB_ERR_NOMEM;
    c->loop = l;
    c->jobs = jobs;
    c->cb = *cb;
    c->end = &c->first;
    *ret_c = c;
    return WB_OK;
}

void ws_client_free(struct ws_client *c)
{
    if (!c)
        return;
    timer_stop(loop_timers(c->loop), &c->timer);
    loop_defer_cancel(c->loop, &c->deferred);
    if (c->wsi)
        lws_set_wsi_user(c->wsi, NULL);
    if (c->vhost)
        lws_vhost_destroy(c->vhost);
    drop_queue(c);
    free(c->ca_file);
    free(c);
}

static void on_timeout(void *ctx)
{
    struct ws_client *c = ctx;
    struct lws *wsi = c->wsi;
    bool closing = c->closing;

    if (wsi) {
        /* It no longer talks to us; libwebsockets ends it by itself. */
        lws_set_wsi_user(wsi, NULL);
        c->wsi = NULL;
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
    end(c, closing ? WS_END_CLOSED : WS_END_TIMEOUT,
        closing ? "closed by us" : "no answer in time");
}

enum wb_err ws_client_open(struct ws_client *c, const struct ws_target *target)
{
    struct ws_url url;
    char *ca_file;
    enum wb_err err;

    if (c->active)
        return WB_ERR_STATE;
    if (!ws_url_parse(target->url, &url))
        return WB_ERR_INVALID;
    ca_file = strdup(target->ca_file);
    if (!ca_file)
        return WB_ERR_NOMEM;
    free(c->ca_file);
    c->ca_file = ca_file;
    c->url = url;
    c->info = (struct ws_end_info){0};
    if (!ensure_vhost(c))
        return WB_ERR_NOMEM;
    c->active = true;
    timer_start(loop_timers(c->loop), &c->timer, CONN_SOCKET_TIMEOUT_MS, on_timeout, c);
    err = start_resolving(c);
    if (err != WB_OK) {
        timer_stop(loop_timers(c->loop), &c->timer);
        c->active = false;
    }
    return err;
}

bool ws_client_active(const struct ws_client *c)
{
    return c->active;
}

enum wb_err ws_client_would_send(const struct ws_client *c, size_t n)
{
    if (!c->established || c->closing || !c->wsi)
        return WB_ERR_STATE;
    return n > WS_SEND_QUEUE_BYTES_MAX || ws_client_waiting(c) > WS_SEND_QUEUE_BYTES_MAX - n
               ? WB_ERR_TOO_LARGE
               : WB_OK;
}

uint64_t ws_client_taken(const struct ws_client *c)
{
    return c->taken;
}

size_t ws_client_waiting(const struct ws_client *c)
{
    return c->queued + c->handed;
}

struct tcp_uplink ws_client_uplink(const struct ws_client *c)
{
    return c->wsi && c->established ? tcp_uplink(lws_get_socket_fd(c->wsi))
                                    : (struct tcp_uplink){0};
}

void ws_client_read(struct ws_client *c, bool on)
{
    if (!c->wsi || !c->established || c->closing || c->reading_off == !on)
        return;
    c->reading_off = !on;
    lws_rx_flow_control(c->wsi, on);
}

enum wb_err ws_client_send(struct ws_client *c, struct span bytes)
{
    enum wb_err err = ws_client_would_send(c, bytes.n);
    struct chunk *k;

    if (err != WB_OK)
        return err;
    k = malloc(sizeof *k + LWS_PRE + bytes.n);
    if (!k)
        return WB_ERR_NOMEM;
    k->next = NULL;
    k->n = bytes.n;
    memcpy(k->bytes + LWS_PRE, bytes.p, bytes.n);
    *c->end = k;
    c->end = &k->next;
    c->queued += bytes.n;
    c->taken += bytes.n;
    lws_callback_on_writable(c->wsi);
    return WB_OK;
}

void ws_client_close(struct ws_client *c)
{
    if (!c->active || c->closing)
        return;
    ws_client_read(c, true); /* the answer to our close */
    c->closing = true;
    if (c->established && c->wsi) {
        timer_start(loop_timers(c->loop), &c->timer, CONN_CLOSE_TIMEOUT_MS, on_timeout, c);
        lws_callback_on_writable(c->wsi);
        return;
    }
    on_timeout(c);
}

void ws_client_abort(struct ws_client *c)
{
    if (!c->active || c->closing)
        return;
    c->closing = true;
    on_timeout(c);
}

bool ws_client_readable(const struct ws_client *c)
{
    struct pollfd p = {.events = POLLIN};
    SSL *ssl;

    if (!c->wsi || !c->established || c->reading_off)
        return false;
    ssl = lws_get_ssl(c->wsi);
    if (ssl && SSL_pending(ssl) > 0)
        return true;
    p.fd = lws_get_socket_fd(c->wsi);
    return p.fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}
