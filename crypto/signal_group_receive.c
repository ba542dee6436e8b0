/* signal_group_receive.c - sender keys as a receiver: their messages. */
#include "crypto/prim_cbc.h"
#include "crypto/signal_internal.h"
#include "proto/signal_wire.h"

struct group_incoming {
    uint32_t key_id;
    uint32_t iteration;
    struct span ciphertext;
    struct span signed_bytes; /* version byte and protobuf as received (P-SG-18) */
    const uint8_t *sig;       /* XEDDSA_SIG_BYTES */
};

static enum wb_err group_incoming_parse(struct span message, struct group_incoming *ret_m)
{
    struct signal_wire_sender_message wire;
    struct group_incoming m;
    enum wb_err err;

    TRY(signal_check_version(message));
    if (message.n < 1 + XEDDSA_SIG_BYTES)
        return WB_ERR_TRUNCATED;
    m.signed_bytes = span_first(message, message.n - XEDDSA_SIG_BYTES);
    m.sig = message.p + m.signed_bytes.n;
    TRY(signal_wire_sender_message_decode(span_skip(m.signed_bytes, 1), &wire));
    m.key_id = wire.key_id;
    m.iteration = wire.iteration;
    m.ciphertext = wire.ciphertext;
    *ret_m = m;
out:
    return err;
}

/* Opens with a key that was passed over earlier: it is used once, then gone. */
static enum wb_err open_stored(struct sender_key_state *state, const struct group_incoming *m,
                               struct buf *plain)
{
    struct sender_message_key *keys = state->keys;
    enum wb_err err;
    size_t i = 0, last;

    while (i < state->nkeys && keys[i].iteration != m->iteration)
        i++;
    if (i == state->nkeys)
        return WB_ERR_OLD_COUNTER;
    TRY(cbc_decrypt(keys[i].cipher_key, keys[i].iv, m->ciphertext, plain));
    last = --state->nkeys;
    memmove(&keys[i], &keys[i + 1], (last - i) * sizeof *keys);
    secret_wipe(&keys[last], sizeof *keys);
out:
    return err;
}

static enum wb_err open_ahead(struct sender_key_state *state, const struct group_incoming *m,
                              struct buf *plain)
{
    uint8_t chain[32];
    struct sender_message_key key;
    enum wb_err err;

    /* The last iteration is never used: the chain could not move behind it. */
    if (m->iteration - state->iteration > SENDER_KEY_FORWARD_MAX || m->iteration == UINT32_MAX)
        return WB_ERR_TOO_FAR_AHEAD;
    memcpy(chain, state->chain_key, sizeof chain);
    for (uint32_t at = state->iteration; at < m->iteration; at++)
        sender_chain_key_next(chain);
    sender_message_key_derive(m->iteration, chain, &key);
    TRY(cbc_decrypt(key.cipher_key, key.iv, m->ciphertext, plain));
    TRY(sender_key_state_forward(state, m->iteration));
    sender_chain_key_next(state->chain_key);
    state->iteration++;
out:
    secret_wipe(chain, sizeof chain);
    secret_wipe(&key, sizeof key);
    return err;
}

/* Most of the time for a group message is spent here, so the key is prepared once. */
static enum wb_err check_signature(struct sender_key_state *state, const struct group_incoming *m)
{
    enum wb_err err = WB_OK;

    if (!state->has_prepared)
        TRY(xeddsa_key_prepare(state->signing_pub, &state->prepared));
    state->has_prepared = true;
    TRY(xeddsa_verify_prepared(&state->prepared, &m->signed_bytes, 1, m->sig));
out:
    return err;
}

/* Checks the signature before deriving the key (P-SG-29). */
static enum wb_err open_with(struct sender_key_state *state, const struct group_incoming *m,
                             struct buf *plain)
{
    enum wb_err err;

    TRY(check_signature(state, m));
    TRY(m->iteration < state->iteration ? open_stored(state, m, plain)
                                        : open_ahead(state, m, plain));
out:
    return err;
}

static int telling(enum wb_err e)
{
    static const enum wb_err order[] = {WB_ERR_BAD_KEY_ID,    WB_ERR_BAD_KEY,
                                        WB_ERR_BAD_SIGNATURE, WB_ERR_BAD_PADDING,
                                        WB_ERR_TOO_FAR_AHEAD, WB_ERR_OLD_COUNTER};

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (order[i] == e)
            return (int)i;
    return -1; /* not about the message: stop at once */
}

bool sender_key_is_used(const struct sender_key_state *state, uint32_t iteration)
{
    if (iteration < state->first_iteration || iteration >= state->iteration)
        return false;
    for (size_t i = 0; i < state->nkeys; i++)
        if (state->keys[i].iteration == iteration)
            return false;
    return true;
}

/* A record can hold one chain twice (signal_group_distribution.c). A key that either copy has used
 * is used up, or the other copy would open the message once more. Only the owner of the signing key
 * can make a message count as old, so the signature is checked first. */
static enum wb_err refuse_used(struct sender_key_record *r, const struct group_incoming *m)
{
    for (size_t i = 0; i < r->nstates; i++) {
        struct sender_key_state *state = r->states[i];

        if (state->key_id != m->key_id || !sender_key_is_used(state, m->iteration))
            continue;
        enum wb_err err = check_signature(state, m);
        if (err == WB_OK)
            return WB_ERR_OLD_COUNTER;
        if (telling(err) < 0)
            return err;
    }
    return WB_OK;
}

enum wb_err sender_key_decrypt(struct sender_key_record *r, struct span message, struct buf *plain)
{
    enum wb_err worst = WB_ERR_BAD_KEY_ID;
    struct group_incoming m;
    size_t before = plain->n;
    enum wb_err err;

    if (r->nstates == 0)
        return WB_ERR_NO_SENDER_KEY;
    TRY(group_incoming_parse(message, &m));
    TRY(refuse_used(r, &m));
    /* An id can be there twice (signal_group_distribution.c): either state may open the message. */
    for (size_t i = 0; i < r->nstates; i++) {
        if (r->states[i]->key_id != m.key_id)
            continue;
        err = open_with(r->states[i], &m, plain);
        if (err == WB_OK)
            return WB_OK;
        signal_rollback(plain, before);
        if (telling(err) < 0)
            return err;
        if (telling(err) > telling(worst))
            worst = err;
    }
    err = worst;
out:
    return err;
}
