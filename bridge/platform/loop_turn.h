/* loop_turn.h - what a loop does in each turn and the machine has no part in: timers, deferred
 * work, the end of a batch. loop.c turns it with libwebsockets; a test may turn one by hand. */
#ifndef BRIDGE_PLATFORM_LOOP_TURN_H
#define BRIDGE_PLATFORM_LOOP_TURN_H

#include "bridge/platform/loop.h"

struct loop {
    const struct clock *clock;
    struct timers timers;
    struct pauses pauses;
    struct loop_deferred *deferred, **deferred_end;
    loop_fn *iteration_end;
    void *iteration_ctx;
    bool stopped;
};

void loop_turn_init(struct loop *l, const struct clock *clock);
/* Only what is queued now; what that adds comes with the next call. */
void loop_turn_deferred(struct loop *l);
void loop_turn_end(struct loop *l);

#endif
