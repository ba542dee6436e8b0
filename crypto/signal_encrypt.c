/* signal_encrypt.c - plaintext to SignalMessage or PreKeySignalMessage. */
#include "crypto/prim_cbc.h"
#include "crypto/signal_internal.h"
#include "proto/signal_wire.h"

/* Keys, counters and field heads around a ciphertext; a generous bound. */
enum { MESSAGE_OVERHEAD_MAX = 256 };

static enum wb_err write_message(const struct signal_state *state,
                                 const struct signal_message_keys *keys, struct span plain,
                                 struct buf *out)
{
    struct buf ciphertext = buf_new(plain.n + AES_BLOCK_BYTES);
    uint8_t ratchet[DJB_KEY_BYTES], mac[SIGNAL_MAC_BYTES];
    struct signal_wire_message wire;
    size_t start = out->n;
    enum wb_err err;

    djb_encode(state->sender_chain.ratchet.pub, ratchet);
    TRY(cbc_encrypt(keys->cipher_key, keys->iv, plain, &ciphertext));
    wire = (struct signal_wire_message){
        .ratchet_key = ratchet,
        .counter = keys->index,
        .previous_counter = state->previous_counter,
        .ciphertext = buf_span(&ciphertext),
    };
    buf_u8(out, SIGNAL_VERSION_BYTE);
    TRY(signal_wire_message_encode(&wire, out));
    signal_message_mac(keys->mac_key, state->local_identity, state->remote_identity,
                       span_skip(buf_span(out), start), mac);
    buf_append(out, SPAN_ARRAY(mac));
    err = buf_err(out);
out:
    buf_free(&ciphertext);
    return err;
}

static enum wb_err write_prekey_message(const struct signal_state *state, struct span message,
                                        struct buf *out)
{
    const struct signal_pending_prekey *pending = &state->pending;
    uint8_t base[DJB_KEY_BYTES], identity[DJB_KEY_BYTES];
    struct signal_wire_prekey_message wire;

    djb_encode(pending->base_key, base);
    djb_encode(state->local_identity, identity);
    wire = (struct signal_wire_prekey_message){
        .has_prekey_id = pending->has_prekey_id,
        .prekey_id = pending->prekey_id,
        .base_key = base,
        .identity = identity,
        .message = message,
        .registration_id = state->local_registration_id,
        .signed_prekey_id = pending->signed_prekey_id,
    };
    buf_u8(out, SIGNAL_VERSION_BYTE);
    return signal_wire_prekey_message_encode(&wire, out);
}

enum wb_err signal_encrypt(struct signal_session *s, struct span plain,
                           enum signal_message_kind *ret_kind, struct buf *out)
{
    struct buf inner = buf_new(plain.n + MESSAGE_OVERHEAD_MAX);
    struct signal_message_keys keys = {0};
    struct signal_state *state = s->current;
    size_t before = out->n;
    enum wb_err err;

    if (!signal_session_can_send(s))
        return WB_ERR_NO_SESSION;
    signal_message_keys_derive(&state->sender_chain.chain_key, &keys);
    if (state->pending.present) {
        TRY(write_message(state, &keys, plain, &inner));
        TRY(write_prekey_message(state, buf_span(&inner), out));
        *ret_kind = SIGNAL_PKMSG;
    } else {
        TRY(write_message(state, &keys, plain, out));
        *ret_kind = SIGNAL_MSG;
    }
    signal_chain_key_next(&state->sender_chain.chain_key);
out:
    if (err != WB_OK)
        signal_rollback(out, before);
    buf_free(&inner);
    secret_wipe(&keys, sizeof keys);
    return err;
}
