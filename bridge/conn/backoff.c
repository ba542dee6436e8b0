#include "bridge/conn/backoff.h"

#include <string.h>

#include "bridge/conn/limits.h"

enum {
    BACKOFF_MAX_S = 180,
    REPLACED_FIRST_MS = 30 * 1000,
    REPLACED_LONGEST_MS = 30 * 60 * 1000,
};
_Static_assert((int)REPLACED_REMEMBERED == (int)CONN_REPLACED_MAX, "as many as are counted");

int64_t backoff_next_ms(struct backoff *b, const struct rng *rng)
{
    int64_t a = 0;
    int64_t s = 1;
    int64_t base;

    for (unsigned i = 0; i < b->failures && s < BACKOFF_MAX_S; i++) {
        int64_t sum = a + s;

        a = s;
        s = sum;
    }
    base = (s < BACKOFF_MAX_S ? s : BACKOFF_MAX_S) * 1000;
    if (s < BACKOFF_MAX_S)
        b->failures++;
    return base - base / 10 + (int64_t)rng_below(rng, (uint32_t)(base / 5) + 1);
}

void backoff_penalty(struct backoff *b, unsigned more)
{
    b->failures += more;
}

void backoff_longest(struct backoff *b)
{
    b->failures = BACKOFF_MAX_S; /* more than are needed for the longest pause */
}

void backoff_reset(struct backoff *b)
{
    b->failures = 0;
}

int64_t replaced_pause_ms(struct replaced *r, int64_t now_ms)
{
    int64_t pause = REPLACED_FIRST_MS;
    unsigned drop = 0;

    while (drop < r->n && now_ms - r->at_ms[drop] >= CONN_REPLACED_WINDOW_MS)
        drop++;
    r->n -= drop;
    memmove(r->at_ms, r->at_ms + drop, r->n * sizeof r->at_ms[0]);
    for (unsigned i = 0; i < r->n && pause < REPLACED_LONGEST_MS; i++)
        pause *= 2;
    if (r->n < REPLACED_REMEMBERED)
        r->at_ms[r->n++] = now_ms;
    if (r->n >= REPLACED_REMEMBERED)
        return -1;
    return pause < REPLACED_LONGEST_MS ? pause : REPLACED_LONGEST_MS;
}

void replaced_reset(struct replaced *r)
{
    r->n = 0;
}
