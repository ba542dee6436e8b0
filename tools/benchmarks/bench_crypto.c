/* bench_crypto.c - microseconds of CPU for two pieces of arithmetic that receiving and sending
 * cannot avoid. Prints two numbers: one XEdDSA check of a message of group size, the least that
 * receiving a group message can cost; and one X3DH with a peer's bundle, the least cost of a first
 * message to a device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "crypto/prim_xeddsa.h"
#include "crypto/signal.h"

/* Many signatures: the branches of a check depend on the signature, and the CPU would learn those
 * of a single signature by heart. */
enum { MESSAGE_BYTES = 120, SIGNATURES = 250, CHECKS = 4000, SESSIONS = 500 };

static double cpu_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static bool check_signatures(double *ret_us)
{
    static uint8_t messages[SIGNATURES][MESSAGE_BYTES], sigs[SIGNATURES][XEDDSA_SIG_BYTES];
    struct xeddsa_public_key key;
    struct x25519_pair pair;
    double start;
    int bad = 0;

    x25519_generate(&rng_system, &pair);
    if (xeddsa_key_prepare(pair.pub, &key) != WB_OK)
        return false;
    for (int i = 0; i < SIGNATURES; i++) {
        rng_fill(&rng_system, messages[i], MESSAGE_BYTES);
        if (xeddsa_sign(pair.priv, SPAN_ARRAY(messages[i]), &rng_system, sigs[i]) != WB_OK)
            return false;
    }
    start = cpu_us();
    for (int i = 0; i < CHECKS; i++) {
        const struct span part = SPAN_ARRAY(messages[i % SIGNATURES]);

        bad += xeddsa_verify_prepared(&key, &part, 1, sigs[i % SIGNATURES]) != WB_OK;
    }
    *ret_us = (cpu_us() - start) / CHECKS;
    return bad == 0;
}

static bool peer_bundle(struct signal_bundle *ret_b)
{
    struct x25519_pair identity, signed_prekey, prekey;
    uint8_t djb[DJB_KEY_BYTES];

    x25519_generate(&rng_system, &identity);
    x25519_generate(&rng_system, &signed_prekey);
    x25519_generate(&rng_system, &prekey);
    *ret_b = (struct signal_bundle){
        .registration_id = 1, .signed_prekey_id = 1, .has_prekey = true, .prekey_id = 1};
    memcpy(ret_b->identity, identity.pub, sizeof ret_b->identity);
    memcpy(ret_b->signed_prekey, signed_prekey.pub, sizeof ret_b->signed_prekey);
    memcpy(ret_b->prekey, prekey.pub, sizeof ret_b->prekey);
    djb_encode(signed_prekey.pub, djb);
    return xeddsa_sign(identity.priv, SPAN_ARRAY(djb), &rng_system, ret_b->signed_prekey_sig) ==
           WB_OK;
}

static bool start_sessions(double *ret_us)
{
    static struct signal_bundle bundles[SESSIONS];
    struct signal_local local = {.registration_id = 2};
    double start;
    bool good = true;

    x25519_generate(&rng_system, &local.identity);
    for (int i = 0; i < SESSIONS; i++)
        if (!peer_bundle(&bundles[i]))
            return false;
    start = cpu_us();
    for (int i = 0; i < SESSIONS && good; i++) {
        struct signal_session *session = signal_session_new();

        good = session && signal_session_start(session, &local, &bundles[i], &rng_system) == WB_OK;
        signal_session_free(session);
    }
    *ret_us = (cpu_us() - start) / SESSIONS;
    return good;
}

int main(void)
{
    double check, session;

    if (secret_init() != WB_OK || !check_signatures(&check) || !start_sessions(&session))
        return 1;
    printf("%.2f %.2f\n", check, session);
    return 0;
}
