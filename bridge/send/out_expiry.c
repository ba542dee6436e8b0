#include "bridge/send/out_expiry.h"

#include "bridge/core/batch.h"
#include "bridge/core/context.h"

enum {
    NO_LONGER_S = SEND_KEEP_S, /* no caller may ask for more */
    /* Between looks at a wall clock that may jump, while it is all that is known. */
    WALL_LOOK_MS = 60 * 1000,
    /* Each is a commit, and the loop has other things to do: after a long outage they are
     * thousands. */
    FAILED_AT_ONCE = 8,
};

#define NEVER INT64_MAX

/* One look at the clocks, so that all of a look agrees. */
struct instant {
    int64_t mono_ms, server_s;
};

static struct instant instant_of(const struct bridge *b)
{
    return (struct instant){clock_mono_ms(b->clock), bridge_server_now_s(b)};
}

void out_expiry_set(struct out_item *it, const struct store_outbox_row *row)
{
    int64_t life_s = row->expires_at > row->created_at ? row->expires_at - row->created_at : 0;

    if (life_s > NO_LONGER_S)
        life_s = NO_LONGER_S;
    it->created_at = row->created_at;
    it->expires_at = row->expires_at;
    it->deadline_ms = life_s > 0 ? clock_mono_ms(it->b->clock) + life_s * 1000 : NEVER;
}

void out_expiry_earlier_run(struct out_item *it)
{
    it->orphan = it->deadline_ms == NEVER;
    it->unproven = !it->orphan;
    if (it->orphan)
        it->deadline_ms = clock_mono_ms(it->b->clock);
}

void out_expiry_earlier_seal(struct out_item *it)
{
    it->unproven = it->deadline_ms != NEVER;
}

static bool has_own_time(const struct out_item *it)
{
    return it->expires_at > it->created_at;
}

void out_expiry_reopened(struct out_item *it)
{
    const struct instant now = instant_of(it->b);
    const int64_t gone_s = now.server_s > it->sealed_at ? now.server_s - it->sealed_at : 0;
    const int64_t left_s = gone_s < SEND_RESEND_S ? SEND_RESEND_S - gone_s : 0;

    if (!has_own_time(it))
        it->deadline_ms = now.mono_ms + left_s * 1000;
}

/* The queued item behind this one, over all lanes; NULL: the first. */
static struct out_item *next_queued(const struct out_message_state *s, const struct out_item *it)
{
    const struct out_lane *l = it ? it->lane->next : s->lanes;

    if (it && it->next)
        return it->next;
    return l ? l->first : NULL;
}

/* How much of its time the earlier run has left, now that the time is known. */
static void prove(struct out_item *it, struct instant now)
{
    const int64_t left_s = it->expires_at > now.server_s ? it->expires_at - now.server_s : 0;

    it->unproven = false;
    if (left_s < NO_LONGER_S && now.mono_ms + left_s * 1000 < it->deadline_ms)
        it->deadline_ms = now.mono_ms + left_s * 1000;
}

/* Seconds by which the row's instants are off. */
static int64_t row_off_s(const struct out_item *it, struct instant now)
{
    int64_t off;

    if (it->unproven || it->orphan || it->over || !has_own_time(it))
        return 0;
    off = now.server_s + (it->deadline_ms - now.mono_ms) / 1000 - it->expires_at;
    return off > CLOCK_SLACK_S || off < -CLOCK_SLACK_S ? off : 0;
}

static void correct_rows(struct bridge *b, struct instant now)
{
    struct out_message_state *s = b->out_message;
    enum wb_err err = WB_OK;
    size_t n = 0;

    for (struct out_item *it = next_queued(s, NULL); it && err == WB_OK; it = next_queued(s, it)) {
        const int64_t off = row_off_s(it, now);

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
        const int64_t off = row_off_s(it, now);

        it->created_at += off;
        it->expires_at += off;
    }
    log_info(b->log, "send", "the clock was off: %zu queued messages keep the time that they have",
             n);
}

/* ret_next: the next deadline when there is none that is over. What could not be marked as failed
 * waits for the end of its pause, and is never started (pump() looks here first). */
static struct out_item *find_over(const struct out_message_state *s, int64_t now_ms,
                                  int64_t *ret_next)
{
    *ret_next = NEVER;
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
    else if (!has_own_time(it))
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
    const struct instant now = instant_of(b);
    struct out_item *over;
    int64_t next;

    if (b->server_time_known || s->ports->online(b))
        for (struct out_item *it = next_queued(s, NULL); it; it = next_queued(s, it))
            if (it->unproven)
                prove(it, now);
    for (unsigned n = 0; (over = find_over(s, now.mono_ms, &next)) != NULL; n++) {
        if (n == FAILED_AT_ONCE)
            return false;
        fail_over(over);
    }
    correct_rows(b, now);
    if (next == NEVER) {
        timer_stop(b->timers, &s->expiry);
        return true;
    }
    next -= now.mono_ms;
    if (!b->server_time_known && next > WALL_LOOK_MS)
        next = WALL_LOOK_MS;
    timer_start(b->timers, &s->expiry, next, on_look, b);
    return true;
}
