/* noise_cert.h - the server's certificate chain in the second Noise message (P-HS-07..09). */
#ifndef CRYPTO_NOISE_CERT_H
#define CRYPTO_NOISE_CERT_H

#include "base/buf.h"
#include "base/rng.h"
#include "crypto/prim_x25519.h"

/* WhatsApp's root key (P-HS-07), the default of --root-key. */
extern const uint8_t noise_root_key_whatsapp[X25519_KEY_BYTES];

/* Checks both signatures, serials, key match, and validity at now_s (unix seconds). BAD_CERT; CLOCK
 * when only the dates are wrong (everything else verified): callers must be able to tell a wrong
 * clock from an attack. */
enum wb_err noise_cert_verify(struct span chain, const uint8_t root_key[static X25519_KEY_BYTES],
                              const uint8_t server_static[static X25519_KEY_BYTES],
                              int64_t now_s) WB_MUST_CHECK;

/* For wa-mock and tests: a chain for server_static, signed by a root pair. INVALID when the dates
 * are negative or the wrong way round. Appends to out. */
struct noise_cert_params {
    struct x25519_pair root, intermediate;
    uint8_t server_static[X25519_KEY_BYTES];
    int64_t not_before_s, not_after_s;
};
enum wb_err noise_cert_issue(const struct noise_cert_params *p, const struct rng *rng,
                             struct buf *out) WB_MUST_CHECK;

#endif
