/* prim_fe25519.h - just enough of GF(2^255 - 19) to turn a Montgomery u into an Edwards y. For
 * public keys only: the result is not secret, though the code has no secret-dependent branches. */
#ifndef CRYPTO_PRIM_FE25519_H
#define CRYPTO_PRIM_FE25519_H

#include <stdbool.h>
#include <stdint.h>

enum { FE25519_BYTES = 32 };

/* y = (u - 1) / (u + 1) (XEdDSA paper, section 2.3), both little-endian; bit 255 of u is ignored,
 * bit 255 of y is 0. false when u = -1, which is no point's coordinate; y is then untouched. */
bool fe25519_u_to_y(const uint8_t u[static FE25519_BYTES], uint8_t ret_y[static FE25519_BYTES]);

#endif
