/* fixed_rng.h - "random" bytes given by a vector, in the order in which they are drawn. Drawing
 * more than there are fails the test. */
#ifndef TESTS_FIXED_RNG_H
#define TESTS_FIXED_RNG_H

#include "base/rng.h"
#include "tests/vectors/vectors.h"

struct fixed_rng {
    struct span left;
};

static inline void fixed_rng_fill(void *ctx, uint8_t *out, size_t n)
{
    struct fixed_rng *r = ctx;

    if (n > r->left.n)
        fail_msg("%zu random bytes asked for, %zu left", n, r->left.n);
    memcpy(out, r->left.p, n);
    r->left = span_skip(r->left, n);
}

static inline struct rng rng_from_bytes(struct fixed_rng *state, struct span bytes)
{
    state->left = bytes;
    return (struct rng){fixed_rng_fill, state};
}

#endif
