/* prim_x25519.h - Curve25519 key pairs and agreement (RFC 7748). */
#ifndef CRYPTO_PRIM_X25519_H
#define CRYPTO_PRIM_X25519_H

#include "base/err.h"
#include "base/rng.h"

enum { X25519_KEY_BYTES = 32, DJB_KEY_BYTES = 33, DJB_TYPE = 0x05 };

struct x25519_pair {
    uint8_t priv[X25519_KEY_BYTES]; /* clamped */
    uint8_t pub[X25519_KEY_BYTES];
};

void x25519_generate(const struct rng *rng, struct x25519_pair *ret_pair);
/* Computes pub from priv (clamping a copy as RFC 7748 says; priv is stored as given). */
void x25519_from_private(const uint8_t priv[static X25519_KEY_BYTES], struct x25519_pair *ret_pair);
/* BAD_KEY when the result is all zero (a small-order point). */
enum wb_err x25519_agree(const uint8_t priv[static X25519_KEY_BYTES],
                         const uint8_t pub[static X25519_KEY_BYTES],
                         uint8_t ret_shared[static X25519_KEY_BYTES]) WB_MUST_CHECK;

/* 05 || 32 bytes, the form inside Signal protobufs (P-SG-01). */
void djb_encode(const uint8_t pub[static X25519_KEY_BYTES], uint8_t out[static DJB_KEY_BYTES]);

#endif
