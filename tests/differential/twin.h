/* twin.h - what the lockstep tests share: a script of random steps that can be played again, and
 * randomness that is the same for both twins within one step. */
#ifndef TESTS_TWIN_H
#define TESTS_TWIN_H

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/prim_hash.h"

struct script {
    uint64_t seed;
    unsigned long steps, step;
    struct rng_seeded state;
    struct rng rng;    /* what the script does */
    struct rng shared; /* what both twins draw: the same bytes at every draw of one operation */
    uint64_t operation;
};

static void shared_fill(void *ctx, uint8_t *out, size_t n)
{
    const struct script *s = ctx;
    uint64_t id[3] = {s->seed, s->operation, 0};
    uint8_t block[SHA256_BYTES];

    /* The same at every draw: the oracle draws for each state that it tries, we draw once. */
    while (n > 0) {
        size_t part = n < sizeof block ? n : sizeof block;
        sha256(SPAN(id, sizeof id), block);
        memcpy(out, block, part);
        out += part;
        n -= part;
        id[2]++;
    }
}

#define CHECK(s, expr)                                                                             \
    do {                                                                                           \
        if (!(expr)) {                                                                             \
            fprintf(stderr,                                                                        \
                    "%s:%d: step %lu of %lu, seed %llu: %s\nagain with: <program> %lu "            \
                    "%llu\n",                                                                      \
                    __FILE__, __LINE__, (s)->step, (s)->steps, (unsigned long long)(s)->seed,      \
                    #expr, (s)->steps, (unsigned long long)(s)->seed);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* argv: [steps [seed]]. */
static inline void script_begin(struct script *s, int argc, char **argv, unsigned long steps)
{
    uint8_t key[32] = {0};

    memset(s, 0, sizeof *s);
    s->steps = argc > 1 ? strtoul(argv[1], NULL, 10) : steps;
    s->seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20240607;
    memcpy(key, &s->seed, sizeof s->seed);
    s->rng = rng_from_seed(&s->state, key);
    s->shared = (struct rng){shared_fill, s};
    if (secret_init() != WB_OK)
        abort();
}

/* True with the probability of n in 1000. */
static inline bool script_chance(struct script *s, uint32_t n)
{
    return rng_below(&s->rng, 1000) < n;
}

#endif
