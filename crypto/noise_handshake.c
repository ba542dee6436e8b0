/* HandshakeState for the one pattern that is spoken here:
 *
 *   XX:  -> e
 *        <- e, ee, s, es
 *        -> s, se
 *
 * Each function is one line of it. On any error the handshake is over (NOISE_FAILED) and the
 * caller's buffers are as they were. */
#include "base/secret.h"
#include "crypto/limits.h"
#include "crypto/noise_internal.h"

/* The only function that changes the step. */
static enum wb_err finish(struct noise_handshake *hs, enum wb_err err,
                          enum noise_handshake_step next)
{
    hs->step = err == WB_OK ? next : NOISE_FAILED;
    return err;
}

enum wb_err noise_handshake_init(struct noise_handshake *hs, bool initiator, struct span prologue,
                                 const struct x25519_pair *s, const struct rng *rng)
{
    struct x25519_pair check;
    bool matches;

    x25519_from_private(s->priv, &check);
    matches = secret_eq(check.pub, s->pub, sizeof check.pub);
    secret_wipe(&check, sizeof check);
    *hs = (struct noise_handshake){.step = initiator ? NOISE_INIT_WRITE_1 : NOISE_RESP_READ_1,
                                   .initiator = initiator,
                                   .s = *s};
    if (!matches)
        return finish(hs, WB_ERR_BAD_KEY, NOISE_FAILED);
    x25519_generate(rng, &hs->e);
    noise_symmetric_init(&hs->sym, prologue);
    return WB_OK;
}

void noise_handshake_free(struct noise_handshake *hs)
{
    noise_symmetric_free(&hs->sym);
    secret_wipe(hs, sizeof *hs);
    hs->step = NOISE_FAILED;
}

static enum wb_err mix_dh(struct noise_handshake *hs, const struct x25519_pair *ours,
                          const uint8_t theirs[static X25519_KEY_BYTES])
{
    uint8_t secret[X25519_KEY_BYTES];
    enum wb_err err;

    TRY(x25519_agree(ours->priv, theirs, secret));
    TRY(noise_symmetric_mix_key(&hs->sym, secret));
out:
    secret_wipe(secret, sizeof secret);
    return err;
}

static enum wb_err read_e(struct noise_handshake *hs, struct span e)
{
    if (e.n != X25519_KEY_BYTES)
        return WB_ERR_MALFORMED;
    memcpy(hs->re, e.p, X25519_KEY_BYTES);
    noise_symmetric_mix_hash(&hs->sym, e);
    return WB_OK;
}

static enum wb_err read_s(struct noise_handshake *hs, struct span static_ct)
{
    struct buf rs = buf_new(X25519_KEY_BYTES);
    enum wb_err err;

    if (static_ct.n != NOISE_STATIC_CT_BYTES)
        return WB_ERR_MALFORMED;
    TRY(noise_symmetric_decrypt(&hs->sym, static_ct, &rs));
    memcpy(hs->rs, rs.p, X25519_KEY_BYTES);
out:
    buf_free(&rs);
    return err;
}

static enum wb_err read_payload(struct noise_handshake *hs, struct span ct, struct buf *payload)
{
    if (ct.n > NOISE_PAYLOAD_MAX + GCM_TAG_BYTES)
        return WB_ERR_TOO_LARGE;
    return noise_symmetric_decrypt(&hs->sym, ct, payload);
}

static enum wb_err write_payload(struct noise_handshake *hs, struct span payload, struct buf *ct)
{
    if (payload.n > NOISE_PAYLOAD_MAX)
        return WB_ERR_TOO_LARGE;
    return noise_symmetric_encrypt(&hs->sym, payload, ct);
}

enum wb_err noise_write_1(struct noise_handshake *hs, uint8_t ret_e[static X25519_KEY_BYTES])
{
    if (hs->step != NOISE_INIT_WRITE_1)
        return finish(hs, WB_ERR_STATE, NOISE_FAILED);
    memcpy(ret_e, hs->e.pub, X25519_KEY_BYTES);
    noise_symmetric_mix_hash(&hs->sym, SPAN_ARRAY(hs->e.pub));
    return finish(hs, WB_OK, NOISE_INIT_READ_2);
}

enum wb_err noise_read_1(struct noise_handshake *hs, struct span e)
{
    if (hs->step != NOISE_RESP_READ_1)
        return finish(hs, WB_ERR_STATE, NOISE_FAILED);
    return finish(hs, read_e(hs, e), NOISE_RESP_WRITE_2);
}

enum wb_err noise_write_2(struct noise_handshake *hs, struct span payload,
                          uint8_t ret_e[static X25519_KEY_BYTES], struct buf *static_ct,
                          struct buf *payload_ct)
{
    size_t static_before = static_ct->n;
    enum wb_err err = WB_ERR_STATE;

    if (hs->step != NOISE_RESP_WRITE_2)
        goto out;
    noise_symmetric_mix_hash(&hs->sym, SPAN_ARRAY(hs->e.pub));
    TRY(mix_dh(hs, &hs->e, hs->re)); /* ee */
    TRY(noise_symmetric_encrypt(&hs->sym, SPAN_ARRAY(hs->s.pub), static_ct));
    TRY(mix_dh(hs, &hs->s, hs->re)); /* es */
    TRY(write_payload(hs, payload, payload_ct));
    memcpy(ret_e, hs->e.pub, X25519_KEY_BYTES);
out:
    if (err != WB_OK)
        static_ct->n = static_before;
    return finish(hs, err, NOISE_RESP_READ_3);
}

enum wb_err noise_read_2(struct noise_handshake *hs, struct span e, struct span static_ct,
                         struct span payload_ct, struct buf *payload)
{
    enum wb_err err = WB_ERR_STATE;

    if (hs->step != NOISE_INIT_READ_2)
        goto out;
    TRY(read_e(hs, e));
    TRY(mix_dh(hs, &hs->e, hs->re)); /* ee */
    TRY(read_s(hs, static_ct));
    TRY(mix_dh(hs, &hs->e, hs->rs)); /* es */
    TRY(read_payload(hs, payload_ct, payload));
out:
    return finish(hs, err, NOISE_INIT_WRITE_3);
}

enum wb_err noise_write_3(struct noise_handshake *hs, struct span payload, struct buf *static_ct,
                          struct buf *payload_ct)
{
    size_t static_before = static_ct->n;
    enum wb_err err = WB_ERR_STATE;

    if (hs->step != NOISE_INIT_WRITE_3)
        goto out;
    TRY(noise_symmetric_encrypt(&hs->sym, SPAN_ARRAY(hs->s.pub), static_ct));
    TRY(mix_dh(hs, &hs->s, hs->re)); /* se */
    TRY(write_payload(hs, payload, payload_ct));
out:
    if (err != WB_OK)
        static_ct->n = static_before;
    return finish(hs, err, NOISE_COMPLETE);
}

enum wb_err noise_read_3(struct noise_handshake *hs, struct span static_ct, struct span payload_ct,
                         struct buf *payload)
{
    enum wb_err err = WB_ERR_STATE;

    if (hs->step != NOISE_RESP_READ_3)
        goto out;
    TRY(read_s(hs, static_ct));
    TRY(mix_dh(hs, &hs->e, hs->rs)); /* se */
    TRY(read_payload(hs, payload_ct, payload));
out:
    return finish(hs, err, NOISE_COMPLETE);
}

enum wb_err noise_split(struct noise_handshake *hs, struct noise_transport *ret_t)
{
    uint8_t first[AES_KEY_BYTES], second[AES_KEY_BYTES];
    struct noise_transport t = {{NULL, 0}, {NULL, 0}};
    enum wb_err err;

    if (hs->step != NOISE_COMPLETE)
        return finish(hs, WB_ERR_STATE, NOISE_FAILED);
    noise_symmetric_split(&hs->sym, first, second);
    TRY(noise_cipher_init(&t.send, hs->initiator ? first : second));
    TRY(noise_cipher_init(&t.receive, hs->initiator ? second : first));
    *ret_t = t;
out:
    if (err != WB_OK)
        noise_transport_free(&t);
    noise_symmetric_free(&hs->sym);
    secret_wipe(&hs->s, sizeof hs->s);
    secret_wipe(&hs->e, sizeof hs->e);
    secret_wipe(first, sizeof first);
    secret_wipe(second, sizeof second);
    return finish(hs, err, NOISE_SPLIT);
}
