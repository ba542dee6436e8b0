/* signal_group_chain.c - sender keys: the chain of one state, and the order of states. */
#include <stdlib.h>

#include "crypto/signal_internal.h"

static const uint8_t message_seed[1] = {1}, chain_seed[1] = {2}; /* P-SG-27 */

void sender_message_key_derive(uint32_t iteration, const uint8_t chain_key[static 32],
                               struct sender_message_key *key)
{
    uint8_t okm[AES_BLOCK_BYTES + AES_KEY_BYTES];

    hmac_sha256(SPAN(chain_key, 32), SPAN_ARRAY(message_seed), key->seed);
    hkdf_sha256(SPAN_ARRAY(key->seed), SPAN_NULL, SPAN_LIT("WhisperGroup"), okm, sizeof okm);
    memcpy(key->iv, okm, AES_BLOCK_BYTES);
    memcpy(key->cipher_key, okm + AES_BLOCK_BYTES, AES_KEY_BYTES);
    key->iteration = iteration;
    secret_wipe(okm, sizeof okm);
}

void sender_chain_key_next(uint8_t chain_key[static 32])
{
    uint8_t next[SHA256_BYTES];

    hmac_sha256(SPAN(chain_key, 32), SPAN_ARRAY(chain_seed), next);
    memcpy(chain_key, next, sizeof next);
    secret_wipe(next, sizeof next);
}

enum wb_err sender_key_state_forward(struct sender_key_state *state, uint32_t iteration)
{
    size_t had = state->nkeys, skipped = iteration - state->iteration;
    size_t dropped = had + skipped > SENDER_KEY_MESSAGE_KEYS_MAX
                         ? had + skipped - SENDER_KEY_MESSAGE_KEYS_MAX
                         : 0;
    size_t n = had + skipped - dropped;
    struct sender_message_key *keys;

    if (skipped == 0)
        return WB_OK;
    /* skipped <= SENDER_KEY_FORWARD_MAX = SENDER_KEY_MESSAGE_KEYS_MAX: only old keys drop out. */
    keys = malloc(n * sizeof *keys);
    if (!keys)
        return WB_ERR_NOMEM;
    if (had > dropped)
        memcpy(keys, state->keys + dropped, (had - dropped) * sizeof *keys);
    for (size_t i = had - dropped; i < n; i++) {
        sender_message_key_derive(state->iteration, state->chain_key, &keys[i]);
        sender_chain_key_next(state->chain_key);
        state->iteration++;
    }
    secret_free_sized(state->keys, had * sizeof *keys);
    state->keys = keys;
    state->nkeys = n;
    return WB_OK;
}

void sender_key_record_push(struct sender_key_record *r, struct sender_key_state *state)
{
    if (r->nstates == SENDER_KEY_STATES_MAX)
        sender_key_state_free(r->states[--r->nstates]);
    memmove(&r->states[1], &r->states[0], r->nstates * sizeof r->states[0]);
    r->states[0] = state;
    r->nstates++;
}
