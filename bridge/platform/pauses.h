/* pauses.h - how long the loop was busy without looking at its sockets, and with which work.
 * During such a pause nobody is answered: a monitor that asks /health may have to wait as long
 * as the longest pause. */
#ifndef BRIDGE_PLATFORM_PAUSES_H
#define BRIDGE_PLATFORM_PAUSES_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* Kinds of work whose times in one iteration are added up by name; further kinds share an entry. */
enum { PAUSES_PARTS_MAX = 12 };

struct pauses {
    const struct clock *clock;
    /* Called for pauses of told_from_ms and more. */
    void (*told)(void *ctx, int64_t ms, const char *who);
    void *ctx;
    int64_t told_from_ms;
    /* The longest pause since the start: milliseconds, and the work that took most of it (""
     * before the first). */
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
/* From here on the loop does this; `who` is kept. Costs a look at the clock. */
void pauses_mark(struct pauses *p, const char *who);
/* The loop is about to wait again. */
void pauses_over(struct pauses *p);

#endif
