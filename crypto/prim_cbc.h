/* prim_cbc.h - AES-256-CBC with PKCS#7, for Signal messages (P-SG-09). */
#ifndef CRYPTO_PRIM_CBC_H
#define CRYPTO_PRIM_CBC_H

#include "base/buf.h"
#include "crypto/prim_aead.h"

/* Append to out. Decrypt: BAD_PADDING when the input is no whole number of blocks or the padding
 * is wrong; call it only after the MAC has been verified. */
enum wb_err cbc_encrypt(const uint8_t key[static AES_KEY_BYTES],
                        const uint8_t iv[static AES_BLOCK_BYTES], struct span in,
                        struct buf *out) WB_MUST_CHECK;
enum wb_err cbc_decrypt(const uint8_t key[static AES_KEY_BYTES],
                        const uint8_t iv[static AES_BLOCK_BYTES], struct span in,
                        struct buf *out) WB_MUST_CHECK;

#endif
