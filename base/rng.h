/* rng.h - randomness as a port, so that tests and vectors can fix it. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    void (*fill)(void *ctx, uint8_t *out, size_t n);
    void *ctx;
};

/* The kernel's generator through libsodium. */
extern const struct rng rng_system;

static inline void rng_fill(const struct rng *r, uint8_t *out, size_t n)
{
    r->fill(r->ctx, out, n);
}

uint32_t rng_u32(const struct rng *r);
/* Uniform in [0, bound); bound > 0. */
uint32_t rng_below(const struct rng *r, uint32_t bound);

/* For tests, fuzzing and wa-mock: a reproducible stream (ChaCha20 of a seed). */
struct rng_seeded {
    uint8_t key[32];
    uint64_t block;
};
struct rng rng_from_seed(struct rng_seeded *state, const uint8_t seed[static 32]);

#endif
