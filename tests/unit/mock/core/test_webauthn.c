/* wa-mock's check of an assertion against one real assertion and every way of being wrong.
 * tests/vectors/gen_passkey.py makes the vector, with an ECDSA of its own. */
#include "base/secret.h"
#include "tests/vectors/vectors.h"
#include "tools/mock/core/webauthn.h"

static const char *check(struct span challenge, struct span id, const uint8_t *key,
                         struct span json)
{
    struct webauthn_want w = {"whatsapp.com", challenge, id, key};
    struct arena a = arena_new(1 << 20);
    const char *wrong = webauthn_check(&w, json, &a);

    arena_free(&a);
    return wrong;
}

static void assertions(void **state)
{
    (void)state;
    struct vec_file v;
    int good = 0, bad = 0;

    vec_open(&v, "webauthn.txt");
    while (vec_next(&v)) {
        const char *wrong =
            check(vec_span(&v, "challenge"), vec_span(&v, "credential_id"),
                  vec_bytes(&v, "public_key", P256_POINT_BYTES), vec_span(&v, "credential"));

        vec_check(&v, "problem", span_cstr(wrong ? wrong : ""));
        *(wrong ? &bad : &good) += 1;
    }
    assert_int_equal(good, 1);
    assert_int_equal(bad, 15);
}

static void keys(void **state)
{
    (void)state;
    struct vec_file v;
    uint8_t key[P256_POINT_BYTES];

    vec_open(&v, "webauthn.txt");
    assert_true(vec_next(&v));
    memcpy(key, vec_bytes(&v, "public_key", sizeof key), sizeof key);
    assert_true(p256_key_valid(SPAN_ARRAY(key)));
    assert_false(p256_key_valid(SPAN(key, 64)));
    key[64] ^= 1; /* not on the curve */
    assert_false(p256_key_valid(SPAN_ARRAY(key)));
    assert_non_null(check(vec_span(&v, "challenge"), vec_span(&v, "credential_id"), key,
                          vec_span(&v, "credential")));
    while (vec_next(&v))
        ;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assertions),
        cmocka_unit_test(keys),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
