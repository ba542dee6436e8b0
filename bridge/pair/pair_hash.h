/* pair_hash.h - encrypts and decrypts ephemeral keys with the link code (P-PR-20, P-PR-22) on a
 * worker: 131,072 rounds of PBKDF2 take a processor some 50 ms, during which the loop would answer
 * nobody. */
#ifndef BRIDGE_PAIR_PAIR_HASH_H
#define BRIDGE_PAIR_PAIR_HASH_H

#include "bridge/core/context.h"
#include "crypto/pair_crypt.h"

/* Called on the loop. attempt is the caller's; err INVALID: the code has the wrong length. */
typedef void pair_wrapped_fn(struct bridge *b, uint64_t attempt, enum wb_err err,
                             const uint8_t wrapped[static LINK_CODE_WRAPPED_KEY_BYTES]);
typedef void pair_unwrapped_fn(struct bridge *b, uint64_t attempt, enum wb_err err,
                               const uint8_t pub[static X25519_KEY_BYTES],
                               const uint8_t identity[static X25519_KEY_BYTES]);

/* Encrypts our ephemeral key with the code. Copies its arguments. NOMEM; TOO_LARGE: the workers
 * have too much to do. After an error the callback is not called. */
enum wb_err pair_hash_wrap(struct bridge *b, uint64_t attempt, const char *code,
                           const uint8_t pub[static X25519_KEY_BYTES],
                           pair_wrapped_fn *done) WB_MUST_CHECK;
/* Decrypts the phone's ephemeral key; the phone's identity is handed on unchanged. */
enum wb_err pair_hash_unwrap(struct bridge *b, uint64_t attempt, const char *code,
                             const uint8_t wrapped[static LINK_CODE_WRAPPED_KEY_BYTES],
                             const uint8_t identity[static X25519_KEY_BYTES],
                             pair_unwrapped_fn *done) WB_MUST_CHECK;

#endif
