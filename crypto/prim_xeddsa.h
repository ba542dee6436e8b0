/* prim_xeddsa.h - XEdDSA signatures with Curve25519 keys (P-SG-02, P-SG-03). */
#ifndef CRYPTO_PRIM_XEDDSA_H
#define CRYPTO_PRIM_XEDDSA_H

#include "base/rng.h"
#include "base/span.h"
#include "crypto/prim_x25519.h"

enum { XEDDSA_SIG_BYTES = 64 };

enum wb_err xeddsa_sign(const uint8_t priv[static X25519_KEY_BYTES], struct span message,
                        const struct rng *rng,
                        uint8_t ret_sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;
/* The message is the concatenation of parts. BAD_SIGNATURE, or BAD_KEY for an unusable key. */
enum wb_err xeddsa_verify_v(const uint8_t pub[static X25519_KEY_BYTES], const struct span *parts,
                            size_t n, const uint8_t sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;
enum wb_err xeddsa_verify(const uint8_t pub[static X25519_KEY_BYTES], struct span message,
                          const uint8_t sig[static XEDDSA_SIG_BYTES]) WB_MUST_CHECK;

#endif
