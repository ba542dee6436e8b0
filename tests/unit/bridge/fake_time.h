/* fake_time.h - a clock that a test moves by hand. */
#ifndef TESTS_UNIT_BRIDGE_FAKE_TIME_H
#define TESTS_UNIT_BRIDGE_FAKE_TIME_H

#include "bridge/platform/timers.h"

struct fake_time {
    int64_t ms;
    struct clock clock;
    struct timers timers;
};

static inline int64_t fake_now(void *ctx)
{
    return ((struct fake_time *)ctx)->ms;
}

static inline void fake_time_init(struct fake_time *t)
{
    t->ms = 1000000;
    t->clock = (struct clock){fake_now, fake_now, t};
    timers_init(&t->timers, &t->clock);
}

/* Moves on in steps of what is due, as a loop would. */
static inline void fake_time_pass(struct fake_time *t, int64_t ms)
{
    int64_t end = t->ms + ms;

    for (;;) {
        int64_t due = timers_next_ms(&t->timers);

        if (due < 0 || due > end)
            break;
        if (due > t->ms)
            t->ms = due;
        timers_run(&t->timers);
    }
    t->ms = end;
    timers_run(&t->timers);
}

#endif
