/* Digests, HMAC, HKDF and PBKDF2 against published vectors. */
#include "base/secret.h"
#include "crypto/prim_hash.h"
#include "tests/vectors/vectors.h"

static struct vec_file v;

static void digests(void **state)
{
    (void)state;
    uint8_t out[SHA512_BYTES];

    vec_open(&v, "digest.txt");
    while (vec_next(&v)) {
        struct span data = vec_span(&v, "data");
        struct sha256_stream s;

        sha256(data, out);
        vec_check(&v, "sha256", SPAN(out, SHA256_BYTES));
        sha256_begin(&s);
        for (size_t i = 0; i < data.n; i++)
            sha256_add(&s, SPAN(data.p + i, 1));
        sha256_end(&s, out);
        vec_check(&v, "sha256", SPAN(out, SHA256_BYTES));
        if (vec_has(&v, "md5")) {
            assert_int_equal(md5(data, out), WB_OK);
            vec_check(&v, "md5", SPAN(out, MD5_BYTES));
        }
    }
}

static void hmacs(void **state)
{
    (void)state;
    uint8_t out[SHA512_BYTES];

    vec_open(&v, "hmac.txt");
    while (vec_next(&v)) {
        struct span key = vec_span(&v, "key"), data = vec_span(&v, "data");
        struct span parts[3] = {span_first(data, 5), SPAN_NULL, span_skip(data, 5)};

        hmac_sha256(key, data, out);
        vec_check(&v, "hmac256", SPAN(out, SHA256_BYTES));
        hmac_sha256_v(key, parts, 3, out);
        vec_check(&v, "hmac256", SPAN(out, SHA256_BYTES));
        hmac_sha512_v(key, parts, 3, out);
        vec_check(&v, "hmac512", SPAN(out, SHA512_BYTES));
    }
}

static void hkdf(void **state)
{
    (void)state;
    uint8_t out[256];

    vec_open(&v, "hkdf.txt");
    while (vec_next(&v)) {
        struct span salt = vec_span(&v, "salt");
        size_t n = vec_span(&v, "okm").n;

        hkdf_sha256(vec_span(&v, "ikm"), salt.n ? salt : SPAN_NULL, vec_span(&v, "info"), out, n);
        vec_check(&v, "okm", SPAN(out, n));
    }
}

/* The token of a chat (privacy), salt 00..1f; the chain key step of a session (HMAC of 02). */
static void tokens(void **state)
{
    (void)state;
    uint8_t k[32], out[SHA256_BYTES], want[SHA256_BYTES];
    size_t n;

    for (size_t i = 0; i < sizeof k; i++)
        k[i] = (uint8_t)i;
    hmac_sha256(SPAN_ARRAY(k), SPAN_LIT("15550001@lid"), out);
    assert_int_equal(
        hex_decode(SPAN_LIT("ef812e1c98edaffe65252e145b2b092d5ee37b1096a52fcaeeb492be743c0828"),
                   want, sizeof want, &n),
        WB_OK);
    assert_memory_equal(out, want, sizeof want);
    hmac_sha256(SPAN_ARRAY(k), SPAN_LIT("\x02"), out);
    assert_int_equal(
        hex_decode(SPAN_LIT("4304c22c84a53755ab08ead8d97a8d429be5efa480682d7ad1da27f73e1fbe1d"),
                   want, sizeof want, &n),
        WB_OK);
    assert_memory_equal(out, want, sizeof want);
}

/* The counter byte of the last block is 255; each shorter output is a prefix of the longest. */
static void hkdf_longest(void **state)
{
    (void)state;
    static uint8_t all[HKDF_OUT_MAX], some[HKDF_OUT_MAX];
    uint8_t prk[SHA256_BYTES], t[SHA256_BYTES], last = 255;

    hkdf_sha256(SPAN_LIT("key"), SPAN_LIT("salt"), SPAN_LIT("info"), all, sizeof all);
    hmac_sha256(SPAN_LIT("salt"), SPAN_LIT("key"), prk);
    struct span parts[3] = {SPAN(all + sizeof all - 64, 32), SPAN_LIT("info"), SPAN(&last, 1)};
    hmac_sha256_v(SPAN_ARRAY(prk), parts, 3, t);
    assert_memory_equal(t, all + sizeof all - 32, 32);
    for (size_t n = 0; n <= 100; n++) {
        memset(some, 0xee, sizeof some);
        hkdf_sha256(SPAN_LIT("key"), SPAN_LIT("salt"), SPAN_LIT("info"), some, n);
        assert_memory_equal(some, all, n);
        assert_int_equal(some[n], 0xee);
    }
}

static void pbkdf2(void **state)
{
    (void)state;
    uint8_t out[64];

    vec_open(&v, "pbkdf2.txt");
    while (vec_next(&v)) {
        size_t n = vec_span(&v, "key").n;

        assert_int_equal(pbkdf2_sha256(vec_span(&v, "password"), vec_span(&v, "salt"),
                                       (uint32_t)vec_number(&v, "rounds"), out, n),
                         WB_OK);
        vec_check(&v, "key", SPAN(out, n));
    }
    assert_int_equal(pbkdf2_sha256(SPAN_LIT("p"), SPAN_LIT("s"), 0, out, 32), WB_ERR_INVALID);
    assert_int_equal(pbkdf2_sha256(SPAN_LIT("p"), SPAN_LIT("s"), 1, out, 0), WB_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests),      cmocka_unit_test(hmacs),  cmocka_unit_test(hkdf),
        cmocka_unit_test(hkdf_longest), cmocka_unit_test(pbkdf2), cmocka_unit_test(tokens),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
