/* p256.h - ECDSA with P-256 and SHA-256, as authenticators sign (WebAuthn's algorithm -7). */
#ifndef MOCK_CORE_P256_H
#define MOCK_CORE_P256_H

#include "base/span.h"

enum { P256_POINT_BYTES = 65 /* 04, x, y */ };

/* Whether the bytes are a point of the curve. */
bool p256_key_valid(struct span point);
/* Checks a signature. sig is DER. False also for a bad key. */
bool p256_verify(const uint8_t point[static P256_POINT_BYTES], struct span message,
                 struct span sig);

#endif
