#include "crypto/passkey_crypt.h"

#include <stdio.h>

#include "base/secret.h"
#include "crypto/limits.h"
#include "crypto/prim_hash.h"

void passkey_handoff_key(const uint8_t adv_secret[static ADV_SECRET_BYTES],
                         uint8_t out[static PASSKEY_KEY_BYTES])
{
    hkdf_sha256(SPAN(adv_secret, ADV_SECRET_BYTES), SPAN_NULL,
                SPAN_LIT("shortcake-passkey-handoff-v1"), out, PASSKEY_KEY_BYTES);
}

void passkey_handoff_proof(const uint8_t key[static PASSKEY_KEY_BYTES], struct span prologue,
                           uint8_t out[static PASSKEY_HASH_BYTES])
{
    hmac_sha256(SPAN(key, PASSKEY_KEY_BYTES), prologue, out);
}

void passkey_commitment(struct span identity, const uint8_t nonce[static PASSKEY_NONCE_BYTES],
                        uint8_t out[static PASSKEY_HASH_BYTES])
{
    const struct span parts[] = {identity, SPAN(nonce, PASSKEY_NONCE_BYTES)};

    sha256_v(parts, 2, out);
}

enum wb_err passkey_request_key(const struct x25519_pair *own,
                                const uint8_t theirs[static X25519_KEY_BYTES], uint32_t device_type,
                                const char *ref, uint8_t ret_key[static PASSKEY_KEY_BYTES])
{
    uint8_t shared[X25519_KEY_BYTES];
    char salt[PASSKEY_REF_MAX + 64];
    enum wb_err err = WB_ERR_TOO_LARGE;

    if (strlen(ref) > PASSKEY_REF_MAX)
        goto out;
    TRY(x25519_agree(own->priv, theirs, shared));
    snprintf(salt, sizeof salt, "Companion Pairing %u with ref %s", (unsigned)device_type, ref);
    hkdf_sha256(SPAN_ARRAY(shared), span_cstr(salt), SPAN_LIT("Pairing Information Encryption Key"),
                ret_key, PASSKEY_KEY_BYTES);
out:
    secret_wipe(shared, sizeof shared);
    return err;
}

void passkey_code(const uint8_t companion_nonce[static PASSKEY_NONCE_BYTES],
                  const uint8_t phone_pub[static X25519_KEY_BYTES],
                  const uint8_t phone_nonce[static PASSKEY_NONCE_BYTES],
                  char out[static LINK_CODE_CHARS + 1])
{
    const struct span parts[] = {SPAN(companion_nonce, PASSKEY_NONCE_BYTES),
                                 SPAN(phone_pub, X25519_KEY_BYTES)};
    uint8_t hash[SHA256_BYTES], bits[LINK_CODE_RANDOM_BYTES];

    sha256_v(parts, 2, hash);
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = phone_nonce[i] ^ hash[i];
    link_code_text(bits, out);
}
