/* pauses.h - how long the loop was busy without looking at its sockets, and with what. While it is,
 * nobody is answered: the longest such pause is what a monitor that asks /health may have to wait.
 */
#ifndef BRIDGE_PLATFORM_PAUSES_H
#define BRIDGE_PLATFORM_PAUSES_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* What an iteration of the loop did, added up by name; more kinds than that go together. */
enum { PAUSES_PARTS_MAX = 12 };

struct pauses {
    const struct clock *clock;
    void (*told)(void *ctx, int64_t ms, const char *who); /* of pauses of told_from_ms and more */
    void *ctx;
    int64_t told_from_ms;
    /* The longest since the start: milliseconds, and what took most of it ("" before the first). */
    int64_t longest_ms;
    const char *longest_who;
    /* The iteration under way. */
    int64_t since_ms; /* monotonic, of the part that runs */
    const char *who;  /* NULL: the loop waits */
    struct pauses_part {
        const char *who;
        int64_t ms;
    } parts[PAUSES_PARTS_MAX];
    size_t nparts;
};

void pauses_init(struct pauses *p, const struct clock *clock);
/* From here on the loop does this; `who` is kept. Costs a look at the clock. NULL p: nothing. */
void pauses_mark(struct pauses *p, const char *who);
/* The loop is about to wait again. */
void pauses_over(struct pauses *p);

#endif
