/* prim_hash.h - SHA-256/512, MD5 (build hash only), HMAC, HKDF (RFC 5869), PBKDF2. */
#ifndef CRYPTO_PRIM_HASH_H
#define CRYPTO_PRIM_HASH_H

#include "base/err.h"
#include "base/span.h"

enum { SHA256_BYTES = 32, SHA512_BYTES = 64, MD5_BYTES = 16, HKDF_OUT_MAX = 255 * 32 };

/* Hashes the concatenation of n spans, without copying them together. */
void sha256_v(const struct span *parts, size_t n, uint8_t out[static SHA256_BYTES]);
void sha256(struct span in, uint8_t out[static SHA256_BYTES]);
/* BUG where OpenSSL is configured without MD5 (FIPS). */
enum wb_err md5(struct span in, uint8_t ret_out[static MD5_BYTES]) WB_MUST_CHECK;
void hmac_sha256_v(struct span key, const struct span *parts, size_t n,
                   uint8_t out[static SHA256_BYTES]);
void hmac_sha256(struct span key, struct span in, uint8_t out[static SHA256_BYTES]);
void hmac_sha512_v(struct span key, const struct span *parts, size_t n,
                   uint8_t out[static SHA512_BYTES]);

/* HMAC in pieces, for files: begin, any number of adds, end once (it wipes the stream). */
struct sha256_stream {
    uint64_t opaque[14];
};
void sha256_begin(struct sha256_stream *s);
void sha256_add(struct sha256_stream *s, struct span in);
void sha256_end(struct sha256_stream *s, uint8_t out[static SHA256_BYTES]);
struct hmac_sha256_stream {
    struct sha256_stream inner, outer;
};
void hmac_sha256_begin(struct hmac_sha256_stream *s, struct span key);
void hmac_sha256_add(struct hmac_sha256_stream *s, struct span in);
void hmac_sha256_end(struct hmac_sha256_stream *s, uint8_t out[static SHA256_BYTES]);

/* salt SPAN_NULL = 32 zero bytes. out_n <= HKDF_OUT_MAX (asserted). */
void hkdf_sha256(struct span ikm, struct span salt, struct span info, uint8_t *out, size_t out_n);
/* PBKDF2-HMAC-SHA256 (RFC 8018). INVALID for no rounds or no output; NOMEM. */
enum wb_err pbkdf2_sha256(struct span password, struct span salt, uint32_t rounds, uint8_t *out,
                          size_t out_n) WB_MUST_CHECK;

#endif
