/* The server keeps a body only where a handler reads it: the head decides who may call, and what.
 * It reads and drops every other body, for a client that is still sending would see a reset. */
#include "api/http/http_private.h"

/* Callers that stop in the middle of a body must not use up API_REQUESTS_MAX: there is a limit for
 * each pause (API_TRANSFER_S), and one for the whole body. */
static void await_more(struct served_request *r)
{
    int64_t left = r->body_until_ms - clock_mono_ms(&clock_system);
    int64_t pause = (int64_t)API_TRANSFER_S * 1000;

    http_deadline(r->server, r->caller, left < pause ? left : pause);
}

/* Frees the body once the request is refused or its handler has returned: other callers may need
 * the room. */
static void drop_body(struct served_request *r)
{
    buf_free(&r->api.body);
    (void)callers_hold_body(&r->server->callers, r->caller, 0);
}

static void dispatch(struct served_request *r)
{
    if (r->dispatched || r->api.answered)
        return;
    r->dispatched = true;
    http_no_deadline(r->server, r->caller); /* the handler's own waits end it */
    pauses_mark(loop_pauses(r->server->deps.loop), r->api.call);
    r->api.handle(&r->api);
    drop_body(r);
}

static void refuse_large(struct served_request *r)
{
    drop_body(r);
    api_reply_error(&r->api, CMD_TOO_LARGE, "The body is larger than 1 MiB");
}

static void refuse_much(struct served_request *r)
{
    drop_body(r);
    api_reply_busy(&r->api, "Too many large bodies at once; try again later");
}

/* Notes that `n` bytes of the body are kept. Only bytes that have come count: a caller that
 * announces a large body and sends nothing takes no room from others. False: the request was
 * refused. */
static bool may_keep(struct served_request *r, size_t n)
{
    if (callers_hold_body(&r->server->callers, r->caller, n))
        return true;
    refuse_much(r);
    return false;
}

/* Does not wait for the rest of the body. */
static void end_body(struct served_request *r)
{
    r->unread = r->body_complete = true;
    if (r->api.answered)
        http_answer(r);
}

void http_body_begin(struct served_request *r, bool body_here)
{
    if (!r->api.answered && r->body_left > API_BODY_BYTES_MAX)
        refuse_large(r);
    else if (!r->api.answered && !r->api.is_quick &&
             !callers_let_in(&r->server->callers, r->caller))
        api_reply_busy(&r->api, "Too many requests at once; try again later");
    r->unwanted = !r->api.answered && !r->api.takes_body;
    if (r->body_left == 0) {
        r->body_complete = true;
        dispatch(r);
        return;
    }
    r->body_until_ms = clock_mono_ms(&clock_system) +
                       (r->api.answered ? (int64_t)API_TRANSFER_S * 1000 : (int64_t)API_BODY_MS);
    if (!r->caller->answered)
        await_more(r);
    if (!r->expects_continue || body_here)
        return;
    /* The caller asks (Expect: 100-continue) before it sends the body. */
    if (r->api.answered)
        end_body(r);
    else
        http_interim(r);
}

static void complete(struct served_request *r)
{
    r->body_complete = true;
    r->body_left = 0;
    if (r->api.answered)
        http_answer(r);
    else
        dispatch(r);
}

static void take_told(struct served_request *r, struct span in)
{
    in = span_first(in, in.n < r->body_left ? in.n : (size_t)r->body_left);
    r->body_left -= in.n;
    if (!r->api.answered && !r->unwanted && may_keep(r, r->api.body.n + in.n)) {
        buf_append(&r->api.body, in);
        if (buf_err(&r->api.body) != WB_OK)
            refuse_large(r);
    }
    if (r->body_left == 0)
        complete(r);
}

static void take_chunks(struct served_request *r, struct span in)
{
    bool done = false;
    enum wb_err err = chunked_push(&r->chunks, in, &r->api.body, &done);

    if (r->api.answered) /* refused: its chunks are followed to their end, and dropped */
        buf_clear(&r->api.body);
    /* What is refused in the middle is not read to its end, which nobody knows. */
    if (err == WB_OK && !r->api.answered && !may_keep(r, r->api.body.n)) {
        end_body(r);
        return;
    }
    if (err == WB_OK && done)
        complete(r);
    if (err == WB_OK)
        return;
    end_body(r);
    if (r->api.answered)
        return;
    if (err == WB_ERR_TOO_LARGE)
        refuse_large(r);
    else
        api_reply_error(&r->api, CMD_BAD_REQUEST, "The chunks of the body cannot be read");
}

void http_body_take(struct served_request *r, struct span in)
{
    if (in.n == 0)
        return;
    await_more(r);
    if (r->in_chunks)
        take_chunks(r, in);
    else
        take_told(r, in);
}

void http_body_cut(struct served_request *r)
{
    end_body(r);
    drop_body(r);
    if (!r->api.answered)
        api_reply_error(&r->api, CMD_BAD_REQUEST,
                        "The connection ended before the body was complete");
}
