/* twin.c - see twin.h. */
#include "tests/differential/twin.h"

static void shared_fill(void *ctx, uint8_t *out, size_t n)
{
    const struct script *s = ctx;
    uint64_t id[3] = {s->seed, s->operation, 0};
    uint8_t block[SHA256_BYTES];

    /* The same bytes at every draw: the oracle draws for each state that it tries, our code only
     * once. */
    while (n > 0) {
        size_t part = n < sizeof block ? n : sizeof block;

        sha256(SPAN(id, sizeof id), block);
        memcpy(out, block, part);
        out += part;
        n -= part;
        id[2]++;
    }
}

void script_begin(struct script *s, int argc, char **argv, unsigned long steps)
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

bool script_chance(struct script *s, uint32_t n)
{
    return rng_below(&s->rng, 1000) < n;
}
