#include "crypto/noise.h"

enum wb_err noise_cipher_init(struct noise_cipher_state *c, const uint8_t key[static AES_KEY_BYTES])
{
    struct gcm *gcm = gcm_new(key);

    if (!gcm)
        return WB_ERR_NOMEM;
    *c = (struct noise_cipher_state){gcm, 0};
    return WB_OK;
}

void noise_cipher_free(struct noise_cipher_state *c)
{
    gcm_free(c->gcm);
    *c = (struct noise_cipher_state){NULL, 0};
}

/* The paper's AESGCM nonce is 32 zero bits and a 64-bit counter; WhatsApp's counter has 32 bits. */
static void make_iv(uint32_t n, uint8_t iv[static GCM_IV_BYTES])
{
    memset(iv, 0, GCM_IV_BYTES);
    iv[8] = (uint8_t)(n >> 24);
    iv[9] = (uint8_t)(n >> 16);
    iv[10] = (uint8_t)(n >> 8);
    iv[11] = (uint8_t)n;
}

/* The last counter value is never used (the paper reserves 2^64-1), so n cannot wrap to 0. */
static bool can_use(const struct noise_cipher_state *c)
{
    return c->gcm && c->n < UINT32_MAX;
}

enum wb_err noise_cipher_encrypt(struct noise_cipher_state *c, struct span ad, struct span in,
                                 struct buf *out)
{
    uint8_t iv[GCM_IV_BYTES], *p;
    size_t before = out->n;
    enum wb_err err;

    if (!can_use(c))
        return WB_ERR_STATE;
    if (in.n > SIZE_MAX - GCM_TAG_BYTES)
        return WB_ERR_TOO_LARGE;
    p = buf_extend(out, in.n + GCM_TAG_BYTES);
    if (!p)
        return buf_err(out);
    make_iv(c->n, iv);
    err = gcm_seal(c->gcm, iv, ad, in, p);
    if (err != WB_OK) {
        out->n = before;
        return err;
    }
    c->n++;
    return WB_OK;
}

enum wb_err noise_cipher_decrypt(struct noise_cipher_state *c, struct span ad, struct span in,
                                 struct buf *out)
{
    uint8_t iv[GCM_IV_BYTES], *p;
    size_t before = out->n;
    enum wb_err err;

    if (!can_use(c))
        return WB_ERR_STATE;
    if (in.n < GCM_TAG_BYTES)
        return WB_ERR_TRUNCATED;
    p = buf_extend(out, in.n - GCM_TAG_BYTES);
    if (!p)
        return buf_err(out);
    make_iv(c->n, iv);
    err = gcm_open(c->gcm, iv, ad, in, p);
    if (err != WB_OK) {
        out->n = before;
        return err;
    }
    c->n++;
    return WB_OK;
}
