/* signal_receive.c - one SignalMessage against one state.
 *
 * Nothing of the state is touched before the MAC is verified, the plaintext is there and all memory
 * is reserved: the changes are worked out in struct step and then filed by step_commit(), which
 * cannot fail. So trying a state needs no copy of it. */
#include <stdlib.h>

#include "crypto/prim_cbc.h"
#include "crypto/signal_internal.h"
#include "proto/signal_wire.h"

struct step {
    struct signal_chain *chain; /* the known chain, or NULL: a new one */
    size_t stored;              /* index in chain->keys, or SIZE_MAX: the key is derived */
    struct signal_message_keys keys;
    struct signal_chain_key from; /* before the keys passed over */
    struct signal_chain_key next; /* after this message */
    uint8_t root[32];             /* new chain: after the receiving half step */
    struct signal_chain sending;  /* new chain: our next sending chain */
    uint8_t sending_root[32];
    struct signal_message_keys *kept; /* replaces chain->keys; malloc'd */
    size_t nkept;
};

enum wb_err signal_check_version(struct span message)
{
    if (message.n == 0)
        return WB_ERR_TRUNCATED;
    return message.p[0] >> 4 == SIGNAL_VERSION ? WB_OK : WB_ERR_VERSION;
}

enum wb_err signal_incoming_parse(struct span message, struct signal_incoming *ret_m)
{
    struct signal_wire_message wire;
    struct signal_incoming m;
    enum wb_err err;

    TRY(signal_check_version(message));
    if (message.n < 1 + SIGNAL_MAC_BYTES)
        return WB_ERR_TRUNCATED;
    m.signed_bytes = span_first(message, message.n - SIGNAL_MAC_BYTES);
    m.mac = message.p + m.signed_bytes.n;
    TRY(signal_wire_message_decode(span_skip(m.signed_bytes, 1), &wire));
    m.ratchet = wire.ratchet_key + 1; /* after the type byte */
    m.counter = wire.counter;
    m.ciphertext = wire.ciphertext;
    *ret_m = m;
out:
    return err;
}

static struct signal_chain *find_chain(const struct signal_state *state,
                                       const struct signal_incoming *m)
{
    /* It is nearly always the newest chain. */
    for (size_t i = state->nreceiver_chains; i-- > 0;) {
        const struct signal_chain *c = &state->receiver_chains[i];

        if (memcmp(c->ratchet.pub, m->ratchet, X25519_KEY_BYTES) == 0)
            return (struct signal_chain *)(uintptr_t)c;
    }
    return NULL;
}

bool signal_state_knows(const struct signal_state *state, const struct signal_incoming *m)
{
    return find_chain(state, m) != NULL;
}

/* Finds the message key, and where the chain stands after it. */
static enum wb_err step_find_keys(struct step *st, const struct signal_incoming *m)
{
    if (m->counter < st->from.index) {
        for (size_t i = 0; st->chain && i < st->chain->nkeys; i++) {
            if (st->chain->keys[i].index == m->counter) {
                st->stored = i;
                st->keys = st->chain->keys[i];
                return WB_OK;
            }
        }
        return WB_ERR_OLD_COUNTER;
    }
    /* The last index is never used: the chain could not move past it. */
    if (m->counter - st->from.index > SIGNAL_FORWARD_MAX || m->counter == UINT32_MAX)
        return WB_ERR_TOO_FAR_AHEAD;
    st->next = st->from;
    while (st->next.index < m->counter)
        signal_chain_key_next(&st->next);
    signal_message_keys_derive(&st->next, &st->keys);
    signal_chain_key_next(&st->next);
    return WB_OK;
}

static enum wb_err step_plan(struct step *st, const struct signal_state *state,
                             const struct signal_incoming *m)
{
    enum wb_err err;

    st->stored = SIZE_MAX;
    st->chain = find_chain(state, m);
    if (st->chain) {
        st->from = st->chain->chain_key;
    } else {
        if (!state->has_sender_chain)
            return WB_ERR_NO_SESSION;
        TRY(signal_root_step(state->root_key, state->sender_chain.ratchet.priv, m->ratchet,
                             st->root, &st->from));
    }
    TRY(step_find_keys(st, m));
out:
    return err;
}

static enum wb_err step_check_mac(const struct step *st, const struct signal_state *state,
                                  const struct signal_incoming *m)
{
    uint8_t mac[SIGNAL_MAC_BYTES];

    signal_message_mac(st->keys.mac_key, state->remote_identity, state->local_identity,
                       m->signed_bytes, mac);
    return secret_eq(mac, m->mac, sizeof mac) ? WB_OK : WB_ERR_BAD_MAC;
}

/* Collects the keys to keep: the old ones and those passed over, at most
 * SIGNAL_MESSAGE_KEYS_MAX. */
static enum wb_err step_keep_skipped(struct step *st, const struct signal_incoming *m)
{
    size_t had = st->chain ? st->chain->nkeys : 0;
    size_t skipped = st->stored == SIZE_MAX ? m->counter - st->from.index : 0;
    size_t dropped =
        had + skipped > SIGNAL_MESSAGE_KEYS_MAX ? had + skipped - SIGNAL_MESSAGE_KEYS_MAX : 0;
    struct signal_chain_key at = st->from;

    if (skipped == 0)
        return WB_OK;
    /* skipped <= SIGNAL_FORWARD_MAX = SIGNAL_MESSAGE_KEYS_MAX: only old keys are dropped. */
    st->nkept = had + skipped - dropped;
    st->kept = malloc(st->nkept * sizeof *st->kept);
    if (!st->kept)
        return WB_ERR_NOMEM;
    if (had > dropped)
        memcpy(st->kept, st->chain->keys + dropped, (had - dropped) * sizeof *st->kept);
    for (size_t i = had - dropped; i < st->nkept; i++) {
        signal_message_keys_derive(&at, &st->kept[i]);
        signal_chain_key_next(&at);
    }
    secret_wipe(&at, sizeof at);
    return WB_OK;
}

static enum wb_err step_new_sending(struct step *st, const struct signal_incoming *m,
                                    const struct rng *rng)
{
    if (st->chain)
        return WB_OK;
    x25519_generate(rng, &st->sending.ratchet);
    return signal_root_step(st->root, st->sending.ratchet.priv, m->ratchet, st->sending_root,
                            &st->sending.chain_key);
}

static void drop_oldest_chain(struct signal_state *state)
{
    struct signal_chain *c = state->receiver_chains;

    secret_free_sized(c[0].keys, c[0].nkeys * sizeof *c[0].keys);
    memmove(&c[0], &c[1], (SIGNAL_RECEIVER_CHAINS_MAX - 1) * sizeof c[0]);
    secret_wipe(&c[SIGNAL_RECEIVER_CHAINS_MAX - 1], sizeof c[0]);
    state->nreceiver_chains--;
}

static void commit_new_chain(struct step *st, struct signal_state *state,
                             const struct signal_incoming *m)
{
    uint32_t sent = state->sender_chain.chain_key.index;

    if (state->nreceiver_chains == SIGNAL_RECEIVER_CHAINS_MAX)
        drop_oldest_chain(state);
    st->chain = &state->receiver_chains[state->nreceiver_chains++];
    memset(st->chain, 0, sizeof *st->chain);
    memcpy(st->chain->ratchet.pub, m->ratchet, X25519_KEY_BYTES);
    /* Go peers let this underflow; nobody reads the value (P-SG-20). */
    state->previous_counter = sent > 0 ? sent - 1 : 0;
    state->sender_chain.ratchet = st->sending.ratchet;
    state->sender_chain.chain_key = st->sending.chain_key;
    memcpy(state->root_key, st->sending_root, sizeof state->root_key);
}

static void step_commit(struct step *st, struct signal_state *state,
                        const struct signal_incoming *m)
{
    if (!st->chain)
        commit_new_chain(st, state, m);
    if (st->stored != SIZE_MAX) {
        struct signal_message_keys *k = st->chain->keys;
        size_t last = --st->chain->nkeys;

        memmove(&k[st->stored], &k[st->stored + 1], (last - st->stored) * sizeof *k);
        secret_wipe(&k[last], sizeof *k);
    } else {
        st->chain->chain_key = st->next;
    }
    if (st->kept) {
        secret_free_sized(st->chain->keys, st->chain->nkeys * sizeof *st->chain->keys);
        st->chain->keys = st->kept;
        st->chain->nkeys = st->nkept;
        st->kept = NULL;
    }
    secret_wipe(&state->pending, sizeof state->pending); /* the peer has answered (P-SG-13) */
}

enum wb_err signal_state_receive(struct signal_state *state, const struct signal_incoming *m,
                                 const struct rng *rng, struct buf *plain, bool *ret_stepped)
{
    struct step st = {0};
    size_t before = plain->n;
    enum wb_err err;

    TRY(step_plan(&st, state, m));
    TRY(step_check_mac(&st, state, m));
    TRY(step_keep_skipped(&st, m));
    TRY(step_new_sending(&st, m, rng));
    TRY(cbc_decrypt(st.keys.cipher_key, st.keys.iv, m->ciphertext, plain));
    *ret_stepped = st.chain == NULL;
    step_commit(&st, state, m);
out:
    if (err != WB_OK)
        signal_rollback(plain, before);
    secret_free_sized(st.kept, st.nkept * sizeof *st.kept);
    secret_wipe(&st, sizeof st);
    return err;
}
