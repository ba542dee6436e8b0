/* fake_time.h - a clock that a test moves by hand. */
#ifndef TESTS_UNIT_BRIDGE_FAKE_TIME_H
#define TESTS_UNIT_BRIDGE_FAKE_TIME_H

#include "bridge/platform/timers.h"

struct fake_time {
    int64_t ms;
    struct clock clock;
    struct timers timers;
};

/* A clock at 1,000 seconds, and timers that follow it. */
void fake_time_init(struct fake_time *t);

/* Moves the clock on in steps from one due timer to the next, as a loop would. */
void fake_time_pass(struct fake_time *t, int64_t ms);

#endif
