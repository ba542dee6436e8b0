#include "bridge/send/out_expiry.h"

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/send/out_deadline.h"

enum {
    /* Between looks at a wall clock that may jump, while no better clock is known. */
    WALL_LOOK_MS = 60 * 1000,
    /* Each failure is a commit, and the loop has other things to do: after a long outage thousands
     * fail. */
    FAILED_AT_ONCE = 8,
};

/* The queued item behind `it`, over all lanes; NULL: the first. */
static struct out_item *next_queued(const struct out_message_state *s, const struct out_item *it)
{
    const struct out_lane *l = it ? it->lane->next : s->lanes;

    if (it && it->next)
        return it->next;
    return l ? l->first : NULL;
}

static void correct_rows(struct bridge *b, struct out_instant now)
{
    struct out_message_state *s = b->out_message;
    enum wb_err err = WB_OK;
    size_t n = 0;

    for (struct out_item *it = next_queued(s, NULL); it && err == WB_OK; it = next_queued(s, it)) {
        const int64_t off = out_deadline_row_off_s(it, now);

        if (off == 0)
            continue;
        err = store_outbox_shift(b->store, it->id, it->created_at + off, it->expires_at + off);
        n++;
    }
    if (n == 0)
        return;
    if (err == WB_OK)
        err = batch_commit(b);
    else
        batch_fail(b, err);
    if (err != WB_OK)
        return; /* at the next look again */
    for (struct out_item *it = next_queued(s, NULL); it; it = next_queued(s, it)) {
        const int64_t off = out_deadline_row_off_s(it, now);

        it->created_at += off;
        it->expires_at += off;
    }
    log_info(b->log, "send", "the clock was off: %zu queued messages keep the time that they have",
             n);
}

/* The next item that is over its time; if there is none, *ret_next is the next deadline. An item
 * that could not be marked as failed waits for the end of its pause, and is never started
 * (out_pump.c looks here first). */
static struct out_item *find_over(const struct out_message_state *s, int64_t now_ms,
                                  int64_t *ret_next)
{
    *ret_next = OUT_NEVER;
    for (struct out_item *it = next_queued(s, NULL); it; it = next_queued(s, it)) {
        if (it->over && it->timer.armed)
            continue;
        if (it->deadline_ms <= now_ms)
            return it;
        if (it->deadline_ms < *ret_next)
            *ret_next = it->deadline_ms;
    }
    return NULL;
}

static void fail_over(struct out_item *it)
{
    it->over = true;
    if (it->orphan)
        out_queue_fail(it, CMD_NOT_SENT, 0,
                       "the bridge was restarted before the message was sent, and its caller, who "
                       "gave no key, is gone");
    else if (!out_deadline_is_own(it))
        out_queue_fail(it, CMD_NOT_SENT, 0,
                       "WhatsApp refused the message's form, it could not be sent in another one "
                       "in time, and its caller, who gave no key, is gone");
    else
        out_queue_fail(it, CMD_EXPIRED, 0,
                       "the message was not sent before its time was over (expires_s)");
}

static void on_look(void *ctx)
{
    out_queue_kick(ctx);
}

bool out_expiry_look(struct bridge *b)
{
    struct out_message_state *s = b->out_message;
    const struct out_instant now = out_deadline_clocks(b);
    struct out_item *over;
    int64_t next;

    if (b->server_time_known || s->ports->online(b))
        for (struct out_item *it = next_queued(s, NULL); it; it = next_queued(s, it))
            if (it->unproven)
                out_deadline_prove(it, now);
    for (unsigned n = 0; (over = find_over(s, now.mono_ms, &next)) != NULL; n++) {
        if (n == FAILED_AT_ONCE)
            return false;
        fail_over(over);
    }
    correct_rows(b, now);
    if (next == OUT_NEVER) {
        timer_stop(b->timers, &s->expiry);
        return true;
    }
    next -= now.mono_ms;
    if (!b->server_time_known && next > WALL_LOOK_MS)
        next = WALL_LOOK_MS;
    timer_start(b->timers, &s->expiry, next, on_look, b);
    return true;
}
