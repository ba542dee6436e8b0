#include "bridge/platform/ws_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/plain_file.h"
#include "bridge/platform/limits.h"
#include "bridge/platform/ws_reach.h"
#include "bridge/platform/ws_tls.h"
#include "bridge/platform/ws_url.h"

enum { READ_BYTES = 16 * 1024 };

#define WS_ORIGIN "https://web.whatsapp.com"

/* A queued message, with the room that libwebsockets wants in front of it. */
struct chunk {
    struct chunk *next;
    size_t n;
    uint8_t bytes[]; /* LWS_PRE + n */
};

struct ws_socket {
    struct ws_client client; /* first: what the owner holds is a pointer to it */
    struct loop *loop;
    struct jobs *jobs;
    struct ws_callbacks cb;
    struct lws_vhost *vhost;
    struct ws_url url;
    char *ca_file;
    char addresses[REACH_ADDRESSES_MAX][INET6_ADDRSTRLEN];
    size_t naddresses, next_address;
    struct lws *wsi;
    uint64_t attempt; /* names the resolving job that counts */
    bool active;      /* between open() and ended() */
    bool established, closing;
    bool asked;                 /* the upgrade was asked for: TCP and TLS are there */
    bool dialling, dial_failed; /* dialling: inside libwebsockets' connect call; dial_failed: it
                                   failed before that call returned */
    bool tls_begun;             /* TCP is there, and TLS has been given its time */
    int64_t deadline_ms;        /* for the whole dial, until the upgrade is answered */
    int64_t step_ms;            /* time that the present step was given */
    struct chunk *first, **end;
    size_t queued;  /* bytes in that queue */
    size_t handed;  /* bytes of the message that libwebsockets has not sent in full yet */
    uint64_t taken; /* bytes queued on this connection */
    bool reading_off;
    struct ws_end_info info;
    char text[WS_WORDS_MAX];
    struct loop_deferred deferred;
    struct timer timer; /* dial and upgrade, or our close */
};

/* ---- the end ---- */

static void drop_queue(struct ws_socket *c)
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
    struct ws_socket *c = ctx;

    timer_stop(loop_timers(c->loop), &c->timer);
    drop_queue(c);
    c->active = c->established = c->closing = false;
    c->attempt++;
    c->cb.ended(c->cb.ctx, &c->info);
}

/* Ends the connection. The first reason given counts; the owner hears of the end at the end of
 * the iteration. */
__attribute__((format(printf, 3, 4))) static void end(struct ws_socket *c, enum ws_end why,
                                                      const char *fmt, ...)
{
    va_list ap;

    if (!c->active || c->deferred.queued)
        return;
    c->info.end = why;
    va_start(ap, fmt);
    vsnprintf(c->text, sizeof c->text, fmt, ap);
    va_end(ap);
    c->info.text = c->text;
    loop_defer(c->loop, &c->deferred, report_end, c);
}

static void try_next(struct ws_socket *c);
static void start_step(struct ws_socket *c);

/* What OpenSSL thought of the server's certificate. */
static long verdict_on_cert(struct lws *wsi)
{
    const SSL *ssl = wsi ? lws_get_ssl(wsi) : NULL;

    return ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
}

/* ---- why it cannot be reached ---- */

/* error: errno of a second TCP connection, tried only to learn the cause. 0: that connection can
 * be made, so the first one failed later, by a reset, which leaves nothing to look at. */
static void end_unreachable(struct ws_socket *c, int error)
{
    if (error == 0 && c->url.tls)
        end(c, WS_END_TLS,
            "no TLS with %s:%u: the connection was reset before it was there (a firewall or "
            "proxy?)",
            c->url.host, c->url.port);
    else if (error == 0)
        end(c, WS_END_REFUSED,
            "%s:%u closed the connection instead of answering (reset; another program on that "
            "port, or a proxy?)",
            c->url.host, c->url.port);
    else
        end(c, ws_reach_is_ours(error) ? WS_END_NO_NETWORK : WS_END_UNREACHABLE,
            "cannot reach %s:%u: %s", c->url.host, c->url.port, ws_reach_words(error));
}

static void reached(void *ctx, uint64_t attempt, int error)
{
    struct ws_socket *c = ctx;

    if (c->active && c->attempt == attempt)
        end_unreachable(c, error);
}

/* This machine's own refusal comes at once; another machine's may take a round trip, for which a
 * worker waits. */
static void say_why(struct ws_socket *c)
{
    const char *address = c->addresses[c->next_address ? c->next_address - 1 : 0];
    int error = ws_reach_errno(address, c->url.port, REACH_AT_ONCE_MS);

    if (error != EINPROGRESS || !c->jobs ||
        ws_reach_why_start(c->jobs, address, c->url.port, c->attempt, reached, c) != WB_OK)
        end_unreachable(c, error);
}

static int64_t now_ms(const struct ws_socket *c)
{
    return clock_mono_ms(loop_timers(c->loop)->clock);
}

/* The time of this step in whole seconds, for people. */
static int step_s(const struct ws_socket *c)
{
    return (int)((c->step_ms + 500) / 1000);
}

/* Has the other end sent anything on this connection? */
static bool has_spoken(struct ws_socket *c)
{
    return c->wsi && tcp_uplink_received(lws_get_socket_fd(c->wsi)) > 0;
}

/* The other end did not answer in time, but may have sent something: the greeting of another
 * program, for example, which libwebsockets takes for the begin of an HTTP answer. With TLS only
 * the bytes of TLS itself can be seen. */
static void end_silent(struct ws_socket *c, bool spoken)
{
    if (spoken && !c->url.tls)
        end(c, WS_END_REFUSED,
            "%s:%u answered with something that is no WebSocket (another program on that port, or "
            "a proxy?)",
            c->url.host, c->url.port);
    else
        end(c, WS_END_TIMEOUT, "no answer from %s:%u within %d s%s (another program, or a proxy?)",
            c->url.host, c->url.port, step_s(c),
            c->asked ? ""
            : spoken ? ": its TLS began, and came to no end"
                     : ": it took the connection, and begins no TLS");
}

static void connect_failed(struct ws_socket *c, const char *text, int http_status, long cert)
{
    const char *host = c->url.host;
    const unsigned port = c->url.port;
    bool tls = text && (strstr(text, "tls") || strstr(text, "ssl") || strstr(text, "SSL") ||
                        strstr(text, "cert"));
    bool connected = c->asked || (c->wsi && ws_reach_connected(lws_get_socket_fd(c->wsi)));
    bool spoken = has_spoken(c);

    c->wsi = NULL;
    c->dial_failed = true;
    if (c->dialling) /* try_next() handles the failure */
        return;
    if (c->closing) {
        end(c, WS_END_CLOSED, "given up");
    } else if (http_status > 0 && http_status != 101) {
        c->info.http_status = http_status;
        end(c, WS_END_HTTP, "%s:%u answered the WebSocket upgrade with HTTP %d%s", host, port,
            http_status, http_status == 407 ? " (a proxy wants a login)" : "");
    } else if (cert == X509_V_ERR_CERT_NOT_YET_VALID || cert == X509_V_ERR_CERT_HAS_EXPIRED) {
        end(c, WS_END_CLOCK, "the certificate of %s:%u is not valid now: %s", host, port,
            X509_verify_cert_error_string(cert));
    } else if (cert != X509_V_OK) {
        end(c, WS_END_TLS, "the certificate of %s:%u is not trusted: %s (a proxy? --ca-file)", host,
            port,
            cert == X509_V_ERR_HOSTNAME_MISMATCH || cert == X509_V_ERR_IP_ADDRESS_MISMATCH
                ? "it is for another host"
                : X509_verify_cert_error_string(cert));
    } else if (tls && strstr(text, "Timed out")) { /* libwebsockets' limit is the same there */
        end_silent(c, spoken);
    } else if (tls || (c->url.tls && connected && !c->asked)) {
        end(c, WS_END_TLS,
            "no TLS with %s:%u: the handshake failed (is it a TLS port? a proxy? a firewall?)",
            host, port);
    } else if (connected) {
        end(c, WS_END_REFUSED,
            "%s:%u closed the connection instead of answering (%s; another program on that port, "
            "or a proxy?)",
            host, port, text && *text ? text : "closed");
    } else if (c->next_address < c->naddresses) {
        try_next(c);
    } else {
        say_why(c);
    }
}

/* ---- libwebsockets ---- */

static int write_one(struct ws_socket *c, struct lws *wsi)
{
    struct chunk *k = c->first;
    bool drained = c->handed > 0;

    pauses_mark(loop_pauses(c->loop), "WhatsApp's socket");
    c->handed = 0; /* libwebsockets calls only when it has sent all of the last message */
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

static int received(struct ws_socket *c, struct lws *wsi, const void *in, size_t n)
{
    pauses_mark(loop_pauses(c->loop), "WhatsApp's socket");
    /* Text messages carry nothing (P-WS-04). */
    if (c->closing || !lws_frame_is_binary(wsi) || n == 0)
        return 0;
    return c->cb.receive(c->cb.ctx, SPAN(in, n)) || c->closing ? 0 : -1;
}

/* The upgrade has succeeded. Returns a negative number to close the connection. */
static int opened(struct ws_socket *c)
{
    const char *problem = c->url.tls ? ws_tls_problem(lws_get_ssl(c->wsi), c->url.host) : NULL;

    pauses_mark(loop_pauses(c->loop), "WhatsApp's socket");
    if (c->closing) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    if (problem) {
        end(c, WS_END_TLS, "the certificate of %s:%u is not trusted: %s", c->url.host, c->url.port,
            problem);
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
    struct ws_socket *c = user;

    if (!c)
        return 0;
        /* Only a few of some hundred reasons matter to a WebSocket client. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        c->asked = true;
        start_step(c);
        return 0;
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
        if (c->established || c->closing) {
            c->wsi = NULL;
            end(c, WS_END_CLOSED, c->closing ? "closed by us" : "closed by the server");
        } else {
            connect_failed(c, NULL, 0, X509_V_OK);
        }
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
 * take one from the environment (http_proxy), which no setting of ours names. */
static bool ensure_vhost(struct ws_socket *c)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = ws_protocols,
        .vhost_name = "whatsapp-client",
        .client_ssl_ca_filepath = c->ca_file[0] ? c->ca_file : NULL,
        .options = c->url.tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .ssl_client_options_set = ws_tls_options(),
        .http_proxy_address = "",
        /* libwebsockets' own limits are longer than ours: we know what we wait for, and name it
         * in the error. */
        .timeout_secs = 2 * CONN_SOCKET_TIMEOUT_MS / 1000,
        .connect_timeout_secs = 2 * CONN_SOCKET_TIMEOUT_MS / 1000,
    };

    /* OpenSSL opens the CA file by its name, so its type is checked here. */
    if (!c->vhost && c->ca_file[0] && plain_look(c->ca_file) != WB_OK)
        return false;
    if (!c->vhost)
        c->vhost = lws_create_vhost(loop_lws(c->loop), &info);
    return c->vhost != NULL;
}

/* Without this libwebsockets sends a ping of the WebSocket layer every five minutes, which no
 * client of WhatsApp's does, and gives the connection up when the answer takes ten seconds, as
 * on a slow line. bridge/conn/keepalive.c finds out whether the server is there. */
static const lws_retry_bo_t no_pings;

static void try_next(struct ws_socket *c)
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
    c->asked = c->tls_begun = false;
    start_step(c);
    c->dialling = true;
    c->dial_failed = false;
    if (!lws_client_connect_via_info(&i))
        c->dial_failed = true;
    c->dialling = false;
    if (c->dial_failed)
        connect_failed(c, NULL, 0, X509_V_OK);
}

/* ---- names ---- */

static void resolved(void *ctx, uint64_t attempt, const struct ws_reach_names *r)
{
    struct ws_socket *c = ctx;

    if (!c->active || c->attempt != attempt || c->deferred.queued)
        return;
    memcpy(c->addresses, r->addresses, sizeof c->addresses);
    c->naddresses = r->n;
    c->next_address = 0;
    if (r->n == 0)
        end(c, WS_END_NAME, "cannot look up %s: %s", c->url.host, ws_reach_name_words(r->error));
    else
        try_next(c);
}

static enum wb_err start_resolving(struct ws_socket *c)
{
    if (ws_url_host_is_address(c->url.host) && strlen(c->url.host) < INET6_ADDRSTRLEN) {
        snprintf(c->addresses[0], INET6_ADDRSTRLEN, "%.*s", INET6_ADDRSTRLEN - 1, c->url.host);
        c->naddresses = 1;
        c->next_address = 0;
        try_next(c);
        return WB_OK;
    }
    return ws_reach_names_start(c->jobs, c->url.host, c->attempt, resolved, c);
}

/* ---- for the owner ---- */

static void socket_free(struct ws_client *w)
{
    struct ws_socket *c = (struct ws_socket *)w;

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

/* Separates the libwebsockets connection from this client: no more callbacks; libwebsockets
 * closes it by itself. */
static void let_go(struct ws_socket *c)
{
    struct lws *wsi = c->wsi;

    if (!wsi)
        return;
    lws_set_wsi_user(wsi, NULL);
    c->wsi = NULL;
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void on_timeout(void *ctx)
{
    struct ws_socket *c = ctx;

    let_go(c);
    end(c, WS_END_CLOSED, "closed by us");
}

/* The time of a step, or of the whole dial, is over. */
static void on_step_timeout(void *ctx)
{
    struct ws_socket *c = ctx;
    const bool dialled = c->wsi != NULL;
    const bool connected = c->asked || (dialled && ws_reach_connected(lws_get_socket_fd(c->wsi)));
    const bool spoken = has_spoken(c);
    const char *host = c->url.host;
    const unsigned port = c->url.port;

    if (connected && c->url.tls && !c->asked && !c->tls_begun && now_ms(c) < c->deadline_ms) {
        c->tls_begun = true;
        start_step(c);
        return;
    }
    let_go(c);
    if (c->naddresses == 0)
        end(c, WS_END_NAME, "cannot look up %s: no name server answered within %d s", host,
            CONN_SOCKET_TIMEOUT_MS / 1000);
    else if (connected)
        end_silent(c, spoken);
    else if (c->next_address < c->naddresses)
        try_next(c);
    else
        end(c, WS_END_UNREACHABLE, "cannot reach %s:%u: no answer within %d s (firewall or proxy?)",
            host, port, step_s(c));
}

/* A limit for one step leaves time for the addresses that come after this one. With the last
 * address there is nothing else to try, so TCP and TLS have all the time that is left: on a slow
 * line packets are lost, and the system repeats its first packet after 1, 3, 7 and 15 s. The
 * answer to the upgrade keeps its short limit: the line has just carried TLS. */
static void start_step(struct ws_socket *c)
{
    const bool last = !c->asked && c->naddresses > 0 && c->next_address >= c->naddresses;

    c->step_ms = c->deadline_ms - now_ms(c);
    if (!last && c->step_ms > CONN_STEP_TIMEOUT_MS)
        c->step_ms = CONN_STEP_TIMEOUT_MS;
    if (c->step_ms <= 0)
        c->step_ms = 1;
    timer_start(loop_timers(c->loop), &c->timer, c->step_ms, on_step_timeout, c);
}

static enum wb_err socket_open(struct ws_client *w, const struct ws_target *target)
{
    struct ws_socket *c = (struct ws_socket *)w;
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
    c->naddresses = c->next_address = 0;
    c->asked = c->tls_begun = false;
    c->deadline_ms = now_ms(c) + CONN_SOCKET_TIMEOUT_MS;
    timer_start(loop_timers(c->loop), &c->timer, CONN_SOCKET_TIMEOUT_MS, on_step_timeout, c);
    err = start_resolving(c);
    if (err != WB_OK) {
        timer_stop(loop_timers(c->loop), &c->timer);
        c->active = false;
    }
    return err;
}

static bool socket_active(const struct ws_client *w)
{
    const struct ws_socket *c = (const struct ws_socket *)w;

    return c->active;
}

static size_t socket_waiting(const struct ws_client *w)
{
    const struct ws_socket *c = (const struct ws_socket *)w;

    return c->queued + c->handed;
}

static enum wb_err socket_would_send(const struct ws_client *w, size_t n)
{
    const struct ws_socket *c = (const struct ws_socket *)w;

    if (!c->established || c->closing || !c->wsi)
        return WB_ERR_STATE;
    return n > WS_SEND_QUEUE_BYTES_MAX || socket_waiting(w) > WS_SEND_QUEUE_BYTES_MAX - n
               ? WB_ERR_TOO_LARGE
               : WB_OK;
}

static uint64_t socket_taken(const struct ws_client *w)
{
    const struct ws_socket *c = (const struct ws_socket *)w;

    return c->taken;
}

static struct tcp_uplink socket_uplink(const struct ws_client *w)
{
    const struct ws_socket *c = (const struct ws_socket *)w;

    return c->wsi && c->established ? tcp_uplink(lws_get_socket_fd(c->wsi))
                                    : (struct tcp_uplink){0};
}

static void socket_read(struct ws_client *w, bool on)
{
    struct ws_socket *c = (struct ws_socket *)w;

    if (!c->wsi || !c->established || c->closing || c->reading_off == !on)
        return;
    c->reading_off = !on;
    lws_rx_flow_control(c->wsi, on);
}

static enum wb_err socket_send(struct ws_client *w, struct span bytes)
{
    struct ws_socket *c = (struct ws_socket *)w;
    enum wb_err err = socket_would_send(w, bytes.n);
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

static void socket_close(struct ws_client *w)
{
    struct ws_socket *c = (struct ws_socket *)w;

    if (!c->active || c->closing)
        return;
    socket_read(w, true); /* the answer to our close */
    c->closing = true;
    if (c->established && c->wsi) {
        timer_start(loop_timers(c->loop), &c->timer, CONN_CLOSE_TIMEOUT_MS, on_timeout, c);
        lws_callback_on_writable(c->wsi);
        return;
    }
    on_timeout(c);
}

static void socket_abort(struct ws_client *w)
{
    struct ws_socket *c = (struct ws_socket *)w;

    if (!c->active || c->closing)
        return;
    c->closing = true;
    on_timeout(c);
}

static bool socket_readable(const struct ws_client *w)
{
    const struct ws_socket *c = (const struct ws_socket *)w;
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

static const struct ws_ops ops = {
    .free = socket_free,
    .open = socket_open,
    .send = socket_send,
    .would_send = socket_would_send,
    .taken = socket_taken,
    .waiting = socket_waiting,
    .uplink = socket_uplink,
    .read = socket_read,
    .close = socket_close,
    .abort = socket_abort,
    .active = socket_active,
    .readable = socket_readable,
};

enum wb_err ws_client_new(struct loop *l, struct jobs *jobs, const struct ws_callbacks *cb,
                          struct ws_client **ret_c)
{
    struct ws_socket *c = calloc(1, sizeof *c);

    if (!c)
        return WB_ERR_NOMEM;
    c->client.ops = &ops;
    c->loop = l;
    c->jobs = jobs;
    c->cb = *cb;
    c->end = &c->first;
    *ret_c = &c->client;
    return WB_OK;
}
