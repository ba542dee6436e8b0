/* XEdDSA: the Ed25519 vectors seen through the Montgomery form of their keys, and our signatures.
 */
#include "base/secret.h"
#include "crypto/prim_fe25519.h"
#include "crypto/prim_xeddsa.h"
#include "tests/vectors/fixed_rng.h"

static struct vec_file v;

static void published(void **state)
{
    (void)state;

    vec_open(&v, "xeddsa.txt");
    while (vec_next(&v)) {
        const uint8_t *u = vec_bytes(&v, "montgomery_u", 32);
        const uint8_t *ed = vec_bytes(&v, "ed_public", 32);
        struct span message = vec_span(&v, "message");
        uint8_t sig[XEDDSA_SIG_BYTES], y[32], want_y[32], high_u[32];

        memcpy(want_y, ed, 32);
        want_y[31] &= 0x7f;
        assert_true(fe25519_u_to_y(u, y));
        assert_memory_equal(y, want_y, 32);
        memcpy(sig, vec_bytes(&v, "signature", 64), 64);
        sig[63] |= ed[31] & 0x80;
        assert_int_equal(xeddsa_verify(u, message, sig), WB_OK);
        memcpy(high_u, u, 32);
        high_u[31] |= 0x80; /* bit 255 is ignored */
        assert_int_equal(xeddsa_verify(high_u, message, sig), WB_OK);
        sig[63] ^= 0x80; /* the other point of the same u */
        assert_int_equal(xeddsa_verify(u, message, sig), WB_ERR_BAD_SIGNATURE);
    }
}

/* Byte for byte the signatures of a second implementation, with the same random bytes. */
static void generated(void **state)
{
    (void)state;

    vec_open(&v, "xeddsa_sign.txt");
    while (vec_next(&v)) {
        struct span message = vec_span(&v, "message");
        const uint8_t *priv = vec_bytes(&v, "private", 32);
        uint8_t sig[XEDDSA_SIG_BYTES];
        struct x25519_pair pair;
        struct fixed_rng bytes;
        struct rng rng = rng_from_bytes(&bytes, vec_span(&v, "random"));

        x25519_from_private(priv, &pair);
        vec_check(&v, "public", SPAN_ARRAY(pair.pub));
        assert_int_equal(xeddsa_sign(priv, message, &rng, sig), WB_OK);
        vec_check(&v, "signature", SPAN_ARRAY(sig));
        assert_int_equal(xeddsa_verify(pair.pub, message, sig), WB_OK);
    }
}

static void signs_and_verifies(void **state)
{
    (void)state;
    uint8_t message[700], sig[XEDDSA_SIG_BYTES], second[XEDDSA_SIG_BYTES];
    struct x25519_pair pair;
    unsigned signs = 0;

    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof message; n += 35) {
        struct span all = SPAN(message, n);
        struct span parts[3] = {span_first(all, 33), SPAN_NULL, span_skip(all, 33)};
        struct xeddsa_public_key key;

        x25519_generate(&rng_system, &pair);
        assert_int_equal(xeddsa_sign(pair.priv, all, &rng_system, sig), WB_OK);
        assert_int_equal(xeddsa_sign_v(pair.priv, parts, 3, &rng_system, second), WB_OK);
        assert_memory_not_equal(sig, second, sizeof sig);
        assert_int_equal(xeddsa_verify(pair.pub, all, sig), WB_OK);
        assert_int_equal(xeddsa_verify_v(pair.pub, parts, 3, second), WB_OK);
        assert_int_equal(xeddsa_key_prepare(pair.pub, &key), WB_OK);
        assert_int_equal(xeddsa_verify_prepared(&key, parts, 3, sig), WB_OK);
        signs |= 1u << (sig[63] >> 7);
        message[0] ^= 1;
        assert_int_equal(xeddsa_verify(pair.pub, all, sig), n ? WB_ERR_BAD_SIGNATURE : WB_OK);
        message[0] ^= 1;
    }
    assert_int_equal(signs, 3); /* keys of both signs were met */
}

static void every_bit_of_a_signature_counts(void **state)
{
    (void)state;
    struct x25519_pair pair;
    uint8_t sig[XEDDSA_SIG_BYTES];

    x25519_generate(&rng_system, &pair);
    assert_int_equal(xeddsa_sign(pair.priv, SPAN_LIT("text"), &rng_system, sig), WB_OK);
    for (unsigned bit = 0; bit < 8 * XEDDSA_SIG_BYTES; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(xeddsa_verify(pair.pub, SPAN_LIT("text"), sig), WB_ERR_BAD_SIGNATURE);
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* s + L is the same number mod L: accepting it would make signatures malleable (P-SG-03). */
static void refuses_s_of_l_or_more(void **state)
{
    (void)state;
    static const uint8_t L[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                  0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct x25519_pair pair;
    uint8_t sig[XEDDSA_SIG_BYTES], sign;
    unsigned carry = 0;

    x25519_generate(&rng_system, &pair);
    assert_int_equal(xeddsa_sign(pair.priv, SPAN_LIT("text"), &rng_system, sig), WB_OK);
    sign = sig[63] & 0x80;
    sig[63] &= 0x7f;
    for (unsigned i = 0; i < 32; i++) {
        carry += (unsigned)sig[32 + i] + L[i];
        sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(sig[63] & 0x80, 0);
    sig[63] |= sign;
    assert_int_equal(xeddsa_verify(pair.pub, SPAN_LIT("text"), sig), WB_ERR_BAD_SIGNATURE);
}

static void refuses_keys_without_a_point(void **state)
{
    (void)state;
    uint8_t minus_one[32], plus_p[32], sig[XEDDSA_SIG_BYTES] = {0}, y[32] = {0x5a};

    memset(minus_one, 0xff, 32); /* p - 1 = 2^255 - 20 */
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    assert_false(fe25519_u_to_y(minus_one, y));
    assert_int_equal(y[0], 0x5a);
    assert_int_equal(xeddsa_verify(minus_one, SPAN_LIT("text"), sig), WB_ERR_BAD_KEY);
    /* u = p + 1 is another writing of 1, for which y = 0. */
    memset(plus_p, 0xff, 32);
    plus_p[0] = 0xee;
    plus_p[31] = 0x7f;
    assert_true(fe25519_u_to_y(plus_p, y));
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(y[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(generated),
        cmocka_unit_test(signs_and_verifies),
        cmocka_unit_test(every_bit_of_a_signature_counts),
        cmocka_unit_test(refuses_s_of_l_or_more),
        cmocka_unit_test(refuses_keys_without_a_point),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
