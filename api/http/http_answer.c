#include <errno.h>
#include <libwebsockets.h>
#include <sys/socket.h>

#include "api/http/http_private.h"
#include "base/http_reason.h"

enum { HEAD_BYTES_MAX = 2048 };

/* Written by ourselves: libwebsockets knows the reason phrases of only a few codes. */
static void make_head(const struct api_request *r, struct buf *out)
{
    buf_printf(out,
               "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %zu\r\n"
               "connection: close\r\ncache-control: no-store\r\n"
               "x-content-type-options: nosniff\r\n",
               r->status, http_reason(r->status), r->reply_type, r->reply.n);
    if (r->policy)
        buf_printf(out, "content-security-policy: %s\r\nreferrer-policy: no-referrer\r\n",
                   r->policy);
    if (r->location)
        buf_printf(out, "location: %s\r\n", r->location);
    if (r->allow[0])
        buf_printf(out, "allow: %s\r\n", r->allow);
    if (r->status == 401)
        buf_append_cstr(out, "www-authenticate: Bearer\r\n");
    if (r->retry_later)
        buf_printf(out, "retry-after: %d\r\n", API_RETRY_AFTER_S);
    buf_append_cstr(out, "\r\n");
}

/* Head and body in one buffer, so that a short answer is one packet. */
static enum wb_err make_output(struct served_request *r)
{
    r->output = buf_new(HEAD_BYTES_MAX + API_REPLY_BYTES_MAX);
    make_head(&r->api, &r->output);
    if (r->api.method != API_HEAD)
        buf_append(&r->output, buf_span(&r->api.reply));
    buf_free(&r->api.reply);
    return buf_err(&r->output);
}

/* Bytes that the caller has sent behind its request are read before the connection is closed: the
 * kernel answers unread bytes with a reset, which can destroy the answer before the caller has read
 * it. */
static void linger(struct served_request *r)
{
    struct http_server *server = r->server;
    struct caller *who = r->caller;
    struct connection *c = lws_wsi_user(r->wsi);
    struct lws *wsi = r->wsi;

    c->request = NULL;
    http_request_free(r);
    if (c->ended || shutdown(lws_get_socket_fd(wsi), SHUT_WR) != 0) {
        http_send_away(who);
        return;
    }
    c->lingering = true;
    callers_served(&server->callers, who);
    http_deadline(server, who, API_LINGER_MS);
    lws_rx_flow_control(wsi, 1);
}

/* Runs outside events of libwebsockets: within one, version 4.1 forgets that we wait for the
 * socket. */
static void write_some(void *ctx)
{
    struct served_request *r = ctx;

    pauses_mark(loop_pauses(r->server->deps.loop), "the API's sockets");
    if (!r->output.max && make_output(r) != WB_OK) {
        http_send_away(r->caller);
        return;
    }
    while (r->written < r->output.n) {
        ssize_t n = send(lws_get_socket_fd(r->wsi), r->output.p + r->written,
                         r->output.n - r->written, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            lws_callback_on_writable(r->wsi);
            return;
        }
        if (n < 0 && errno != EINTR) {
            http_send_away(r->caller);
            return;
        }
        r->written += n > 0 ? (size_t)n : 0;
    }
    linger(r);
}

void http_write(struct served_request *r)
{
    if (r && r->caller->answered && !r->caller->leaving)
        loop_defer(r->server->deps.loop, &r->writing, write_some, r);
}

/* An answer while a body is still coming in would make clients see a reset: the body is read
 * first. */
void http_answer(struct served_request *r)
{
    if (r->caller->answered || (r->body_left > 0 && !r->unread))
        return;
    r->caller->answered = true;
    r->body_complete = true; /* the rest of the body is dropped */
    http_deadline(r->server, r->caller, (int64_t)API_TRANSFER_S * 1000);
    http_write(r);
}

void http_send_answer(struct api_request *r)
{
    http_answer(served_request_of(r));
}

bool http_may_hold(struct api_request *of, size_t n)
{
    struct served_request *r = served_request_of(of);

    return callers_hold_answer(&r->server->callers, r->caller, n);
}

/* Sends "100 Continue" before the answer: 25 bytes on a socket that has sent nothing yet, so they
 * always fit. */
void http_interim(struct served_request *r)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (send(lws_get_socket_fd(r->wsi), text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT) !=
        (ssize_t)(sizeof text - 1))
        http_send_away(r->caller);
}
