/* The server keeps a body only where a handler reads it: the head decides who may call, and what.
 * It reads and drops every other body, for a client that is still sending would see a reset. */
#include <libwebsockets.h>
#include <sys/socket.h>

#include "api/http_private.h"
#include "bridge/bridge.h"

/* Callers that stop in the middle must not use up API_REQUESTS_MAX. */
static void await_more(struct api_request *r)
{
    lws_set_timeout(r->wsi, PENDING_TIMEOUT_HTTP_CONTENT, API_TRANSFER_S);
}

/* Once it is refused, or its handler has returned: others may need the room. */
static void drop_body(struct api_request *r)
{
    buf_free(&r->body);
    (void)callers_hold_body(&r->api->callers, r->caller, 0);
}

static void dispatch(struct api_request *r)
{
    if (r->dispatched || r->answered)
        return;
    r->dispatched = true;
    lws_set_timeout(r->wsi, NO_PENDING_TIMEOUT, 0); /* our own waits end it */
    http_no_deadline(r->api, r->caller);
    pauses_mark(r->bridge->pauses, r->route->path);
    r->route->handle(r);
    drop_body(r);
}

static void refuse_large(struct api_request *r)
{
    drop_body(r);
    api_reply_error(r, CMD_TOO_LARGE, "The body is larger than 1 MiB");
}

static void refuse_much(struct api_request *r)
{
    drop_body(r);
    api_reply_busy(r, "Too many large bodies at once; try again later");
}

/* Notes that `n` bytes of its body are kept. Only bytes that have come count: a caller that
 * announces a large body and sends nothing takes no room from others. False: refused. */
static bool may_keep(struct api_request *r, size_t n)
{
    if (callers_hold_body(&r->api->callers, r->caller, n))
        return true;
    refuse_much(r);
    return false;
}

void http_body_begin(struct api_request *r)
{
    if (!r->answered && r->body_left > API_BODY_BYTES_MAX)
        refuse_large(r);
    else if (!r->answered && !route_is_quick(r->route) &&
             !callers_let_in(&r->api->callers, r->caller))
        api_reply_busy(r, "Too many requests at once; try again later");
    r->unwanted = !r->answered && r->route->method != API_POST;
    if (r->body_left == 0) {
        dispatch(r);
        return;
    }
    await_more(r);
    http_deadline(r->api, r->caller, r->answered ? API_TRANSFER_S * 1000 : API_BODY_MS);
}

static int take_told(struct api_request *r, const void *in, size_t n)
{
    await_more(r);
    r->body_left -= n < r->body_left ? n : r->body_left;
    if (r->answered || r->unwanted)
        return 0; /* read and dropped */
    if (!may_keep(r, r->body.n + n))
        return 0;
    buf_append(&r->body, SPAN(in, n));
    if (buf_err(&r->body) != WB_OK)
        refuse_large(r);
    return 0;
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
void http_body_complete(struct api_request *r)
{
    if (r->body_complete)
        return;
    r->body_complete = true;
    r->body_left = 0;
    if (r->answered) {
        http_server_answer(r);
        return;
    }
    dispatch(r);
    if (!r->answered) {
        r->reading_off = true;
        lws_rx_flow_control(r->wsi, 0);
        timer_start(loop_timers(r->api->deps.loop), &r->look, API_LOOK_MS, look_for_caller, r);
    }
}

/* What is refused in the middle is not read to its end, of which libwebsockets knows nothing. */
static void end_chunks(struct api_request *r)
{
    r->unread = r->body_complete = true;
    if (r->answered)
        http_server_answer(r);
}

static int take_chunks(struct api_request *r, const void *in, size_t n)
{
    bool done = false;
    enum wb_err err;

    if (r->body_complete)
        return 0;
    await_more(r);
    err = chunked_push(&r->chunks, SPAN(in, n), &r->body, &done);
    if (r->answered) /* refused: its chunks are followed to their end, and dropped */
        buf_clear(&r->body);
    if (err == WB_OK && !r->answered && !may_keep(r, r->body.n)) {
        end_chunks(r);
        return 0;
    }
    if (err == WB_OK && done)
        http_body_complete(r);
    if (err == WB_OK)
        return 0;
    end_chunks(r);
    if (r->answered)
        return 0;
    if (err == WB_ERR_TOO_LARGE)
        refuse_large(r);
    else
        api_reply_error(r, CMD_BAD_REQUEST, "The chunks of the body cannot be read");
    return 0;
}

int http_body_take(struct api_request *r, const void *in, size_t n)
{
    if (!r)
        return -1;
    return r->in_chunks ? take_chunks(r, in, n) : take_told(r, in, n);
}
