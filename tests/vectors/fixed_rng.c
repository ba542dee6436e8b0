/* fixed_rng.c - see fixed_rng.h. */
#include "tests/vectors/fixed_rng.h"

static void fixed_rng_fill(void *ctx, uint8_t *out, size_t n)
{
    struct fixed_rng *r = ctx;

    if (n > r->left.n)
        fail_msg("%zu random bytes asked for, %zu left", n, r->left.n);
    memcpy(out, r->left.p, n);
    r->left = span_skip(r->left, n);
}

struct rng rng_from_bytes(struct fixed_rng *state, struct span bytes)
{
    state->left = bytes;
    return (struct rng){fixed_rng_fill, state};
}
