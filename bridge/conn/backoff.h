/* backoff.h - how long to wait before the next connection (P-ER-12: rate limits; P-ER-16, P-ER-17:
 * the growing delay and its reset; two programs on one session must not fight). */
#ifndef BRIDGE_CONN_BACKOFF_H
#define BRIDGE_CONN_BACKOFF_H

#include "base/rng.h"

/* Failures since the last stable connection. Reset only CONN_STABLE_MS after <success>. */
struct backoff {
    unsigned failures;
};

/* Counts one failure; returns its delay: Fibonacci seconds 1, 1, 2, 3, 5 ... 180 with 10 % jitter
 * either way. */
int64_t backoff_next_ms(struct backoff *b, const struct rng *rng);
/* For a rate limit: counts as if `more` further attempts had failed. */
void backoff_penalty(struct backoff *b, unsigned more);
/* The next pauses have the greatest length. */
void backoff_longest(struct backoff *b);
void backoff_reset(struct backoff *b);

/* Replaced by another connection: pauses of 30 s, 1, 2, 4 ... 30 minutes; after CONN_REPLACED_MAX
 * replacements within CONN_REPLACED_WINDOW_MS no further attempt: the operator decides. */
enum { REPLACED_REMEMBERED = 5 };
struct replaced {
    int64_t at_ms[REPLACED_REMEMBERED]; /* the latest, oldest first */
    unsigned n;                         /* how many of at_ms are used */
};

/* Notes a replacement at now_ms (monotonic). Returns the pause in milliseconds, or -1: wait for the
 * operator. */
int64_t replaced_pause_ms(struct replaced *r, int64_t now_ms);
void replaced_reset(struct replaced *r);

#endif
