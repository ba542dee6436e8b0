#include "base/rng.h"

#include <sodium.h>
#include <string.h>

static void system_fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    randombytes_buf(out, n);
}

const struct rng rng_system = {system_fill, NULL};

uint32_t rng_u32(const struct rng *r)
{
    uint8_t b[4];

    rng_fill(r, b, sizeof b);
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint32_t rng_below(const struct rng *r, uint32_t bound)
{
    /* Values under 2^32 mod bound would make the low results more likely: draw again. */
    uint32_t reject_under = (0u - bound) % bound, v;

    do
        v = rng_u32(r);
    while (v < reject_under);
    return v % bound;
}

static void seeded_fill(void *ctx, uint8_t *out, size_t n)
{
    struct rng_seeded *s = ctx;
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {0};

    for (size_t i = 0; i < sizeof s->block; i++)
        nonce[i] = (uint8_t)(s->block >> (8 * i));
    s->block++;
    crypto_stream_chacha20(out, n, nonce, s->key);
}

struct rng rng_from_seed(struct rng_seeded *state, const uint8_t seed[static 32])
{
    memcpy(state->key, seed, sizeof state->key);
    state->block = 0;
    return (struct rng){seeded_fill, state};
}
