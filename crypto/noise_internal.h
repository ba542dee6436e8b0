/* noise_internal.h - SymmetricState (Noise paper, section 5.2), for noise_*.c and its tests. */
#ifndef CRYPTO_NOISE_INTERNAL_H
#define CRYPTO_NOISE_INTERNAL_H

#include "crypto/noise.h"

enum { NOISE_NAME_BYTES = 32 };

/* h = ck = name, no key; then h = SHA256(h || prologue). The name of XX is 28 characters and 4 zero
 * bytes, exactly a hash's size, so it is not hashed (P-HS-01). */
void noise_symmetric_init(struct noise_symmetric_state *s, struct span prologue);
void noise_symmetric_free(struct noise_symmetric_state *s); /* wipes */
/* h = SHA256(h || data). */
void noise_symmetric_mix_hash(struct noise_symmetric_state *s, struct span data);
/* Derives a new ck and the cipher's key from a shared secret; the counter restarts (P-HS-03).
 * NOMEM. */
enum wb_err noise_symmetric_mix_key(struct noise_symmetric_state *s,
                                    const uint8_t secret[static X25519_KEY_BYTES]) WB_MUST_CHECK;
/* AEAD with h as associated data, then the ciphertext is mixed into h (P-HS-04). Both append to
 * out. */
enum wb_err noise_symmetric_encrypt(struct noise_symmetric_state *s, struct span in,
                                    struct buf *out) WB_MUST_CHECK;
enum wb_err noise_symmetric_decrypt(struct noise_symmetric_state *s, struct span in,
                                    struct buf *out) WB_MUST_CHECK;
/* The two transport keys, initiator-to-responder first (P-HS-11). */
void noise_symmetric_split(const struct noise_symmetric_state *s,
                           uint8_t out_first[static AES_KEY_BYTES],
                           uint8_t out_second[static AES_KEY_BYTES]);

#endif
