/* media_crypt.h - files as they lie on WhatsApp's media hosts (P-MD-01, P-MD-02, P-MD-13):
 * AES-256-CBC || first 10 bytes of HMAC-SHA256(IV || ciphertext), keys from the media key. */
#ifndef CRYPTO_MEDIA_CRYPT_H
#define CRYPTO_MEDIA_CRYPT_H

#include "base/buf.h"
#include "base/rng.h"
#include "crypto/prim_aead.h"
#include "crypto/prim_hash.h"

enum { MEDIA_KEY_BYTES = 32, MEDIA_MAC_BYTES = 10 };

#define MEDIA_INFO_HISTORY   "WhatsApp History Keys"
#define MEDIA_INFO_APP_STATE "WhatsApp App State Keys"

/* What the message tells about its file. */
struct media_secret {
    const char *info; /* by kind: MEDIA_INFO_... */
    uint8_t key[MEDIA_KEY_BYTES];
    uint8_t file_sha256[SHA256_BYTES];
    uint8_t file_enc_sha256[SHA256_BYTES];
};

/* Appends the plaintext of the whole file. TRUNCATED; BAD_MAC: another file than the message names,
 * or altered (either hash, or the MAC); BAD_PADDING. */
enum wb_err media_open(const struct media_secret *s, struct span file,
                       struct buf *plain) WB_MUST_CHECK;

/* Makes the request that our phone upload the file of that message to the hosts anew (P-HI-12):
 * appends the sealed ServerErrorReceipt, which names the message; ret_iv is sent beside it. */
enum wb_err media_seal_missing(const uint8_t key[static MEDIA_KEY_BYTES], struct span message_id,
                               const struct rng *rng, uint8_t ret_iv[static GCM_IV_BYTES],
                               struct buf *out) WB_MUST_CHECK;

#endif
