/* signal_group.c - sender keys as the sender: our own key, its distribution, our messages. */
#include "crypto/prim_cbc.h"
#include "crypto/signal_internal.h"
#include "proto/signal_wire.h"

enum wb_err sender_key_create(struct sender_key_record *r, const struct rng *rng)
{
    struct sender_key_state *state = sender_key_state_new();
    struct x25519_pair signing;

    if (!state)
        return WB_ERR_NOMEM;
    x25519_generate(rng, &signing);
    state->key_id = rng_u32(rng);
    rng_fill(rng, state->chain_key, sizeof state->chain_key);
    memcpy(state->signing_pub, signing.pub, X25519_KEY_BYTES);
    memcpy(state->signing_priv, signing.priv, X25519_KEY_BYTES);
    state->has_signing_priv = true;
    sender_key_record_push(r, state);
    secret_wipe(&signing, sizeof signing);
    return WB_OK;
}

static struct sender_key_state *own_state(const struct sender_key_record *r)
{
    for (size_t i = 0; i < r->nstates; i++)
        if (r->states[i]->has_signing_priv)
            return r->states[i];
    return NULL;
}

enum wb_err sender_key_distribution(const struct sender_key_record *r, struct buf *out)
{
    const struct sender_key_state *state = own_state(r);
    uint8_t signing[DJB_KEY_BYTES];
    struct signal_wire_distribution wire;
    size_t before = out->n;
    enum wb_err err;

    if (!state)
        return WB_ERR_NO_SENDER_KEY;
    djb_encode(state->signing_pub, signing);
    wire = (struct signal_wire_distribution){
        .key_id = state->key_id,
        .iteration = state->iteration,
        .chain_key = state->chain_key,
        .signing_key = signing,
    };
    buf_u8(out, SIGNAL_VERSION_BYTE);
    err = signal_wire_distribution_encode(&wire, out);
    if (err != WB_OK)
        signal_rollback(out, before);
    return err;
}

static enum wb_err write_sender_message(const struct sender_key_state *state, struct span plain,
                                        const struct rng *rng, struct buf *out)
{
    struct buf ciphertext = buf_new(plain.n + AES_BLOCK_BYTES);
    struct signal_wire_sender_message wire;
    struct sender_message_key key;
    uint8_t sig[XEDDSA_SIG_BYTES];
    size_t start = out->n;
    enum wb_err err;

    sender_message_key_derive(state->iteration, state->chain_key, &key);
    TRY(cbc_encrypt(key.cipher_key, key.iv, plain, &ciphertext));
    wire = (struct signal_wire_sender_message){
        .key_id = state->key_id,
        .iteration = state->iteration,
        .ciphertext = buf_span(&ciphertext),
    };
    buf_u8(out, SIGNAL_VERSION_BYTE);
    TRY(signal_wire_sender_message_encode(&wire, out));
    TRY(xeddsa_sign(state->signing_priv, span_skip(buf_span(out), start), rng, sig));
    buf_append(out, SPAN_ARRAY(sig));
    err = buf_err(out);
out:
    secret_wipe(&key, sizeof key);
    buf_free(&ciphertext);
    return err;
}

enum wb_err sender_key_encrypt(struct sender_key_record *r, struct span plain,
                               const struct rng *rng, struct buf *out)
{
    struct sender_key_state *state = own_state(r);
    size_t before = out->n;
    enum wb_err err;

    if (!state)
        return WB_ERR_NO_SENDER_KEY;
    if (state->iteration == UINT32_MAX)
        return WB_ERR_STATE; /* the counter would wrap: a new key is due */
    TRY(write_sender_message(state, plain, rng, out));
    sender_chain_key_next(state->chain_key);
    state->iteration++;
out:
    if (err != WB_OK)
        signal_rollback(out, before);
    return err;
}
