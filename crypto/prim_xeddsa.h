/* prim_xeddsa.h - XEdDSA signatures with Curve25519 keys (P-SG-02, P-SG-03). */
#ifndef CRYPTO_PRIM_XEDDSA_H
#define CRYPTO_PRIM_XEDDSA_H

#include "base/rng.h"
#include "base/span.h"
#include "crypto/prim_x25519.h"

enum { XEDDSA_SIG_BYTES = 64 };

/* Signs the concatenation of parts. priv is an X25519 private key (clamped here, as X25519 itself
 * does); 64 bytes of rng make every signature different. BAD_KEY for an unusable private key (its
 * public point is the neutral one). */
enum wb_err xeddsa_sign_v(const uint8_t priv[static X25519_KEY_BYTES], const struct span *parts,
                          size_t n, const struct rng *rng,
                          uint8_t ret_sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;
enum wb_err xeddsa_sign(const uint8_t priv[static X25519_KEY_BYTES], struct span message,
                        const struct rng *rng,
                        uint8_t ret_sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;

/* The message is the concatenation of parts. BAD_SIGNATURE, or BAD_KEY for an unusable key. */
enum wb_err xeddsa_verify_v(const uint8_t pub[static X25519_KEY_BYTES], const struct span *parts,
                            size_t n, const uint8_t sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;
enum wb_err xeddsa_verify(const uint8_t pub[static X25519_KEY_BYTES], struct span message,
                          const uint8_t sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;

/* A key that verifies many signatures (a sender key): its Edwards y is computed once. The sign bit
 * is not part of the key; each signature carries it. */
struct xeddsa_public_key {
    uint8_t y[X25519_KEY_BYTES];
};
enum wb_err xeddsa_key_prepare(const uint8_t pub[static X25519_KEY_BYTES],
                               struct xeddsa_public_key *ret_key) WB_MUST_CHECK;
enum wb_err xeddsa_verify_prepared(const struct xeddsa_public_key *key, const struct span *parts,
                                   size_t n,
                                   const uint8_t sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;

#endif
