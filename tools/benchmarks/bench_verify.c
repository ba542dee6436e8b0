/* bench_verify.c - microseconds of CPU for one XEdDSA check of a message of group size, the floor
 * of what receiving a group message can cost. Prints one number. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/secret.h"
#include "crypto/prim_xeddsa.h"

enum { MESSAGE_BYTES = 120, ROUNDS = 4000 };

static double cpu_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

int main(void)
{
    struct x25519_pair pair;
    struct xeddsa_public_key key;
    uint8_t message[MESSAGE_BYTES] = {7}, sig[XEDDSA_SIG_BYTES];
    const struct span part = SPAN_ARRAY(message);
    double start;
    int bad = 0;

    if (secret_init() != WB_OK)
        return 1;
    x25519_generate(&rng_system, &pair);
    if (xeddsa_sign(pair.priv, SPAN_ARRAY(message), &rng_system, sig) != WB_OK ||
        xeddsa_key_prepare(pair.pub, &key) != WB_OK)
        return 1;
    start = cpu_us();
    for (int i = 0; i < ROUNDS; i++)
        bad += xeddsa_verify_prepared(&key, &part, 1, sig) != WB_OK;
    printf("%.2f\n", (cpu_us() - start) / ROUNDS);
    return bad ? 1 : 0;
}
