/* signal_group_distribution.c - filing a received SenderKeyDistributionMessage.
 *
 * whatsmeow puts every SKDM in front as a fresh state and then looks only at the first state of an
 * id: keys passed over before are lost, and used ones open again. whatsmeow senders put an SKDM
 * into every message, so this is the ordinary case. Here an SKDM that continues a chain that we
 * have is merged into it: nothing that it opens stays closed, and a used key stays used.
 *
 *   SKDM ahead of our place    the chain moves there, the keys passed over are kept
 *   SKDM at our place          nothing to do
 *   SKDM behind our place      keys from before our first SKDM of the chain are added
 *   chain not provably the same (another signing key or chain key, or too many steps between)
 *                              a state of its own in front; the old one stays behind it, and
 *                              sender_key_decrypt() asks both */
#include <stdlib.h>

#include "crypto/signal_internal.h"
#include "proto/signal_wire.h"

/* The SKDM's own state, not yet filed. */
static enum wb_err distribution_parse(struct span skdm, struct sender_key_state **ret_state)
{
    struct signal_wire_distribution wire;
    struct sender_key_state *state;
    enum wb_err err;

    TRY(signal_check_version(skdm));
    TRY(signal_wire_distribution_decode(span_skip(skdm, 1), &wire));
    state = sender_key_state_new();
    if (!state)
        return WB_ERR_NOMEM;
    state->key_id = wire.key_id;
    state->iteration = wire.iteration;
    state->first_iteration = wire.iteration;
    memcpy(state->chain_key, wire.chain_key, sizeof state->chain_key);
    memcpy(state->signing_pub, wire.signing_key + 1, X25519_KEY_BYTES);
    *ret_state = state;
out:
    return err;
}

/* Does the chain of `behind` lead to the chain of `ahead`? */
static bool leads_to(const struct sender_key_state *behind, const struct sender_key_state *ahead)
{
    uint8_t chain[32];
    bool same;

    if (ahead->iteration - behind->iteration > SENDER_KEY_FORWARD_MAX)
        return false;
    memcpy(chain, behind->chain_key, sizeof chain);
    for (uint32_t at = behind->iteration; at < ahead->iteration; at++)
        sender_chain_key_next(chain);
    same = secret_eq(chain, ahead->chain_key, sizeof chain);
    secret_wipe(chain, sizeof chain);
    return same;
}

static bool same_chain(const struct sender_key_state *a, const struct sender_key_state *b)
{
    if (a->key_id != b->key_id || memcmp(a->signing_pub, b->signing_pub, X25519_KEY_BYTES) != 0)
        return false;
    return a->iteration <= b->iteration ? leads_to(a, b) : leads_to(b, a);
}

/* Adds the keys from early's place up to the state's first key, in front of the keys it has. */
static enum wb_err add_earlier(struct sender_key_state *state, struct sender_key_state *early)
{
    size_t room = SENDER_KEY_MESSAGE_KEYS_MAX - state->nkeys;
    uint32_t end = state->first_iteration;
    struct sender_message_key *keys;
    size_t added;

    if (end <= early->iteration || room == 0)
        return WB_OK;
    while (end - early->iteration > room) { /* no room for all: the oldest keys are left out */
        sender_chain_key_next(early->chain_key);
        early->iteration++;
    }
    added = end - early->iteration;
    keys = malloc((added + state->nkeys) * sizeof *keys);
    if (!keys)
        return WB_ERR_NOMEM;
    state->first_iteration = early->iteration;
    for (size_t i = 0; i < added; i++) {
        sender_message_key_derive(early->iteration++, early->chain_key, &keys[i]);
        sender_chain_key_next(early->chain_key);
    }
    if (state->nkeys > 0)
        memcpy(keys + added, state->keys, state->nkeys * sizeof *keys);
    secret_free_sized(state->keys, state->nkeys * sizeof *keys);
    state->keys = keys;
    state->nkeys += added;
    return WB_OK;
}

static void move_to_front(struct sender_key_record *r, size_t at)
{
    struct sender_key_state *state = r->states[at];

    memmove(&r->states[1], &r->states[0], at * sizeof r->states[0]);
    r->states[0] = state;
}

enum wb_err sender_key_process_distribution(struct sender_key_record *r, struct span skdm)
{
    struct sender_key_state *state = NULL;
    enum wb_err err;
    size_t at = 0;

    TRY(distribution_parse(skdm, &state));
    while (at < r->nstates && !same_chain(r->states[at], state))
        at++;
    if (at == r->nstates) {
        sender_key_record_push(r, state);
        return WB_OK;
    }
    /* Only our own messages move our own chain (P-SG-30). */
    if (!r->states[at]->has_signing_priv) {
        if (state->iteration >= r->states[at]->iteration)
            TRY(sender_key_state_forward(r->states[at], state->iteration));
        else
            TRY(add_earlier(r->states[at], state));
        move_to_front(r, at);
    }
out:
    sender_key_state_free(state);
    return err;
}
