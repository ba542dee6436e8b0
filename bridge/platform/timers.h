/* timers.h - one-shot timers on a monotonic clock that counts while the host sleeps. The loop runs
 * them; a test runs them with its own clock. */
#ifndef BRIDGE_PLATFORM_TIMERS_H
#define BRIDGE_PLATFORM_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

typedef void timer_fn(void *ctx);

/* Embedded in its owner; zero-initialised is "not armed". The owner stops it before it goes away.
 */
struct timer {
    struct timer *prev, *next; /* list sorted by due_ms */
    int64_t due_ms;
    uint64_t number; /* counts starts: a timer that is started while others run waits for the next
                        round */
    timer_fn *fn;
    void *ctx;
    bool armed;
};

struct timers {
    const struct clock *clock;
    struct timer *first;
    uint64_t starts;
};

void timers_init(struct timers *ts, const struct clock *clock);
/* Calls fn(ctx) once, after_ms from now; an armed timer is moved. */
void timer_start(struct timers *ts, struct timer *t, int64_t after_ms, timer_fn *fn, void *ctx);
/* Harmless when not armed. */
void timer_stop(struct timers *ts, struct timer *t);
/* Milliseconds until it fires, 0 when overdue, -1 when not armed. */
int64_t timer_left_ms(const struct timers *ts, const struct timer *t);

/* Runs the due timers in order; timers started meanwhile wait for the next call. */
void timers_run(struct timers *ts);
/* When the next timer is due (monotonic time of the clock); -1 when there is none. */
int64_t timers_next_ms(const struct timers *ts);

#endif
