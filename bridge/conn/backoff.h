/* backoff.h - how long to wait before the next connection (P-ER-12, P-ER-16, P-ER-17, R-112). */
#ifndef BRIDGE_CONN_BACKOFF_H
#define BRIDGE_CONN_BACKOFF_H

#include "base/rng.h"

/* Failures since the last stable time. Reset only CONN_STABLE_MS after <success>. */
struct backoff {
    unsigned failures;
};

/* Fibonacci seconds 1, 1, 2, 3, 5 ... 180 with 10 % jitter either way; counts one failure. */
int64_t backoff_next_ms(struct backoff *b, const struct rng *rng);
/* Rate limited: as if `more` further attempts had failed. */
void backoff_penalty(struct backoff *b, unsigned more);
/* The next pauses are the longest. */
void backoff_longest(struct backoff *b);
void backoff_reset(struct backoff *b);

/* Replaced by another connection: 30 s, 1, 2, 4 ... 30 minutes; after CONN_REPLACED_MAX within
 * CONN_REPLACED_WINDOW_MS no time at all: the operator decides. */
enum { REPLACED_REMEMBERED = 5 };
struct replaced {
    int64_t at_ms[REPLACED_REMEMBERED]; /* the latest, oldest first */
    unsigned n;                         /* how many of at_ms are used */
};

/* Notes a replacement at now_ms (monotonic). The pause, or -1: wait for the operator. */
int64_t replaced_pause_ms(struct replaced *r, int64_t now_ms);
void replaced_reset(struct replaced *r);

#endif
