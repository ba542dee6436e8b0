#include "bridge/platform/timers.h"

void timers_init(struct timers *ts, const struct clock *clock)
{
    *ts = (struct timers){.clock = clock};
}

void timer_stop(struct timers *ts, struct timer *t)
{
    if (!t->armed)
        return;
    if (t->prev)
        t->prev->next = t->next;
    else
        ts->first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->prev = t->next = NULL;
    t->armed = false;
}

void timer_start(struct timers *ts, struct timer *t, int64_t after_ms, timer_fn *fn, void *ctx)
{
    struct timer *before = NULL;
    struct timer *at;

    timer_stop(ts, t);
    t->due_ms = clock_mono_ms(ts->clock) + (after_ms > 0 ? after_ms : 0);
    t->number = ++ts->starts;
    t->fn = fn;
    t->ctx = ctx;
    t->armed = true;
    /* Each part has a timer, and each send and each caller that waits has one: usually some
     * dozen, at the very most the thousands that SEND_OPEN_MAX allows. A sorted list is quick
     * enough for that. Equal times keep their order. */
    for (at = ts->first; at && at->due_ms <= t->due_ms; at = at->next)
        before = at;
    t->prev = before;
    t->next = at;
    if (at)
        at->prev = t;
    if (before)
        before->next = t;
    else
        ts->first = t;
}

int64_t timer_left_ms(const struct timers *ts, const struct timer *t)
{
    int64_t left;

    if (!t->armed)
        return -1;
    left = t->due_ms - clock_mono_ms(ts->clock);
    return left > 0 ? left : 0;
}

/* The earliest timer that is due and was started before this round; NULL: none. */
static struct timer *due_timer(const struct timers *ts, int64_t now, uint64_t round)
{
    struct timer *t = ts->first;

    while (t && t->due_ms <= now && t->number > round)
        t = t->next;
    return t && t->due_ms <= now ? t : NULL;
}

void timers_run(struct timers *ts)
{
    int64_t now = clock_mono_ms(ts->clock);
    uint64_t round = ts->starts;
    struct timer *t;

    while ((t = due_timer(ts, now, round)) != NULL) {
        timer_stop(ts, t);
        t->fn(t->ctx);
    }
}

int64_t timers_next_ms(const struct timers *ts)
{
    return ts->first ? ts->first->due_ms : -1;
}
