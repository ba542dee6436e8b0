/* fake_time.c - see fake_time.h. */
#include "tests/unit/bridge/fake_time.h"

static int64_t fake_now(void *ctx)
{
    return ((struct fake_time *)ctx)->ms;
}

void fake_time_init(struct fake_time *t)
{
    t->ms = 1000000;
    t->clock = (struct clock){fake_now, fake_now, t};
    timers_init(&t->timers, &t->clock);
}

void fake_time_pass(struct fake_time *t, int64_t ms)
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
