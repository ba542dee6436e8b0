/* The 8-character link code, both sides, against an independent generator. */
#include "base/secret.h"
#include "crypto/pair_crypt.h"
#include "tests/vectors/fixed_rng.h"

static struct vec_file v;

static void check_code(void)
{
    char text[LINK_CODE_CHARS + 1];

    link_code_text(vec_bytes(&v, "random", LINK_CODE_RANDOM_BYTES), text);
    vec_check(&v, "text", span_cstr(text));
}

static void check_exchange(void)
{
    struct x25519_pair ephemeral, identity, phone_ephemeral, phone_identity;
    uint8_t wrapped[LINK_CODE_WRAPPED_KEY_BYTES], pub[32], secret[32], phone_secret[32];
    struct buf bundle = buf_new(LINK_CODE_BUNDLE_BYTES);
    struct fixed_rng bytes;
    struct rng rng;

    x25519_from_private(vec_bytes(&v, "ephemeral_private", 32), &ephemeral);
    x25519_from_private(vec_bytes(&v, "identity_private", 32), &identity);
    x25519_from_private(vec_bytes(&v, "phone_ephemeral_private", 32), &phone_ephemeral);
    x25519_from_private(vec_bytes(&v, "phone_identity_private", 32), &phone_identity);

    rng = rng_from_bytes(&bytes, vec_span(&v, "wrap_random"));
    assert_int_equal(link_code_wrap_key("ABCD2345", ephemeral.pub, &rng, wrapped), WB_OK);
    vec_check(&v, "wrapped_key", SPAN_ARRAY(wrapped));
    assert_int_equal(link_code_unwrap_key("ABCD2345", SPAN_ARRAY(wrapped), pub), WB_OK);
    assert_memory_equal(pub, ephemeral.pub, 32);

    rng = rng_from_bytes(&bytes, vec_span(&v, "finish_random"));
    assert_int_equal(link_code_finish_companion(&ephemeral, &identity, phone_ephemeral.pub,
                                                phone_identity.pub, &rng, &bundle, secret),
                     WB_OK);
    vec_check(&v, "bundle", buf_span(&bundle));
    vec_check(&v, "adv_secret", SPAN_ARRAY(secret));
    assert_int_equal(link_code_finish_phone(&phone_ephemeral, &phone_identity, ephemeral.pub,
                                            identity.pub, buf_span(&bundle), phone_secret),
                     WB_OK);
    vec_check(&v, "adv_secret", SPAN_ARRAY(phone_secret));
    buf_free(&bundle);
}

static void generated(void **state)
{
    (void)state;
    int exchanges = 0;

    vec_open(&v, "pairing.txt");
    while (vec_next(&v)) {
        if (span_eq_cstr(vec_span(&v, "kind"), "code"))
            check_code();
        if (span_eq_cstr(vec_span(&v, "kind"), "link")) {
            check_exchange();
            exchanges++;
        }
    }
    assert_int_equal(exchanges, 1);
}

/* A mistyped code gives another key, and then the bundle cannot be opened. */
static void wrong_code(void **state)
{
    (void)state;
    struct x25519_pair ephemeral, identity, phone_ephemeral, phone_identity;
    uint8_t wrapped[LINK_CODE_WRAPPED_KEY_BYTES], wrong[32], secret[32], untouched[32];
    struct buf bundle = buf_new(1000);

    x25519_generate(&rng_system, &ephemeral);
    x25519_generate(&rng_system, &identity);
    x25519_generate(&rng_system, &phone_ephemeral);
    x25519_generate(&rng_system, &phone_identity);
    assert_int_equal(link_code_wrap_key("ABCD2345", phone_ephemeral.pub, &rng_system, wrapped),
                     WB_OK);
    assert_int_equal(link_code_unwrap_key("ABCD2346", SPAN_ARRAY(wrapped), wrong), WB_OK);
    assert_memory_not_equal(wrong, phone_ephemeral.pub, 32);
    buf_append_cstr(&bundle, "head");
    assert_int_equal(link_code_finish_companion(&ephemeral, &identity, wrong, phone_identity.pub,
                                                &rng_system, &bundle, secret),
                     WB_OK);
    assert_int_equal(bundle.n, 4 + LINK_CODE_BUNDLE_BYTES);
    memset(secret, 0x5a, sizeof secret);
    memset(untouched, 0x5a, sizeof untouched);
    assert_int_equal(link_code_finish_phone(&phone_ephemeral, &phone_identity, ephemeral.pub,
                                            identity.pub, span_skip(buf_span(&bundle), 4), secret),
                     WB_ERR_BAD_MAC);
    assert_memory_equal(secret, untouched, sizeof secret);
    buf_free(&bundle);
}

static void refusals(void **state)
{
    (void)state;
    struct x25519_pair ephemeral, identity, phone_ephemeral, phone_identity, other;
    uint8_t wrapped[LINK_CODE_WRAPPED_KEY_BYTES] = {0}, zero[32] = {0}, out[32];
    struct buf bundle = buf_new(1000);

    x25519_generate(&rng_system, &ephemeral);
    x25519_generate(&rng_system, &identity);
    x25519_generate(&rng_system, &phone_ephemeral);
    x25519_generate(&rng_system, &phone_identity);
    x25519_generate(&rng_system, &other);
    assert_int_equal(link_code_wrap_key("ABCD-2345", zero, &rng_system, wrapped), WB_ERR_INVALID);
    assert_int_equal(link_code_wrap_key("ABCD234", zero, &rng_system, wrapped), WB_ERR_INVALID);
    assert_int_equal(link_code_unwrap_key("ABCD2345", SPAN(wrapped, 79), out), WB_ERR_MALFORMED);
    assert_int_equal(link_code_finish_companion(&ephemeral, &identity, zero, phone_identity.pub,
                                                &rng_system, &bundle, out),
                     WB_ERR_BAD_KEY);
    assert_int_equal(link_code_finish_companion(&ephemeral, &identity, phone_ephemeral.pub, zero,
                                                &rng_system, &bundle, out),
                     WB_ERR_BAD_KEY);
    assert_int_equal(bundle.n, 0);

    assert_int_equal(link_code_finish_companion(&ephemeral, &identity, phone_ephemeral.pub,
                                                phone_identity.pub, &rng_system, &bundle, out),
                     WB_OK);
    assert_int_equal(link_code_finish_phone(&phone_ephemeral, &phone_identity, ephemeral.pub,
                                            identity.pub, span_first(buf_span(&bundle), 155), out),
                     WB_ERR_MALFORMED);
    assert_int_equal(link_code_finish_phone(&phone_ephemeral, &phone_identity, ephemeral.pub,
                                            other.pub, buf_span(&bundle), out),
                     WB_ERR_UNTRUSTED_IDENTITY);
    assert_int_equal(link_code_finish_phone(&phone_ephemeral, &other, ephemeral.pub, identity.pub,
                                            buf_span(&bundle), out),
                     WB_ERR_UNTRUSTED_IDENTITY);
    for (size_t i = 0; i < bundle.n; i++) {
        bundle.p[i] ^= 1;
        assert_int_equal(link_code_finish_phone(&phone_ephemeral, &phone_identity, ephemeral.pub,
                                                identity.pub, buf_span(&bundle), out),
                         WB_ERR_BAD_MAC);
        bundle.p[i] ^= 1;
    }
    buf_free(&bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated),
        cmocka_unit_test(wrong_code),
        cmocka_unit_test(refusals),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
