/* fixed_rng.h - "random" bytes given by a vector, in the order in which they are drawn. Drawing
 * more than there are fails the test. */
#ifndef TESTS_FIXED_RNG_H
#define TESTS_FIXED_RNG_H

#include "base/rng.h"
#include "tests/vectors/vectors.h"

struct fixed_rng {
    struct span left;
};

/* A source that draws these bytes in order; the state must outlive it. */
struct rng rng_from_bytes(struct fixed_rng *state, struct span bytes);

#endif
