/* prim_aead.h - AES-256-GCM (12-byte IV, 16-byte tag behind the ciphertext) and AES-256-CTR. */
#ifndef CRYPTO_PRIM_AEAD_H
#define CRYPTO_PRIM_AEAD_H

#include "base/buf.h"

enum { AES_KEY_BYTES = 32, GCM_IV_BYTES = 12, GCM_TAG_BYTES = 16, AES_BLOCK_BYTES = 16 };

/* A keyed context, reused for every frame of a connection: key schedule once. */
struct gcm;
struct gcm *gcm_new(const uint8_t key[static AES_KEY_BYTES]) WB_MUST_CHECK; /* NULL: NOMEM */
void gcm_free(struct gcm *g);                                               /* wipes; NULL-safe */
/* out: in.n + GCM_TAG_BYTES bytes; may not overlap in. */
enum wb_err gcm_seal(struct gcm *g, const uint8_t iv[static GCM_IV_BYTES], struct span aad,
                     struct span in, uint8_t *out) WB_MUST_CHECK;
/* out: in.n - GCM_TAG_BYTES bytes. TRUNCATED under a tag's length, BAD_MAC on a wrong tag. */
enum wb_err gcm_open(struct gcm *g, const uint8_t iv[static GCM_IV_BYTES], struct span aad,
                     struct span in, uint8_t *out) WB_MUST_CHECK;
/* One-shot forms that append to out. */
enum wb_err aes_gcm_seal(const uint8_t key[static AES_KEY_BYTES],
                         const uint8_t iv[static GCM_IV_BYTES], struct span aad, struct span in,
                         struct buf *out) WB_MUST_CHECK;
enum wb_err aes_gcm_open(const uint8_t key[static AES_KEY_BYTES],
                         const uint8_t iv[static GCM_IV_BYTES], struct span aad, struct span in,
                         struct buf *out) WB_MUST_CHECK;
/* out: in.n bytes. */
enum wb_err aes_ctr(const uint8_t key[static AES_KEY_BYTES],
                    const uint8_t iv[static AES_BLOCK_BYTES], struct span in,
                    uint8_t *out) WB_MUST_CHECK;

#endif
