/* Pairing by an 8-character code: each side sends an ephemeral key encrypted under the code, then
 * the companion sends its identity sealed to the ephemeral secret, and both derive the ADV
 * secret. */
#include "base/secret.h"
#include "crypto/pair_crypt.h"
#include "crypto/prim_aead.h"
#include "crypto/prim_hash.h"

enum {
    BUNDLE_RANDOM_BYTES = 32,
    BUNDLE_PLAIN_BYTES = 2 * X25519_KEY_BYTES + BUNDLE_RANDOM_BYTES,
    SECRET_INPUT_BYTES = 2 * X25519_KEY_BYTES + BUNDLE_RANDOM_BYTES,
};

_Static_assert((int)LINK_CODE_WRAPPED_KEY_BYTES ==
                   LINK_CODE_SALT_BYTES + (int)AES_BLOCK_BYTES + (int)X25519_KEY_BYTES,
               "wrapped key");
_Static_assert((int)LINK_CODE_BUNDLE_BYTES == LINK_CODE_SALT_BYTES + (int)GCM_IV_BYTES +
                                                  (int)BUNDLE_PLAIN_BYTES + (int)GCM_TAG_BYTES,
               "wrapped bundle");
_Static_assert(LINK_CODE_CHARS * 5 == LINK_CODE_RANDOM_BYTES * 8, "base32 without padding");

void link_code_text(const uint8_t random[static LINK_CODE_RANDOM_BYTES],
                    char out[static LINK_CODE_CHARS + 1])
{
    /* Without 0, I, O and U, which are misread. */
    static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTVWXYZ";
    uint64_t bits = 0;

    for (size_t i = 0; i < LINK_CODE_RANDOM_BYTES; i++)
        bits = bits << 8 | random[i];
    for (unsigned i = 0; i < LINK_CODE_CHARS; i++)
        out[i] = alphabet[bits >> (5 * (LINK_CODE_CHARS - 1 - i)) & 31];
    out[LINK_CODE_CHARS] = 0;
}

/* One function for both directions: encrypting and decrypting are the same in CTR mode. */
static enum wb_err crypt_key(const char *code, const uint8_t salt[static LINK_CODE_SALT_BYTES],
                             const uint8_t iv[static AES_BLOCK_BYTES],
                             const uint8_t in[static X25519_KEY_BYTES],
                             uint8_t ret_out[static X25519_KEY_BYTES])
{
    uint8_t key[AES_KEY_BYTES];
    enum wb_err err = WB_ERR_INVALID;

    if (strlen(code) != LINK_CODE_CHARS)
        goto out;
    TRY(pbkdf2_sha256(span_cstr(code), SPAN(salt, LINK_CODE_SALT_BYTES), LINK_CODE_ROUNDS, key,
                      sizeof key));
    TRY(aes_ctr(key, iv, SPAN(in, X25519_KEY_BYTES), ret_out));
out:
    secret_wipe(key, sizeof key);
    return err;
}

enum wb_err link_code_wrap_key(const char *code, const uint8_t pub[static X25519_KEY_BYTES],
                               const struct rng *rng,
                               uint8_t ret_wrapped[static LINK_CODE_WRAPPED_KEY_BYTES])
{
    uint8_t wrapped[LINK_CODE_WRAPPED_KEY_BYTES], *salt = wrapped;
    uint8_t *iv = salt + LINK_CODE_SALT_BYTES, *hidden = iv + AES_BLOCK_BYTES;
    enum wb_err err;

    rng_fill(rng, salt, LINK_CODE_SALT_BYTES);
    rng_fill(rng, iv, AES_BLOCK_BYTES);
    TRY(crypt_key(code, salt, iv, pub, hidden));
    memcpy(ret_wrapped, wrapped, sizeof wrapped);
out:
    return err;
}

enum wb_err link_code_unwrap_key(const char *code, struct span wrapped,
                                 uint8_t ret_pub[static X25519_KEY_BYTES])
{
    const uint8_t *salt = wrapped.p;

    if (wrapped.n < LINK_CODE_WRAPPED_KEY_BYTES)
        return WB_ERR_MALFORMED;
    return crypt_key(code, salt, salt + LINK_CODE_SALT_BYTES,
                     salt + LINK_CODE_SALT_BYTES + AES_BLOCK_BYTES, ret_pub);
}

static void bundle_key(const uint8_t s1[static X25519_KEY_BYTES],
                       const uint8_t salt[static LINK_CODE_SALT_BYTES],
                       uint8_t out[static AES_KEY_BYTES])
{
    hkdf_sha256(SPAN(s1, X25519_KEY_BYTES), SPAN(salt, LINK_CODE_SALT_BYTES),
                SPAN_LIT("link_code_pairing_key_bundle_encryption_key"), out, AES_KEY_BYTES);
}

static void derive_adv_secret(const uint8_t s1[static X25519_KEY_BYTES],
                              const uint8_t s2[static X25519_KEY_BYTES],
                              const uint8_t random[static BUNDLE_RANDOM_BYTES],
                              uint8_t out[static ADV_SECRET_BYTES])
{
    uint8_t ikm[SECRET_INPUT_BYTES];

    memcpy(ikm, s1, X25519_KEY_BYTES);
    memcpy(ikm + X25519_KEY_BYTES, s2, X25519_KEY_BYTES);
    memcpy(ikm + 2 * X25519_KEY_BYTES, random, BUNDLE_RANDOM_BYTES);
    hkdf_sha256(SPAN_ARRAY(ikm), SPAN_NULL, SPAN_LIT("adv_secret"), out, ADV_SECRET_BYTES);
    secret_wipe(ikm, sizeof ikm);
}

enum wb_err link_code_finish_companion(const struct x25519_pair *ephemeral,
                                       const struct x25519_pair *identity,
                                       const uint8_t phone_ephemeral[static X25519_KEY_BYTES],
                                       const uint8_t phone_identity[static X25519_KEY_BYTES],
                                       const struct rng *rng, struct buf *wrapped_bundle,
                                       uint8_t ret_adv_secret[static ADV_SECRET_BYTES])
{
    uint8_t s1[X25519_KEY_BYTES], s2[X25519_KEY_BYTES], key[AES_KEY_BYTES];
    uint8_t salt[LINK_CODE_SALT_BYTES], nonce[GCM_IV_BYTES], plain[BUNDLE_PLAIN_BYTES];
    uint8_t *random = plain + 2 * X25519_KEY_BYTES;
    size_t before = wrapped_bundle->n;
    enum wb_err err;

    rng_fill(rng, random, BUNDLE_RANDOM_BYTES);
    rng_fill(rng, salt, sizeof salt);
    rng_fill(rng, nonce, sizeof nonce);
    TRY(x25519_agree(ephemeral->priv, phone_ephemeral, s1));
    TRY(x25519_agree(identity->priv, phone_identity, s2));
    memcpy(plain, identity->pub, X25519_KEY_BYTES);
    memcpy(plain + X25519_KEY_BYTES, phone_identity, X25519_KEY_BYTES);
    bundle_key(s1, salt, key);
    buf_append(wrapped_bundle, SPAN_ARRAY(salt));
    buf_append(wrapped_bundle, SPAN_ARRAY(nonce));
    TRY(aes_gcm_seal(key, nonce, SPAN_NULL, SPAN_ARRAY(plain), wrapped_bundle));
    derive_adv_secret(s1, s2, random, ret_adv_secret);
out:
    if (err != WB_OK)
        wrapped_bundle->n = before;
    secret_wipe(s1, sizeof s1);
    secret_wipe(s2, sizeof s2);
    secret_wipe(key, sizeof key);
    secret_wipe(plain, sizeof plain);
    return err;
}

enum wb_err link_code_finish_phone(const struct x25519_pair *ephemeral,
                                   const struct x25519_pair *identity,
                                   const uint8_t companion_ephemeral[static X25519_KEY_BYTES],
                                   const uint8_t companion_identity[static X25519_KEY_BYTES],
                                   struct span wrapped_bundle,
                                   uint8_t ret_adv_secret[static ADV_SECRET_BYTES])
{
    uint8_t s1[X25519_KEY_BYTES], s2[X25519_KEY_BYTES], key[AES_KEY_BYTES];
    struct buf plain = buf_new(BUNDLE_PLAIN_BYTES);
    const uint8_t *salt = wrapped_bundle.p;
    enum wb_err err;

    if (wrapped_bundle.n != LINK_CODE_BUNDLE_BYTES)
        return WB_ERR_MALFORMED;
    TRY(x25519_agree(ephemeral->priv, companion_ephemeral, s1));
    TRY(x25519_agree(identity->priv, companion_identity, s2));
    bundle_key(s1, salt, key);
    TRY(aes_gcm_open(key, salt + LINK_CODE_SALT_BYTES, SPAN_NULL,
                     span_skip(wrapped_bundle, LINK_CODE_SALT_BYTES + GCM_IV_BYTES), &plain));
    if (!secret_eq(plain.p, companion_identity, X25519_KEY_BYTES) ||
        !secret_eq(plain.p + X25519_KEY_BYTES, identity->pub, X25519_KEY_BYTES)) {
        err = WB_ERR_UNTRUSTED_IDENTITY;
        goto out;
    }
    derive_adv_secret(s1, s2, plain.p + 2 * X25519_KEY_BYTES, ret_adv_secret);
out:
    buf_free(&plain);
    secret_wipe(s1, sizeof s1);
    secret_wipe(s2, sizeof s2);
    secret_wipe(key, sizeof key);
    return err;
}
