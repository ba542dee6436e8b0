#include "crypto/prim_aead.h"

#include <limits.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/prim_evp.h"

_Static_assert(AES_KEY_BYTES == crypto_aead_aes256gcm_KEYBYTES, "AES-256 key size");
_Static_assert(GCM_IV_BYTES == crypto_aead_aes256gcm_NPUBBYTES, "GCM IV size");
_Static_assert(GCM_TAG_BYTES == crypto_aead_aes256gcm_ABYTES, "GCM tag size");

/* The EVP context holds the key schedule and the GHASH table; a frame only sets the IV. */
struct gcm {
    EVP_CIPHER_CTX *ctx;
};

struct gcm *gcm_new(const uint8_t key[static AES_KEY_BYTES])
{
    struct gcm *g = malloc(sizeof *g);

    if (!g)
        return NULL;
    g->ctx = EVP_CIPHER_CTX_new();
    if (!g->ctx ||
        !EVP_EncryptInit_ex2(g->ctx, prim_evp_cipher(PRIM_AES_256_GCM), key, NULL, NULL)) {
        gcm_free(g);
        return NULL;
    }
    return g;
}

void gcm_free(struct gcm *g)
{
    if (!g)
        return;
    EVP_CIPHER_CTX_free(g->ctx); /* cleanses the key schedule */
    free(g);
}

/* EVP counts in int: no input here is nearly that long (frames are under 16 MiB). */
static bool too_long(struct span aad, struct span in)
{
    return aad.n > INT_MAX || in.n > INT_MAX - GCM_TAG_BYTES;
}

enum wb_err gcm_seal(struct gcm *g, const uint8_t iv[static GCM_IV_BYTES], struct span aad,
                     struct span in, uint8_t *out)
{
    int n = 0;

    if (too_long(aad, in))
        return WB_ERR_TOO_LARGE;
    if (!EVP_EncryptInit_ex2(g->ctx, NULL, NULL, iv, NULL) ||
        (aad.n > 0 && !EVP_EncryptUpdate(g->ctx, NULL, &n, aad.p, (int)aad.n)) ||
        (in.n > 0 && !EVP_EncryptUpdate(g->ctx, out, &n, in.p, (int)in.n)) ||
        !EVP_EncryptFinal_ex(g->ctx, out + in.n, &n) ||
        !EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_BYTES, out + in.n))
        return WB_ERR_NOMEM;
    return WB_OK;
}

enum wb_err gcm_open(struct gcm *g, const uint8_t iv[static GCM_IV_BYTES], struct span aad,
                     struct span in, uint8_t *out)
{
    uint8_t tag[GCM_TAG_BYTES], end[AES_BLOCK_BYTES];
    size_t text_n;
    int n = 0;

    if (in.n < GCM_TAG_BYTES)
        return WB_ERR_TRUNCATED;
    if (too_long(aad, in))
        return WB_ERR_TOO_LARGE;
    text_n = in.n - GCM_TAG_BYTES;
    memcpy(tag, in.p + text_n, GCM_TAG_BYTES);
    if (!EVP_DecryptInit_ex2(g->ctx, NULL, NULL, iv, NULL) ||
        (aad.n > 0 && !EVP_DecryptUpdate(g->ctx, NULL, &n, aad.p, (int)aad.n)) ||
        (text_n > 0 && !EVP_DecryptUpdate(g->ctx, out, &n, in.p, (int)text_n)) ||
        !EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, tag)) {
        secret_wipe(out, text_n);
        return WB_ERR_NOMEM;
    }
    if (EVP_DecryptFinal_ex(g->ctx, end, &n) <= 0) {
        secret_wipe(out, text_n); /* unauthenticated text is never handed out */
        return WB_ERR_BAD_MAC;
    }
    return WB_OK;
}

enum wb_err aes_gcm_seal(const uint8_t key[static AES_KEY_BYTES],
                         const uint8_t iv[static GCM_IV_BYTES], struct span aad, struct span in,
                         struct buf *out)
{
    struct gcm *g = NULL;
    size_t before = out->n;
    uint8_t *p;
    enum wb_err err;

    if (too_long(aad, in))
        return WB_ERR_TOO_LARGE;
    p = buf_extend(out, in.n + GCM_TAG_BYTES);
    if (!p)
        return buf_err(out);
    g = gcm_new(key);
    err = g ? gcm_seal(g, iv, aad, in, p) : WB_ERR_NOMEM;
    if (err != WB_OK)
        out->n = before;
    gcm_free(g);
    return err;
}

enum wb_err aes_gcm_open(const uint8_t key[static AES_KEY_BYTES],
                         const uint8_t iv[static GCM_IV_BYTES], struct span aad, struct span in,
                         struct buf *out)
{
    struct gcm *g = NULL;
    size_t before = out->n;
    uint8_t *p;
    enum wb_err err;

    if (in.n < GCM_TAG_BYTES)
        return WB_ERR_TRUNCATED;
    p = buf_extend(out, in.n - GCM_TAG_BYTES);
    if (!p)
        return buf_err(out);
    g = gcm_new(key);
    err = g ? gcm_open(g, iv, aad, in, p) : WB_ERR_NOMEM;
    if (err != WB_OK)
        out->n = before;
    gcm_free(g);
    return err;
}

enum wb_err aes_ctr(const uint8_t key[static AES_KEY_BYTES],
                    const uint8_t iv[static AES_BLOCK_BYTES], struct span in, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx;
    enum wb_err err = WB_OK;
    int n = 0;

    if (in.n > INT_MAX)
        return WB_ERR_TOO_LARGE;
    ctx = EVP_CIPHER_CTX_new();
    if (!ctx || !EVP_EncryptInit_ex2(ctx, prim_evp_cipher(PRIM_AES_256_CTR), key, iv, NULL) ||
        (in.n > 0 && !EVP_EncryptUpdate(ctx, out, &n, in.p, (int)in.n)))
        err = WB_ERR_NOMEM;
    EVP_CIPHER_CTX_free(ctx);
    return err;
}
