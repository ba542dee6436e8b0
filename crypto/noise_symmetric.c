#include "base/secret.h"
#include "crypto/noise_internal.h"

static const char NAME[NOISE_NAME_BYTES] = "Noise_XX_25519_AESGCM_SHA256"; /* zero-padded */

_Static_assert((int)NOISE_NAME_BYTES == (int)SHA256_BYTES,
               "a name of a hash's size is used unhashed");

void noise_symmetric_init(struct noise_symmetric_state *s, struct span prologue)
{
    *s = (struct noise_symmetric_state){0};
    memcpy(s->ck, NAME, sizeof s->ck);
    memcpy(s->h, NAME, sizeof s->h);
    noise_symmetric_mix_hash(s, prologue);
}

void noise_symmetric_free(struct noise_symmetric_state *s)
{
    noise_cipher_free(&s->cipher);
    secret_wipe(s, sizeof *s);
}

void noise_symmetric_mix_hash(struct noise_symmetric_state *s, struct span data)
{
    struct span parts[2] = {SPAN_ARRAY(s->h), data};

    sha256_v(parts, 2, s->h);
}

enum wb_err noise_symmetric_mix_key(struct noise_symmetric_state *s,
                                    const uint8_t secret[static X25519_KEY_BYTES])
{
    uint8_t okm[SHA256_BYTES + AES_KEY_BYTES];
    struct noise_cipher_state cipher;
    enum wb_err err;

    hkdf_sha256(SPAN(secret, X25519_KEY_BYTES), SPAN_ARRAY(s->ck), SPAN_NULL, okm, sizeof okm);
    TRY(noise_cipher_init(&cipher, okm + SHA256_BYTES));
    noise_cipher_free(&s->cipher);
    s->cipher = cipher;
    memcpy(s->ck, okm, sizeof s->ck);
out:
    secret_wipe(okm, sizeof okm);
    return err;
}

enum wb_err noise_symmetric_encrypt(struct noise_symmetric_state *s, struct span in,
                                    struct buf *out)
{
    size_t before = out->n;
    enum wb_err err;

    TRY(noise_cipher_encrypt(&s->cipher, SPAN_ARRAY(s->h), in, out));
    noise_symmetric_mix_hash(s, span_skip(buf_span(out), before));
out:
    return err;
}

enum wb_err noise_symmetric_decrypt(struct noise_symmetric_state *s, struct span in,
                                    struct buf *out)
{
    enum wb_err err;

    TRY(noise_cipher_decrypt(&s->cipher, SPAN_ARRAY(s->h), in, out));
    noise_symmetric_mix_hash(s, in);
out:
    return err;
}

void noise_symmetric_split(const struct noise_symmetric_state *s,
                           uint8_t out_first[static AES_KEY_BYTES],
                           uint8_t out_second[static AES_KEY_BYTES])
{
    uint8_t okm[2 * AES_KEY_BYTES];

    hkdf_sha256(SPAN_NULL, SPAN_ARRAY(s->ck), SPAN_NULL, okm, sizeof okm);
    memcpy(out_first, okm, AES_KEY_BYTES);
    memcpy(out_second, okm + AES_KEY_BYTES, AES_KEY_BYTES);
    secret_wipe(okm, sizeof okm);
}
