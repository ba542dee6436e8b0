#include "crypto/media_crypt.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/prim_cbc.h"
#include "proto/wire_field.h"

struct media_keys {
    uint8_t iv[AES_BLOCK_BYTES];
    uint8_t cipher[AES_KEY_BYTES];
    uint8_t mac[SHA256_BYTES];
    uint8_t ref[32]; /* nobody uses these bytes */
};

static bool is_hash(struct span in, const uint8_t want[static SHA256_BYTES])
{
    uint8_t hash[SHA256_BYTES];

    sha256(in, hash);
    return secret_eq(hash, want, sizeof hash);
}

enum wb_err media_open(const struct media_secret *s, struct span file, struct buf *plain)
{
    uint8_t mac[SHA256_BYTES];
    struct media_keys k;
    size_t start = plain->n;
    enum wb_err err = WB_OK;

    if (file.n <= MEDIA_MAC_BYTES)
        return WB_ERR_TRUNCATED;
    if (!is_hash(file, s->file_enc_sha256))
        return WB_ERR_BAD_MAC;
    _Static_assert(sizeof k == 112, "P-MD-01");
    hkdf_sha256(SPAN_ARRAY(s->key), SPAN_NULL, span_cstr(s->info), (uint8_t *)&k, sizeof k);
    const struct span ciphertext = span_first(file, file.n - MEDIA_MAC_BYTES);
    const struct span parts[] = {SPAN_ARRAY(k.iv), ciphertext};
    hmac_sha256_v(SPAN_ARRAY(k.mac), parts, 2, mac);
    if (!secret_eq(mac, file.p + ciphertext.n, MEDIA_MAC_BYTES)) {
        err = WB_ERR_BAD_MAC;
        goto out;
    }
    TRY(cbc_decrypt(k.cipher, k.iv, ciphertext, plain));
    if (!is_hash(span_skip(buf_span(plain), start), s->file_sha256))
        err = WB_ERR_BAD_MAC;
out:
    secret_wipe(&k, sizeof k);
    return err;
}

enum wb_err media_seal_missing(const uint8_t key[static MEDIA_KEY_BYTES], struct span message_id,
                               const struct rng *rng, uint8_t ret_iv[static GCM_IV_BYTES],
                               struct buf *out)
{
    uint8_t cipher[AES_KEY_BYTES], iv[GCM_IV_BYTES];
    struct buf receipt = buf_new(message_id.n + 16);
    enum wb_err err;

    rng_fill(rng, iv, sizeof iv);
    hkdf_sha256(SPAN(key, MEDIA_KEY_BYTES), SPAN_NULL,
                SPAN_LIT("WhatsApp Media Retry Notification"), cipher, sizeof cipher);
    wire_put_bytes(&receipt, 1, message_id); /* stanzaID */
    TRY(buf_err(&receipt));
    TRY(aes_gcm_seal(cipher, iv, message_id, buf_span(&receipt), out));
    memcpy(ret_iv, iv, sizeof iv);
out:
    secret_wipe(cipher, sizeof cipher);
    buf_free(&receipt);
    return err;
}
