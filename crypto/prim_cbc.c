#include "crypto/prim_cbc.h"

#include <limits.h>

#include "base/secret.h"
#include "crypto/prim_evp.h"

/* PKCS#7 adds 1 to 16 bytes: a text of whole blocks gets a block more. */
static size_t padded_size(size_t n)
{
    return (n / AES_BLOCK_BYTES + 1) * AES_BLOCK_BYTES;
}

enum wb_err cbc_encrypt(const uint8_t key[static AES_KEY_BYTES],
                        const uint8_t iv[static AES_BLOCK_BYTES], struct span in, struct buf *out)
{
    EVP_CIPHER_CTX *ctx;
    size_t before = out->n;
    enum wb_err err = WB_OK;
    int n = 0, last = 0;
    uint8_t *p;

    if (in.n > INT_MAX - AES_BLOCK_BYTES)
        return WB_ERR_TOO_LARGE;
    p = buf_extend(out, padded_size(in.n));
    if (!p)
        return buf_err(out);
    ctx = EVP_CIPHER_CTX_new();
    if (!ctx || !EVP_EncryptInit_ex2(ctx, prim_evp_cipher(PRIM_AES_256_CBC), key, iv, NULL) ||
        (in.n > 0 && !EVP_EncryptUpdate(ctx, p, &n, in.p, (int)in.n)) ||
        !EVP_EncryptFinal_ex(ctx, p + n, &last)) {
        err = WB_ERR_NOMEM;
        out->n = before;
    }
    EVP_CIPHER_CTX_free(ctx);
    return err;
}

enum wb_err cbc_decrypt(const uint8_t key[static AES_KEY_BYTES],
                        const uint8_t iv[static AES_BLOCK_BYTES], struct span in, struct buf *out)
{
    EVP_CIPHER_CTX *ctx;
    size_t before = out->n;
    enum wb_err err = WB_OK;
    int n = 0, last = 0;
    uint8_t *p;

    if (in.n == 0 || in.n % AES_BLOCK_BYTES != 0)
        return WB_ERR_BAD_PADDING;
    if (in.n > INT_MAX)
        return WB_ERR_TOO_LARGE;
    /* EVP may write a whole block more than the text while it checks the padding. */
    p = buf_extend(out, in.n);
    if (!p)
        return buf_err(out);
    ctx = EVP_CIPHER_CTX_new();
    if (!ctx || !EVP_DecryptInit_ex2(ctx, prim_evp_cipher(PRIM_AES_256_CBC), key, iv, NULL) ||
        !EVP_DecryptUpdate(ctx, p, &n, in.p, (int)in.n))
        err = WB_ERR_NOMEM;
    else if (!EVP_DecryptFinal_ex(ctx, p + n, &last))
        err = WB_ERR_BAD_PADDING;
    if (err == WB_OK) {
        out->n = before + (size_t)(n + last);
    } else {
        secret_wipe(p, in.n);
        out->n = before;
    }
    EVP_CIPHER_CTX_free(ctx);
    return err;
}
