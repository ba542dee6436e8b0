/* bench_verify.c - microseconds of CPU for one XEdDSA check of a message of group size, the floor
 * of what receiving a group message can cost. Prints one number. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/secret.h"
#include "crypto/prim_xeddsa.h"

/* Many signatures: the branches of a check depend on them, and one would be learnt by heart. */
enum { MESSAGE_BYTES = 120, SIGNATURES = 250, ROUNDS = 4000 };

static double cpu_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

int main(void)
{
    static uint8_t messages[SIGNATURES][MESSAGE_BYTES], sigs[SIGNATURES][XEDDSA_SIG_BYTES];
    struct xeddsa_public_key key;
    struct x25519_pair pair;
    double start;
    int bad = 0;

    if (secret_init() != WB_OK)
        return 1;
    x25519_generate(&rng_system, &pair);
    if (xeddsa_key_prepare(pair.pub, &key) != WB_OK)
        return 1;
    for (int i = 0; i < SIGNATURES; i++) {
        rng_fill(&rng_system, messages[i], MESSAGE_BYTES);
        if (xeddsa_sign(pair.priv, SPAN_ARRAY(messages[i]), &rng_system, sigs[i]) != WB_OK)
            return 1;
    }
    start = cpu_us();
    for (int i = 0; i < ROUNDS; i++) {
        const struct span part = SPAN_ARRAY(messages[i % SIGNATURES]);

        bad += xeddsa_verify_prepared(&key, &part, 1, sigs[i % SIGNATURES]) != WB_OK;
    }
    printf("%.2f\n", (cpu_us() - start) / ROUNDS);
    return bad ? 1 : 0;
}
