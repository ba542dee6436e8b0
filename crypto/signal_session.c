/* signal_session.c - the start of a session by us, and the header of a pkmsg. */
#include "crypto/signal_internal.h"
#include "proto/signal_wire.h"

enum wb_err signal_session_start(struct signal_session *s, const struct signal_local *local,
                                 const struct signal_bundle *bundle, const struct rng *rng)
{
    uint8_t signed_bytes[DJB_KEY_BYTES];
    struct signal_state *state = NULL;
    enum wb_err err;

    djb_encode(bundle->signed_prekey, signed_bytes);
    TRY(xeddsa_verify(bundle->identity, SPAN_ARRAY(signed_bytes), bundle->signed_prekey_sig));
    TRY(signal_x3dh_initiate(local, bundle, rng, &state));
    signal_session_archive_current(s);
    s->current = state;
out:
    return err;
}

enum wb_err signal_prekey_header_parse(struct span message, struct signal_prekey_header *ret_h)
{
    struct signal_wire_prekey_message wire;
    enum wb_err err;

    TRY(signal_check_version(message));
    TRY(signal_wire_prekey_message_decode(span_skip(message, 1), &wire));
    *ret_h = (struct signal_prekey_header){
        .has_prekey_id = wire.has_prekey_id,
        .prekey_id = wire.has_prekey_id ? wire.prekey_id : 0,
        .signed_prekey_id = wire.signed_prekey_id,
        .registration_id = wire.registration_id,
        .message = wire.message,
    };
    memcpy(ret_h->base_key, wire.base_key + 1, X25519_KEY_BYTES);
    memcpy(ret_h->identity, wire.identity + 1, X25519_KEY_BYTES);
out:
    return err;
}

/* A spent chain, or one whose counter would wrap, cannot send: a new session is due. */
bool signal_session_can_send(const struct signal_session *s)
{
    return s->current && s->current->has_sender_chain &&
           s->current->sender_chain.chain_key.index != SIGNAL_CHAIN_SPENT;
}

bool signal_session_can_send_to(const struct signal_session *s, const uint8_t *identity)
{
    return signal_session_can_send(s) &&
           (!identity || memcmp(s->current->remote_identity, identity, X25519_KEY_BYTES) == 0);
}
