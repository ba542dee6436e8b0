/* passkey_crypt.h - the cryptography of the passkey step of pairing (P-PR-30..35). The formulas are
 * the same on both sides: wa-mock plays the phone. */
#ifndef CRYPTO_PASSKEY_CRYPT_H
#define CRYPTO_PASSKEY_CRYPT_H

#include "base/buf.h"
#include "crypto/pair_crypt.h"

enum {
    PASSKEY_NONCE_BYTES = 32,
    PASSKEY_HASH_BYTES = 32,
    PASSKEY_KEY_BYTES = 32,
};

/* Key of the proof that we are the companion whose QR was scanned or whose code was typed: only
 * that companion and the phone know the ADV secret (P-PR-30). */
void passkey_handoff_key(const uint8_t adv_secret[static ADV_SECRET_BYTES],
                         uint8_t out[static PASSKEY_KEY_BYTES]);
/* HMAC-SHA256(handoff key, prologue) (P-PR-32). */
void passkey_handoff_proof(const uint8_t key[static PASSKEY_KEY_BYTES], struct span prologue,
                           uint8_t out[static PASSKEY_HASH_BYTES]);
/* SHA256(identity || nonce) (P-PR-31). */
void passkey_commitment(struct span identity, const uint8_t nonce[static PASSKEY_NONCE_BYTES],
                        uint8_t out[static PASSKEY_HASH_BYTES]);
/* Key of the pairing request (P-PR-34); own and theirs are the two ephemerals, seen from either
 * side. ref: text of at most PASSKEY_REF_MAX (crypto/limits.h) characters. BAD_KEY: a small-order
 * point. TOO_LARGE: the ref is longer. */
enum wb_err passkey_request_key(const struct x25519_pair *own,
                                const uint8_t theirs[static X25519_KEY_BYTES], uint32_t device_type,
                                const char *ref,
                                uint8_t ret_key[static PASSKEY_KEY_BYTES]) WB_MUST_CHECK;
/* The eight characters that companion and phone both show (P-PR-34), NUL-terminated. */
void passkey_code(const uint8_t companion_nonce[static PASSKEY_NONCE_BYTES],
                  const uint8_t phone_pub[static X25519_KEY_BYTES],
                  const uint8_t phone_nonce[static PASSKEY_NONCE_BYTES],
                  char out[static LINK_CODE_CHARS + 1]);

#endif
