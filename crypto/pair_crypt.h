/* pair_crypt.h - the cryptography of pairing: ADV identities (P-PR-08..13), the 8-character link
 * code (P-PR-18..24), key material of a new device (P-HS-22, P-HS-26). Both sides of it: wa-mock
 * plays the phone. */
#ifndef CRYPTO_PAIR_CRYPT_H
#define CRYPTO_PAIR_CRYPT_H

#include "base/buf.h"
#include "base/rng.h"
#include "crypto/prim_x25519.h"
#include "crypto/prim_xeddsa.h"

enum {
    ADV_SECRET_BYTES = 32,
    LINK_CODE_CHARS = 8,
    LINK_CODE_RANDOM_BYTES = 5,
    LINK_CODE_SALT_BYTES = 32,
    LINK_CODE_WRAPPED_KEY_BYTES = 80,
    LINK_CODE_ROUNDS = 131072,
    LINK_CODE_BUNDLE_BYTES = 156, /* salt 32, nonce 12, 3 x 32 sealed, tag 16 */
};

/* All keys made before pairing; they become the device row. Wipe with secret_wipe(). */
struct device_keys {
    struct x25519_pair noise;
    struct x25519_pair identity;
    struct x25519_pair signed_prekey;
    uint32_t signed_prekey_id; /* 1 */
    uint8_t signed_prekey_sig[XEDDSA_SIG_BYTES];
    uint32_t registration_id;
    uint8_t adv_secret[ADV_SECRET_BYTES];
};
/* Draws the keys (P-HS-26); the signature is over 05 || signed prekey (P-HS-22). */
enum wb_err device_keys_generate(const struct rng *rng, struct device_keys *ret_k) WB_MUST_CHECK;

/* HMAC over [06 05 if hosted] || details (P-PR-08). BAD_MAC. */
enum wb_err adv_check_hmac(const uint8_t adv_secret[static ADV_SECRET_BYTES], struct span details,
                           bool hosted, struct span hmac) WB_MUST_CHECK;
void adv_make_hmac(const uint8_t adv_secret[static ADV_SECRET_BYTES], struct span details,
                   bool hosted, uint8_t out[static 32]);
/* The account's signature over our identity (P-PR-10): 06 00 (06 05 if hosted) || details ||
 * device identity. BAD_SIGNATURE (also for a size other than 64), BAD_KEY. */
enum wb_err adv_check_account_signature(const uint8_t account_key[static X25519_KEY_BYTES],
                                        struct span details, bool hosted,
                                        const uint8_t device_identity[static X25519_KEY_BYTES],
                                        struct span sig) WB_MUST_CHECK;
enum wb_err adv_make_account_signature(const struct x25519_pair *account, struct span details,
                                       bool hosted,
                                       const uint8_t device_identity[static X25519_KEY_BYTES],
                                       const struct rng *rng,
                                       uint8_t ret_sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;
/* Our counter-signature (P-PR-11): 06 01 || details || device identity || account key. */
enum wb_err adv_make_device_signature(const struct x25519_pair *identity, struct span details,
                                      const uint8_t account_key[static X25519_KEY_BYTES],
                                      const struct rng *rng,
                                      uint8_t ret_sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;
enum wb_err adv_check_device_signature(const uint8_t device_identity[static X25519_KEY_BYTES],
                                       struct span details,
                                       const uint8_t account_key[static X25519_KEY_BYTES],
                                       struct span sig) WB_MUST_CHECK;

/* Checks the counter-signature of another person's companion device (P-RC-14, P-US-07): of a hosted
 * one with 06 06 in front or, if whatsmeow made it, 06 01. */
enum wb_err adv_check_companion_signature(const uint8_t device_identity[static X25519_KEY_BYTES],
                                          struct span details, bool hosted,
                                          const uint8_t account_key[static X25519_KEY_BYTES],
                                          struct span sig) WB_MUST_CHECK;
/* An account's signature over its list of key indexes: 06 02 || details. BAD_SIGNATURE, BAD_KEY. */
enum wb_err adv_check_key_list_signature(const uint8_t account_key[static X25519_KEY_BYTES],
                                         struct span details, struct span sig) WB_MUST_CHECK;

/* ---- link code ---- */

/* 5 random bytes -> 8 characters of the alphabet of P-PR-18, NUL-terminated. */
void link_code_text(const uint8_t random[static LINK_CODE_RANDOM_BYTES],
                    char out[static LINK_CODE_CHARS + 1]);
/* salt || IV || AES-CTR of an ephemeral public key under the code (P-PR-20). INVALID when the code
 * has not 8 characters. Takes some 50 ms, by design of PBKDF2. */
enum wb_err
link_code_wrap_key(const char *code, const uint8_t pub[static X25519_KEY_BYTES],
                   const struct rng *rng,
                   uint8_t ret_wrapped[static LINK_CODE_WRAPPED_KEY_BYTES]) WB_MUST_CHECK;
/* MALFORMED under 80 bytes; bytes after those are ignored (P-PR-21). A wrong code cannot be seen
 * here: it gives a wrong key, and the finish fails on the other side. */
enum wb_err link_code_unwrap_key(const char *code, struct span wrapped,
                                 uint8_t ret_pub[static X25519_KEY_BYTES]) WB_MUST_CHECK;
/* Companion side of the finish (P-PR-22, P-PR-23): appends the wrapped bundle (salt || nonce ||
 * ciphertext) and gives the new ADV secret. BAD_KEY: a small-order point. */
enum wb_err
link_code_finish_companion(const struct x25519_pair *ephemeral, const struct x25519_pair *identity,
                           const uint8_t phone_ephemeral[static X25519_KEY_BYTES],
                           const uint8_t phone_identity[static X25519_KEY_BYTES],
                           const struct rng *rng, struct buf *wrapped_bundle,
                           uint8_t ret_adv_secret[static ADV_SECRET_BYTES]) WB_MUST_CHECK;
/* The phone's side of the finish: opens the bundle, checks both identities, derives the secret.
 * MALFORMED: not 156 bytes. BAD_MAC: a wrong code, or altered bytes. UNTRUSTED_IDENTITY: the bundle
 * names other identities than the stanza. */
enum wb_err link_code_finish_phone(const struct x25519_pair *ephemeral,
                                   const struct x25519_pair *identity,
                                   const uint8_t companion_ephemeral[static X25519_KEY_BYTES],
                                   const uint8_t companion_identity[static X25519_KEY_BYTES],
                                   struct span wrapped_bundle,
                                   uint8_t ret_adv_secret[static ADV_SECRET_BYTES]) WB_MUST_CHECK;

#endif
