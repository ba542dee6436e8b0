/* Our XEdDSA and X25519 against libsignal-protocol-c, both ways, over random keys and messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <signal/curve.h>
#include <signal/signal_protocol.h>

#include "base/secret.h"
#include "crypto/prim_xeddsa.h"

enum { PAIRS = 2000, MESSAGE_MAX = 300 };

static signal_context *theirs;

/* The library's signing asks its provider for these bytes only. */
static uint8_t random_bytes[64];

static int provide_random(uint8_t *data, size_t n, void *user)
{
    (void)user;
    assert_int_equal(n, sizeof random_bytes);
    memcpy(data, random_bytes, n);
    return 0;
}

static void same_random(void *ctx, uint8_t *out, size_t n)
{
    (void)provide_random(out, n, ctx);
}

/* The library wants HMAC functions, although no signature calls them. */
static int no_hmac_init(void **hmac, const uint8_t *key, size_t n, void *user)
{
    (void)hmac, (void)key, (void)n, (void)user;
    return SG_ERR_UNKNOWN;
}

static int no_hmac_update(void *hmac, const uint8_t *data, size_t n, void *user)
{
    (void)hmac, (void)data, (void)n, (void)user;
    return SG_ERR_UNKNOWN;
}

static int no_hmac_final(void *hmac, signal_buffer **out, void *user)
{
    (void)hmac, (void)out, (void)user;
    return SG_ERR_UNKNOWN;
}

static void no_hmac_cleanup(void *hmac, void *user)
{
    (void)hmac, (void)user;
}

static int setup(void **state)
{
    (void)state;
    const signal_crypto_provider provider = {.random_func = provide_random,
                                             .hmac_sha256_init_func = no_hmac_init,
                                             .hmac_sha256_update_func = no_hmac_update,
                                             .hmac_sha256_final_func = no_hmac_final,
                                             .hmac_sha256_cleanup_func = no_hmac_cleanup};

    return signal_context_create(&theirs, NULL) != 0 ||
           signal_context_set_crypto_provider(theirs, &provider) != 0;
}

static int teardown(void **state)
{
    (void)state;
    signal_context_destroy(theirs);
    return 0;
}

struct both {
    struct x25519_pair ours;
    ec_public_key *pub;
    ec_private_key *priv;
    uint8_t message[MESSAGE_MAX];
    struct span text;
};

static void both_new(struct both *b)
{
    uint8_t djb[DJB_KEY_BYTES];

    x25519_generate(&rng_system, &b->ours);
    djb_encode(b->ours.pub, djb);
    assert_int_equal(curve_decode_point(&b->pub, djb, sizeof djb, theirs), 0);
    assert_int_equal(curve_decode_private_point(&b->priv, b->ours.priv, 32, theirs), 0);
    rng_fill(&rng_system, b->message, sizeof b->message);
    b->text = SPAN(b->message, rng_below(&rng_system, MESSAGE_MAX + 1));
}

static void both_free(struct both *b)
{
    SIGNAL_UNREF(b->pub);
    SIGNAL_UNREF(b->priv);
}

static int their_verdict(const struct both *b, const uint8_t *sig)
{
    return curve_verify_signature(b->pub, b->message, b->text.n, sig, XEDDSA_SIG_BYTES);
}

static void they_accept_ours(void **state)
{
    (void)state;
    uint8_t sig[XEDDSA_SIG_BYTES];

    for (int i = 0; i < PAIRS; i++) {
        struct both b;

        both_new(&b);
        assert_int_equal(xeddsa_sign(b.ours.priv, b.text, &rng_system, sig), WB_OK);
        assert_int_equal(their_verdict(&b, sig), 1);
        both_free(&b);
    }
}

/* With the same random bytes both make the same signature. */
static void we_accept_theirs(void **state)
{
    (void)state;
    const struct rng same = {same_random, NULL};
    uint8_t ours[XEDDSA_SIG_BYTES];

    for (int i = 0; i < PAIRS; i++) {
        signal_buffer *sig;
        struct both b;

        both_new(&b);
        rng_fill(&rng_system, random_bytes, sizeof random_bytes);
        assert_int_equal(curve_calculate_signature(theirs, &sig, b.priv, b.message, b.text.n), 0);
        assert_int_equal(signal_buffer_len(sig), XEDDSA_SIG_BYTES);
        assert_int_equal(xeddsa_verify(b.ours.pub, b.text, signal_buffer_data(sig)), WB_OK);
        assert_int_equal(xeddsa_sign(b.ours.priv, b.text, &same, ours), WB_OK);
        assert_memory_equal(ours, signal_buffer_data(sig), sizeof ours);
        signal_buffer_free(sig);
        both_free(&b);
    }
}

/* A random bit of signature, key or message is flipped: both must refuse. */
static void both_refuse(void **state)
{
    (void)state;
    uint8_t sig[XEDDSA_SIG_BYTES];

    for (int i = 0; i < PAIRS; i++) {
        uint8_t bit = (uint8_t)(1u << rng_below(&rng_system, 8));
        struct both b;

        both_new(&b);
        assert_int_equal(xeddsa_sign(b.ours.priv, b.text, &rng_system, sig), WB_OK);
        if (i % 2 == 0 && b.text.n > 0)
            b.message[rng_below(&rng_system, (uint32_t)b.text.n)] ^= bit;
        else
            sig[rng_below(&rng_system, sizeof sig)] ^= bit;
        assert_int_equal(xeddsa_verify(b.ours.pub, b.text, sig), WB_ERR_BAD_SIGNATURE);
        assert_int_not_equal(their_verdict(&b, sig), 1);
        both_free(&b);
    }
}

static void agreements_are_equal(void **state)
{
    (void)state;

    for (int i = 0; i < PAIRS / 4; i++) {
        struct x25519_pair ours;
        uint8_t secret[X25519_KEY_BYTES], *their_secret;
        struct both b;
        uint8_t djb[DJB_KEY_BYTES];

        ec_public_key *pub;

        both_new(&b);
        x25519_generate(&rng_system, &ours);
        djb_encode(ours.pub, djb);
        assert_int_equal(curve_decode_point(&pub, djb, sizeof djb, theirs), 0);
        assert_int_equal(curve_calculate_agreement(&their_secret, pub, b.priv), X25519_KEY_BYTES);
        assert_int_equal(x25519_agree(ours.priv, b.ours.pub, secret), WB_OK);
        assert_memory_equal(secret, their_secret, sizeof secret);
        free(their_secret);
        SIGNAL_UNREF(pub);
        both_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_accept_ours),
        cmocka_unit_test(we_accept_theirs),
        cmocka_unit_test(both_refuse),
        cmocka_unit_test(agreements_are_equal),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, setup, teardown) : 1;
}
