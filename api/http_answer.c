#include <libwebsockets.h>
#include <stdlib.h>

#include "api/http_private.h"
#include "base/http_reason.h"

enum { HEAD_BYTES_MAX = 2048 };

/* Answering while a body is still coming in would make clients see a reset: it is read first. */
void http_server_answer(struct api_request *r)
{
    if (r->reading_off)
        lws_rx_flow_control(r->wsi, 1); /* nothing is written while it is off */
    if (r->body_left == 0 || r->unread) {
        r->caller->answered = true;
        lws_callback_on_writable(r->wsi);
    }
}

bool http_server_may_hold(struct api_request *r, size_t n)
{
    return callers_hold_answer(&r->api->callers, r->caller, n);
}

/* By ourselves: libwebsockets knows the reason phrases of a few codes only. */
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
    if (r->allow[0])
        buf_printf(out, "allow: %s\r\n", r->allow);
    if (r->status == 401)
        buf_append_cstr(out, "www-authenticate: Bearer\r\n");
    if (r->retry_later)
        buf_printf(out, "retry-after: %d\r\n", API_RETRY_AFTER_S);
    buf_append_cstr(out, "\r\n");
}

/* Head and body in one go. libwebsockets keeps a copy of what the socket does not take. */
static int write_answer(struct api_request *r)
{
    struct buf head = buf_new(HEAD_BYTES_MAX);
    size_t body = r->method == API_HEAD ? 0 : r->reply.n, n;
    uint8_t *space;
    int rc = -1;

    make_head(r, &head);
    n = head.n + body;
    space = buf_err(&head) == WB_OK ? malloc(LWS_PRE + n) : NULL;
    if (space) {
        memcpy(space + LWS_PRE, head.p, head.n);
        if (body)
            memcpy(space + LWS_PRE + head.n, r->reply.p, body);
        rc = lws_write(r->wsi, space + LWS_PRE, n, LWS_WRITE_HTTP_FINAL) < (int)n ? -1 : 0;
    }
    free(space);
    buf_free(&head);
    return rc;
}

/* One request per connection. When a caller sends the next one before it has the answer,
 * libwebsockets 4.1 takes the head of a second request for its body, frees the bytes that it is
 * still reading, and then calls back without end; nothing tells us beforehand. */
int http_write(struct api *api, struct lws *wsi, struct connection *c)
{
    struct api_request *r = c->request;
    struct caller *who;
    int rc;

    if (c->answered) /* what was left of the answer is written */
        return -1;
    if (!r || !r->answered)
        return 0;
    rc = write_answer(r);
    who = r->caller;
    c->answered = true;
    c->request = NULL;
    http_request_free(r);
    if (rc != 0 || !lws_partial_buffered(wsi))
        return -1;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* the deadline is for all that is left */
    http_deadline(api, who, (int64_t)API_TRANSFER_S * 1000);
    lws_callback_on_writable(wsi);
    return 0;
}
