#include "bridge/platform/loop_turn.h"

void loop_turn_init(struct loop *l, const struct clock *clock)
{
    *l = (struct loop){.clock = clock, .deferred_end = &l->deferred};
    timers_init(&l->timers, clock);
    pauses_init(&l->pauses, clock);
}

struct timers *loop_timers(struct loop *l)
{
    return &l->timers;
}

struct pauses *loop_pauses(struct loop *l)
{
    return &l->pauses;
}

void loop_defer(struct loop *l, struct loop_deferred *d, loop_fn *fn, void *ctx)
{
    if (d->queued)
        return;
    *d = (struct loop_deferred){NULL, fn, ctx, true};
    *l->deferred_end = d;
    l->deferred_end = &d->next;
}

void loop_defer_cancel(struct loop *l, struct loop_deferred *d)
{
    if (!d->queued)
        return;
    for (struct loop_deferred **at = &l->deferred; *at; at = &(*at)->next) {
        if (*at != d)
            continue;
        *at = d->next;
        if (!d->next)
            l->deferred_end = at;
        break;
    }
    d->queued = false;
}

void loop_set_iteration_end(struct loop *l, loop_fn *fn, void *ctx)
{
    l->iteration_end = fn;
    l->iteration_ctx = ctx;
}

void loop_turn_deferred(struct loop *l)
{
    /* One at a time from the queue, so that each may cancel any other. */
    size_t n = 0;

    for (const struct loop_deferred *d = l->deferred; d; d = d->next)
        n++;
    while (n-- > 0 && l->deferred) {
        struct loop_deferred *d = l->deferred;

        loop_defer_cancel(l, d);
        d->fn(d->ctx);
    }
}

void loop_turn_end(struct loop *l)
{
    if (l->iteration_end)
        l->iteration_end(l->iteration_ctx);
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}
