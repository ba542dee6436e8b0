/* AES-256 in GCM, CTR and CBC mode against published vectors, and what each must refuse. */
#include "base/secret.h"
#include "crypto/prim_aead.h"
#include "crypto/prim_cbc.h"
#include "tests/vectors/vectors.h"

static struct vec_file v;

/* One keyed object seals and opens in turn: direction and IV are per call. */
static void check_gcm(void)
{
    const uint8_t *key = vec_bytes(&v, "key", AES_KEY_BYTES);
    const uint8_t *iv = vec_bytes(&v, "iv", GCM_IV_BYTES);
    struct span aad = vec_span(&v, "aad"), plain = vec_span(&v, "plain");
    struct buf sealed = buf_new(4096), opened = buf_new(4096);
    uint8_t out[512], back[512];
    struct gcm *g = gcm_new(key);
    size_t n = plain.n + GCM_TAG_BYTES;

    assert_non_null(g);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(gcm_seal(g, iv, aad, plain, out), WB_OK);
        vec_check(&v, "cipher", SPAN(out, plain.n));
        vec_check(&v, "tag", SPAN(out + plain.n, GCM_TAG_BYTES));
        assert_int_equal(gcm_open(g, iv, aad, SPAN(out, n), back), WB_OK);
        vec_check(&v, "plain", SPAN(back, plain.n));
    }
    gcm_free(g);
    assert_int_equal(aes_gcm_seal(key, iv, aad, plain, &sealed), WB_OK);
    assert_true(span_eq(buf_span(&sealed), SPAN(out, n)));
    assert_int_equal(aes_gcm_open(key, iv, aad, buf_span(&sealed), &opened), WB_OK);
    vec_check(&v, "plain", buf_span(&opened));
    buf_free(&sealed);
    buf_free(&opened);
}

static void check_cbc(void)
{
    const uint8_t *key = vec_bytes(&v, "key", AES_KEY_BYTES);
    const uint8_t *iv = vec_bytes(&v, "iv", AES_BLOCK_BYTES);
    struct span plain = vec_span(&v, "plain");
    struct buf out = buf_new(4096), back = buf_new(4096);

    assert_int_equal(cbc_encrypt(key, iv, plain, &out), WB_OK);
    assert_int_equal(out.n, plain.n + AES_BLOCK_BYTES);
    vec_check(&v, "cipher", span_first(buf_span(&out), plain.n));
    assert_int_equal(cbc_decrypt(key, iv, buf_span(&out), &back), WB_OK);
    vec_check(&v, "plain", buf_span(&back));
    buf_free(&out);
    buf_free(&back);
}

static void published(void **state)
{
    (void)state;
    uint8_t out[512];

    vec_open(&v, "aes.txt");
    while (vec_next(&v)) {
        struct span mode = vec_span(&v, "mode");

        if (span_eq_cstr(mode, "gcm")) {
            check_gcm();
        } else if (span_eq_cstr(mode, "cbc")) {
            check_cbc();
        } else {
            assert_int_equal(aes_ctr(vec_bytes(&v, "key", AES_KEY_BYTES),
                                     vec_bytes(&v, "iv", AES_BLOCK_BYTES), vec_span(&v, "plain"),
                                     out),
                             WB_OK);
            vec_check(&v, "cipher", SPAN(out, vec_span(&v, "plain").n));
        }
    }
}

static void gcm_refuses(void **state)
{
    (void)state;
    uint8_t key[AES_KEY_BYTES] = {1}, iv[GCM_IV_BYTES] = {2}, other_iv[GCM_IV_BYTES] = {3};
    struct buf sealed = buf_new(100), opened = buf_new(100), tight = buf_new(20);

    buf_append_cstr(&opened, "kept");
    assert_int_equal(aes_gcm_seal(key, iv, SPAN_LIT("ad"), SPAN_LIT("text"), &sealed), WB_OK);
    for (size_t i = 0; i < sealed.n; i++) {
        sealed.p[i] ^= 0x10;
        assert_int_equal(aes_gcm_open(key, iv, SPAN_LIT("ad"), buf_span(&sealed), &opened),
                         WB_ERR_BAD_MAC);
        sealed.p[i] ^= 0x10;
    }
    assert_int_equal(aes_gcm_open(key, iv, SPAN_LIT("aD"), buf_span(&sealed), &opened),
                     WB_ERR_BAD_MAC);
    assert_int_equal(aes_gcm_open(key, other_iv, SPAN_LIT("ad"), buf_span(&sealed), &opened),
                     WB_ERR_BAD_MAC);
    assert_int_equal(
        aes_gcm_open(key, iv, SPAN_LIT("ad"), span_first(buf_span(&sealed), 15), &opened),
        WB_ERR_TRUNCATED);
    assert_true(span_eq_cstr(buf_span(&opened), "kept"));
    assert_int_equal(aes_gcm_open(key, iv, SPAN_LIT("ad"), buf_span(&sealed), &opened), WB_OK);
    assert_true(span_eq_cstr(buf_span(&opened), "kepttext"));
    assert_int_equal(aes_gcm_seal(key, iv, SPAN_NULL, SPAN_LIT("12345"), &tight), WB_ERR_TOO_LARGE);
    assert_int_equal(tight.n, 0);
    gcm_free(NULL);
    buf_free(&sealed);
    buf_free(&opened);
}

static void cbc_every_length(void **state)
{
    (void)state;
    uint8_t key[AES_KEY_BYTES] = {1}, iv[AES_BLOCK_BYTES] = {2}, text[70];

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)i;
    for (size_t n = 0; n <= sizeof text; n++) {
        struct buf c = buf_new(200), p = buf_new(200);

        buf_append_cstr(&c, "head");
        assert_int_equal(cbc_encrypt(key, iv, SPAN(text, n), &c), WB_OK);
        assert_int_equal(c.n, 4 + (n / 16 + 1) * 16);
        assert_int_equal(cbc_decrypt(key, iv, span_skip(buf_span(&c), 4), &p), WB_OK);
        assert_true(span_eq(buf_span(&p), SPAN(text, n)));
        buf_free(&c);
        buf_free(&p);
    }
}

static void cbc_refuses(void **state)
{
    (void)state;
    uint8_t key[AES_KEY_BYTES] = {1}, iv[AES_BLOCK_BYTES] = {2};
    struct buf c = buf_new(200), p = buf_new(200);

    buf_append_cstr(&p, "kept");
    /* 16 bytes of 0x10 in front: with the second block cut off the last byte is 0x00. */
    assert_int_equal(cbc_encrypt(key, iv, SPAN_LIT("0123456789abcde\0"), &c), WB_OK);
    assert_int_equal(c.n, 32);
    assert_int_equal(cbc_decrypt(key, iv, span_first(buf_span(&c), 16), &p), WB_ERR_BAD_PADDING);
    assert_int_equal(cbc_decrypt(key, iv, span_first(buf_span(&c), 31), &p), WB_ERR_BAD_PADDING);
    assert_int_equal(cbc_decrypt(key, iv, SPAN_NULL, &p), WB_ERR_BAD_PADDING);
    buf_clear(&c);
    assert_int_equal(cbc_encrypt(key, iv, SPAN_LIT("0123456789abcd\x03\x02"), &c), WB_OK);
    assert_int_equal(cbc_decrypt(key, iv, span_first(buf_span(&c), 16), &p), WB_ERR_BAD_PADDING);
    assert_true(span_eq_cstr(buf_span(&p), "kept"));
    buf_free(&c);
    buf_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(gcm_refuses),
        cmocka_unit_test(cbc_every_length),
        cmocka_unit_test(cbc_refuses),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
