/* pair_hash.h - what the link code hides (P-PR-20, P-PR-22), computed by a worker: 131,072 rounds
 * of PBKDF2 are some 50 ms of a processor, for which the loop would hear nobody. */
#ifndef BRIDGE_PAIR_PAIR_HASH_H
#define BRIDGE_PAIR_PAIR_HASH_H

#include "bridge/core/context.h"
#include "crypto/pair_crypt.h"

/* On the loop. attempt is the one that was given; err INVALID when the code has not its length. */
typedef void pair_wrapped_fn(struct bridge *b, uint64_t attempt, enum wb_err err,
                             const uint8_t wrapped[static LINK_CODE_WRAPPED_KEY_BYTES]);
typedef void pair_unwrapped_fn(struct bridge *b, uint64_t attempt, enum wb_err err,
                               const uint8_t pub[static X25519_KEY_BYTES],
                               const uint8_t identity[static X25519_KEY_BYTES]);

/* Our ephemeral key under the code. Copies what it needs. NOMEM; TOO_LARGE: the workers have too
 * much to do. After an error nothing is called. */
enum wb_err pair_hash_wrap(struct bridge *b, uint64_t attempt, const char *code,
                           const uint8_t pub[static X25519_KEY_BYTES],
                           pair_wrapped_fn *done) WB_MUST_CHECK;
/* The phone's; its identity is handed on as it is. */
enum wb_err pair_hash_unwrap(struct bridge *b, uint64_t attempt, const char *code,
                             const uint8_t wrapped[static LINK_CODE_WRAPPED_KEY_BYTES],
                             const uint8_t identity[static X25519_KEY_BYTES],
                             pair_unwrapped_fn *done) WB_MUST_CHECK;

#endif
