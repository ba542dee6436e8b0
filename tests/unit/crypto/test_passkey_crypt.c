/* The passkey step's keys, proofs and code from either side, and its protobufs, against an
 * independent generator. */
#include "base/secret.h"
#include "crypto/limits.h"
#include "crypto/passkey_crypt.h"
#include "crypto/prim_aead.h"
#include "proto/passkey_wire.h"
#include "tests/vectors/vectors.h"

static struct vec_file v;

static const char *text_of(const char *name, char *out, size_t n)
{
    struct span s = vec_span(&v, name);

    snprintf(out, n, "%.*s", (int)s.n, (const char *)s.p);
    return out;
}

static void check_companion(const struct x25519_pair *own, const char *ref)
{
    uint32_t type = (uint32_t)vec_number(&v, "device_type");
    struct buf identity = buf_new(1024), prologue = buf_new(1024);
    uint8_t out[32], key[32];

    assert_int_equal(passkey_identity_encode(own->pub, type, ref, &identity), WB_OK);
    vec_check(&v, "identity", buf_span(&identity));
    passkey_commitment(buf_span(&identity), vec_bytes(&v, "nonce", 32), out);
    vec_check(&v, "commitment", SPAN_ARRAY(out));
    assert_int_equal(passkey_prologue_encode(buf_span(&identity), out, &prologue), WB_OK);
    vec_check(&v, "prologue", buf_span(&prologue));
    passkey_handoff_key(vec_bytes(&v, "adv_secret", 32), key);
    vec_check(&v, "handoff_key", SPAN_ARRAY(key));
    passkey_handoff_proof(key, buf_span(&prologue), out);
    vec_check(&v, "proof", SPAN_ARRAY(out));
    buf_free(&identity);
    buf_free(&prologue);
}

static void check_request(void)
{
    struct buf plain = buf_new(1024), sealed = buf_new(1024), wire = buf_new(1024);
    const uint8_t *iv = vec_bytes(&v, "iv", GCM_IV_BYTES);

    assert_int_equal(passkey_request_encode(vec_bytes(&v, "noise", 32),
                                            vec_bytes(&v, "identity_key", 32),
                                            vec_bytes(&v, "new_secret", 32), &plain),
                     WB_OK);
    vec_check(&v, "request", buf_span(&plain));
    assert_int_equal(
        aes_gcm_seal(vec_bytes(&v, "request_key", 32), iv, SPAN_NULL, buf_span(&plain), &sealed),
        WB_OK);
    assert_int_equal(passkey_sealed_encode(buf_span(&sealed), SPAN(iv, GCM_IV_BYTES), &wire),
                     WB_OK);
    vec_check(&v, "sealed", buf_span(&wire));
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&wire);
}

static void generated(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 16);
    int records = 0;

    vec_open(&v, "passkey.txt");
    while (vec_next(&v)) {
        uint32_t type = (uint32_t)vec_number(&v, "device_type");
        struct passkey_phone_identity phone;
        struct x25519_pair own, theirs;
        char ref[128], code[LINK_CODE_CHARS + 1];
        uint8_t key[32];

        text_of("ref", ref, sizeof ref);
        x25519_from_private(vec_bytes(&v, "own_private", 32), &own);
        x25519_from_private(vec_bytes(&v, "phone_private", 32), &theirs);
        check_companion(&own, ref);
        assert_int_equal(passkey_phone_identity_decode(vec_span(&v, "phone_identity"), &a, &phone),
                         WB_OK);
        assert_memory_equal(phone.pub, theirs.pub, 32);
        assert_int_equal(passkey_request_key(&own, phone.pub, type, ref, key), WB_OK);
        vec_check(&v, "request_key", SPAN_ARRAY(key));
        assert_int_equal(passkey_request_key(&theirs, own.pub, type, ref, key), WB_OK);
        vec_check(&v, "request_key", SPAN_ARRAY(key));
        passkey_code(vec_bytes(&v, "nonce", 32), phone.pub, phone.nonce, code);
        vec_check(&v, "code", span_cstr(code));
        check_request();
        records++;
    }
    assert_int_equal(records, 2);
    arena_free(&a);
}

static void refusals(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 16);
    struct x25519_pair own;
    uint8_t zero[32] = {0}, key[32], before[32];
    uint8_t identity[2 * 34] = {0x0a, 32};
    struct passkey_phone_identity phone;
    char ref[PASSKEY_REF_MAX + 2];

    memset(key, 0x5a, sizeof key);
    memset(before, 0x5a, sizeof before);
    x25519_generate(&rng_system, &own);
    assert_int_equal(passkey_request_key(&own, zero, 0, "r", key), WB_ERR_BAD_KEY);
    memset(ref, 'r', sizeof ref);
    ref[sizeof ref - 1] = '\0';
    assert_int_equal(passkey_request_key(&own, own.pub, 0, ref, key), WB_ERR_TOO_LARGE);
    assert_memory_equal(key, before, sizeof key);
    ref[sizeof ref - 2] = '\0';
    assert_int_equal(passkey_request_key(&own, own.pub, 0, ref, key), WB_OK);

    identity[34] = 0x12;
    identity[35] = 32;
    assert_int_equal(passkey_phone_identity_decode(SPAN_ARRAY(identity), &a, &phone), WB_OK);
    identity[35] = 31;
    assert_int_equal(passkey_phone_identity_decode(SPAN(identity, 67), &a, &phone),
                     WB_ERR_MALFORMED);
    assert_int_equal(passkey_phone_identity_decode(SPAN(identity, 34), &a, &phone),
                     WB_ERR_MALFORMED);
    assert_int_equal(passkey_phone_identity_decode(SPAN(identity + 34, 33), &a, &phone),
                     WB_ERR_MALFORMED);
    assert_int_equal(passkey_phone_identity_decode(SPAN(identity, 0), &a, &phone),
                     WB_ERR_MALFORMED);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated),
        cmocka_unit_test(refusals),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
