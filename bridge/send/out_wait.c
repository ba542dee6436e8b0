#include "bridge/send/out_wait.h"

#include <stdlib.h>

#include "bridge/core/context.h"
#include "bridge/send/first_contact.h"
#include "bridge/send/out_caller.h"

enum { COMMIT_GRACE_MS = 1000 };

/* A send without a key must not go out once its caller is gone: nobody would know of it. */
static void cancel(struct out_item *it)
{
    struct out_message_state *s = it->b->out_message;
    struct out_outcome o;

    if (it->b->store_failed)
        out_queue_fail(it, CMD_STORE_ERROR, 0, "%.180s; the message was not sent",
                       it->b->store_trouble);
    else if (!s->ports->online(it->b))
        out_queue_fail(it, CMD_NOT_SENT, 0,
                       "not connected to WhatsApp, the message was not sent; see /health, or give "
                       "an 'id' so that it waits for the connection");
    else if (first_contact_locked(it)) {
        first_contact_say(it->b, &o);
        out_queue_fail(it, o.result, 0, "%s", o.text);
    } else if (it->held == OUT_HELD_BEHIND)
        out_queue_fail(it, CMD_NOT_SENT, 0,
                       "what has come for this number while it was away was not read in time, and "
                       "this message waits for that; try again, or give an 'id' so that it stays "
                       "queued");
    else if (it->held == OUT_HELD_SPACED)
        out_queue_fail(
            it, CMD_RATE_LIMITED, 0,
            "first messages to new people are spaced out (--first-contact-interval), and "
            "this one's turn did not come in time; give an 'id' so that it stays queued");
    else if (it->trouble == WB_ERR_RATE_LIMITED)
        out_queue_fail(
            it, CMD_RATE_LIMITED, 0,
            "WhatsApp wants fewer questions from this number for a while (query_pauses in "
            "/health), and this message needs one; give an 'id' so that it stays queued");
    else if (it->trouble != WB_OK)
        out_queue_fail(it, CMD_NOT_SENT, 0,
                       "the message was not sent in time (%s); try again, or give an 'id' so that "
                       "it stays queued",
                       wb_err_text(it->trouble));
    else
        out_queue_fail(it, CMD_NOT_SENT, 0,
                       "the message was not sent in time; try again, or give an 'id' so that it "
                       "stays queued");
}

/* Ends a caller's wait with the answer for now. A settled item is passed over: its final answer is
 * being committed. */
static void end_wait(struct out_caller *w)
{
    struct out_item *it = w->item;
    struct out_outcome o;

    if (w->keyed) {
        out_outcome_say(&o, CMD_ACCEPTED, out_caller_state(it));
        out_caller_end(w, &o);
    } else if (out_caller_is_sealed(it)) {
        o = out_caller_unknown_outcome();
        out_caller_end(w, &o);
    } else {
        cancel(it);
    }
}

/* Without a connection an unsealed message does not get on: its caller hears so soon. A sealed
 * message goes out again after a reconnect, and its ack may come in time. */
static bool hopeless(const struct out_caller *w)
{
    struct bridge *b = w->item->b;

    return w->short_offline && !out_caller_is_sealed(w->item) && !b->out_message->ports->online(b);
}

static int64_t left_ms(const struct out_caller *w)
{
    return w->until_ms - clock_mono_ms(w->item->b->clock);
}

static void on_wait_over(void *ctx);

static void arm(struct out_caller *w)
{
    int64_t ms = left_ms(w), offline_ms = (int64_t)SEND_OFFLINE_WAIT_S * 1000;

    if (hopeless(w) && ms > offline_ms)
        ms = offline_ms;
    timer_start(w->item->b->timers, &w->timer, ms > 0 ? ms : 0, on_wait_over, w);
}

static void on_wait_over(void *ctx)
{
    struct out_caller *w = ctx;

    if (w->item->step == OUT_SETTLED)
        timer_start(w->item->b->timers, &w->timer, COMMIT_GRACE_MS, on_wait_over, w);
    else if (left_ms(w) > 0 && !hopeless(w))
        arm(w); /* the connection was gone in between */
    else
        end_wait(w);
}

void out_wait_offline(struct bridge *b)
{
    for (struct out_lane *l = b->out_message->lanes; l; l = l->next)
        for (struct out_item *it = l->first; it; it = it->next)
            for (struct out_caller *w = it->callers; w; w = w->next)
                if (hopeless(w) && it->step != OUT_SETTLED)
                    arm(w);
}

static struct out_caller *unsettled_in(struct out_item *it)
{
    for (; it; it = it->next)
        if (it->callers && it->step != OUT_SETTLED)
            return it->callers;
    return NULL;
}

static void on_finish(void *ctx)
{
    struct bridge *b = ctx;
    struct out_message_state *s = b->out_message;

    void (*done)(struct bridge *) = s->finish.done;

    s->finish.done = NULL;
    /* An item that cannot be cancelled, because the disk is full, keeps its callers: the counter
     * prevents an endless loop. */
    for (size_t left = s->ncallers; left > 0; left--) {
        struct out_caller *w = unsettled_in(s->sealed);

        for (struct out_lane *l = s->lanes; l && !w; l = l->next)
            w = unsettled_in(l->first);
        if (!w)
            break;
        end_wait(w);
    }
    done(b);
}

void out_wait_finish(struct bridge *b, int64_t ms, void (*done)(struct bridge *b))
{
    struct out_message_state *s = b->out_message;

    s->finish.done = done;
    s->finish.over = on_finish;
    timer_start(b->timers, &s->finish.timer, s->ncallers > 0 && s->ports->online(b) ? ms : 0,
                on_finish, b);
}

enum wb_err out_wait_add(struct out_item *it, bool keyed, const struct send_request *r,
                         send_done_fn *done, void *ctx, uint64_t ticket)
{
    struct out_caller *w = calloc(1, sizeof *w), **at = &it->callers;

    if (!w)
        return WB_ERR_NOMEM;
    w->item = it;
    w->ticket = ticket;
    w->done = done;
    w->ctx = ctx;
    w->keyed = keyed;
    w->short_offline = r->wait_is_default && !keyed;
    w->until_ms = clock_mono_ms(it->b->clock) + r->wait_s * 1000;
    while (*at)
        at = &(*at)->next;
    *at = w;
    it->b->out_message->ncallers++;
    arm(w);
    return WB_OK;
}

static struct out_caller *find_in(struct out_item *it, uint64_t ticket)
{
    for (; it; it = it->next)
        for (struct out_caller *w = it->callers; w; w = w->next)
            if (w->ticket == ticket)
                return w;
    return NULL;
}

void out_wait_abandon(struct bridge *b, uint64_t ticket)
{
    struct out_message_state *s = b->out_message;
    struct out_caller *w = find_in(s->sealed, ticket);
    struct out_item *it;
    bool keyed;

    for (struct out_lane *l = s->lanes; l && !w; l = l->next)
        w = find_in(l->first, ticket);
    if (!w)
        return;
    it = w->item;
    keyed = w->keyed;
    out_caller_remove(w);
    free(w);
    if (!keyed && !out_caller_is_sealed(it))
        out_queue_fail(it, CMD_NOT_SENT, 0, "the caller went away before the message was sent");
}
