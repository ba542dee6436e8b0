/* Files of the media hosts: made here step by step, opened, and refused when anything is altered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/media_crypt.h"
#include "crypto/prim_cbc.h"

static struct media_secret secret;
static struct buf file;

static int setup(void **state)
{
    uint8_t keys[112], mac[SHA256_BYTES];

    (void)state;
    if (secret_init() != WB_OK)
        return -1;
    memset(&secret, 0, sizeof secret);
    secret.info = MEDIA_INFO_HISTORY;
    memset(secret.key, 7, sizeof secret.key);
    file = buf_new(4096);
    hkdf_sha256(SPAN_ARRAY(secret.key), SPAN_NULL, SPAN_LIT("WhatsApp History Keys"), keys,
                sizeof keys);
    assert_int_equal(cbc_encrypt(keys + 16, keys, SPAN_LIT("a piece of history"), &file), WB_OK);
    const struct span parts[] = {SPAN(keys, 16), buf_span(&file)};
    hmac_sha256_v(SPAN(keys + 48, 32), parts, 2, mac);
    buf_append(&file, SPAN(mac, MEDIA_MAC_BYTES));
    sha256(SPAN_LIT("a piece of history"), secret.file_sha256);
    sha256(buf_span(&file), secret.file_enc_sha256);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&file);
    return 0;
}

static enum wb_err open_file(struct span in)
{
    struct buf plain = buf_new(4096);
    enum wb_err err = media_open(&secret, in, &plain);

    if (err == WB_OK)
        assert_true(span_eq(buf_span(&plain), SPAN_LIT("a piece of history")));
    buf_free(&plain);
    return err;
}

static void the_file_is_opened(void **state)
{
    (void)state;
    assert_int_equal(open_file(buf_span(&file)), WB_OK);
}

static void an_altered_file_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < file.n; i++) {
        file.p[i] ^= 1;
        assert_int_equal(open_file(buf_span(&file)), WB_ERR_BAD_MAC);
        /* Also when the hash of the altered bytes is known. */
        uint8_t before[SHA256_BYTES];
        memcpy(before, secret.file_enc_sha256, sizeof before);
        sha256(buf_span(&file), secret.file_enc_sha256);
        assert_int_equal(open_file(buf_span(&file)), WB_ERR_BAD_MAC);
        memcpy(secret.file_enc_sha256, before, sizeof before);
        file.p[i] ^= 1;
    }
}

static void another_plaintext_or_key_is_refused(void **state)
{
    (void)state;
    secret.file_sha256[0] ^= 1;
    assert_int_equal(open_file(buf_span(&file)), WB_ERR_BAD_MAC);
    secret.file_sha256[0] ^= 1;
    secret.key[0] ^= 1;
    assert_int_equal(open_file(buf_span(&file)), WB_ERR_BAD_MAC);
    secret.key[0] ^= 1;
    assert_int_equal(open_file(span_first(buf_span(&file), MEDIA_MAC_BYTES)), WB_ERR_TRUNCATED);
    assert_int_equal(open_file(SPAN_NULL), WB_ERR_TRUNCATED);
}

/* ServerErrorReceipt{1 stanzaID}, bound to the message's id. */
static void the_phone_reads_which_file_is_missing(void **state)
{
    uint8_t key[AES_KEY_BYTES], iv[GCM_IV_BYTES];
    struct buf sealed = buf_new(256), plain = buf_new(256);
    struct rng_seeded state_of;
    const struct rng rng = rng_from_seed(&state_of, secret.key);

    (void)state;
    assert_int_equal(media_seal_missing(secret.key, SPAN_LIT("3EB0AA"), &rng, iv, &sealed), WB_OK);
    hkdf_sha256(SPAN_ARRAY(secret.key), SPAN_NULL, SPAN_LIT("WhatsApp Media Retry Notification"),
                key, sizeof key);
    assert_int_equal(aes_gcm_open(key, iv, SPAN_LIT("3EB0AB"), buf_span(&sealed), &plain),
                     WB_ERR_BAD_MAC);
    assert_int_equal(aes_gcm_open(key, iv, SPAN_LIT("3EB0AA"), buf_span(&sealed), &plain), WB_OK);
    assert_int_equal(plain.n, 8);
    assert_memory_equal(plain.p,
                        "\x0a\x06"
                        "3EB0AA",
                        8);
    buf_free(&sealed);
    buf_free(&plain);
}

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(the_file_is_opened),
        SCENARIO(an_altered_file_is_refused),
        SCENARIO(another_plaintext_or_key_is_refused),
        SCENARIO(the_phone_reads_which_file_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
