/* twin.h - what the lockstep tests share: a script of random steps that can be played again, and
 * randomness that is the same for both twins within one step. */
#ifndef TESTS_TWIN_H
#define TESTS_TWIN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/secret.h"
#include "crypto/prim_hash.h"

struct script {
    uint64_t seed;
    unsigned long steps, step;
    struct rng_seeded state;
    struct rng rng;    /* what the script does */
    struct rng shared; /* the twins' randomness: the same bytes at every draw of one operation */
    uint64_t operation;
};

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
void script_begin(struct script *s, int argc, char **argv, unsigned long steps);

/* True with the probability of n in 1000. */
bool script_chance(struct script *s, uint32_t n);

#endif
