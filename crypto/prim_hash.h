/* prim_hash.h - SHA-256/512, MD5 (build hash only), HMAC, HKDF (RFC 5869), PBKDF2. */
#ifndef CRYPTO_PRIM_HASH_H
#define CRYPTO_PRIM_HASH_H

#include "base/err.h"
#include "base/span.h"

enum { SHA256_BYTES = 32, SHA512_BYTES = 64, MD5_BYTES = 16, HKDF_OUT_MAX = 255 * 32 };

/* The concatenation of n spans, without copying them together. */
void sha256_v(const struct span *parts, size_t n, uint8_t out[static SHA256_BYTES]);
void sha256(struct span in, uint8_t out[static SHA256_BYTES]);
void sha512_v(const struct span *parts, size_t n, uint8_t out[static SHA512_BYTES]);
void md5(struct span in, uint8_t out[static MD5_BYTES]);
void hmac_sha256_v(struct span key, const struct span *parts, size_t n,
                   uint8_t out[static SHA256_BYTES]);
void hmac_sha256(struct span key, struct span in, uint8_t out[static SHA256_BYTES]);
void hmac_sha512_v(struct span key, const struct span *parts, size_t n,
                   uint8_t out[static SHA512_BYTES]);
/* salt SPAN_NULL = 32 zero bytes. out_n <= HKDF_OUT_MAX (asserted). */
void hkdf_sha256(struct span ikm, struct span salt, struct span info, uint8_t *out, size_t out_n);
enum wb_err pbkdf2_sha256(struct span password, struct span salt, uint32_t rounds, uint8_t *out,
                          size_t out_n) WB_MUST_CHECK;

#endif
