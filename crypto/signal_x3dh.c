/* signal_x3dh.c - X3DH, both sides: from prekeys to the first state of a session. */
#include "crypto/signal_internal.h"

enum {
    X3DH_PREFIX_BYTES = 32, /* FF bytes in front of the agreements (P-SG-05) */
    X3DH_AGREEMENTS_MAX = 4,
    X3DH_SECRET_MAX = X3DH_PREFIX_BYTES + X3DH_AGREEMENTS_MAX * X25519_KEY_BYTES,
};

struct x3dh_secret {
    uint8_t p[X3DH_SECRET_MAX];
    size_t n;
};

static enum wb_err secret_add(struct x3dh_secret *s, const uint8_t priv[static X25519_KEY_BYTES],
                              const uint8_t pub[static X25519_KEY_BYTES])
{
    enum wb_err err = x25519_agree(priv, pub, s->p + s->n);

    if (err == WB_OK)
        s->n += X25519_KEY_BYTES;
    return err;
}

static struct x3dh_secret secret_begin(void)
{
    struct x3dh_secret s = {.n = X3DH_PREFIX_BYTES};

    memset(s.p, 0xff, X3DH_PREFIX_BYTES);
    return s;
}

static void state_name(struct signal_state *state, const struct signal_local *local,
                       const uint8_t remote[static X25519_KEY_BYTES], uint32_t remote_registration,
                       const uint8_t base_key[static X25519_KEY_BYTES])
{
    memcpy(state->local_identity, local->identity.pub, X25519_KEY_BYTES);
    memcpy(state->remote_identity, remote, X25519_KEY_BYTES);
    memcpy(state->base_key, base_key, X25519_KEY_BYTES);
    state->local_registration_id = local->registration_id;
    state->remote_registration_id = remote_registration;
}

/* P-SG-06: their signed prekey is their first ratchet key; our first ratchet pair is new. */
static enum wb_err initiator_chains(struct signal_state *state, const struct signal_bundle *bundle,
                                    struct span secret, const struct rng *rng)
{
    struct signal_chain *theirs = &state->receiver_chains[0];
    struct signal_chain *ours = &state->sender_chain;
    enum wb_err err;

    memcpy(theirs->ratchet.pub, bundle->signed_prekey, X25519_KEY_BYTES);
    state->nreceiver_chains = 1;
    signal_derive_first(secret, state->root_key, &theirs->chain_key);
    x25519_generate(rng, &ours->ratchet);
    TRY(signal_root_step(state->root_key, ours->ratchet.priv, bundle->signed_prekey,
                         state->root_key, &ours->chain_key));
    state->has_sender_chain = true;
out:
    return err;
}

enum wb_err signal_x3dh_initiate(const struct signal_local *local,
                                 const struct signal_bundle *bundle, const struct rng *rng,
                                 struct signal_state **ret_state)
{
    struct x3dh_secret secret = secret_begin();
    struct signal_state *state = signal_state_new();
    struct x25519_pair base;
    /* Id 0 means "no one-time prekey" at the other end (P-SG-12): leave that prekey out. */
    bool one_time = bundle->has_prekey && bundle->prekey_id != 0;
    enum wb_err err = WB_ERR_NOMEM;

    x25519_generate(rng, &base);
    if (!state)
        goto out;
    TRY(secret_add(&secret, local->identity.priv, bundle->signed_prekey));
    TRY(secret_add(&secret, base.priv, bundle->identity));
    TRY(secret_add(&secret, base.priv, bundle->signed_prekey));
    if (one_time)
        TRY(secret_add(&secret, base.priv, bundle->prekey));
    TRY(initiator_chains(state, bundle, SPAN(secret.p, secret.n), rng));
    state_name(state, local, bundle->identity, bundle->registration_id, base.pub);
    state->pending.present = true;
    state->pending.has_prekey_id = one_time;
    state->pending.prekey_id = one_time ? bundle->prekey_id : 0;
    state->pending.signed_prekey_id = bundle->signed_prekey_id;
    memcpy(state->pending.base_key, base.pub, X25519_KEY_BYTES);
    *ret_state = state;
    state = NULL;
out:
    secret_wipe(&secret, sizeof secret);
    secret_wipe(&base, sizeof base);
    signal_state_free(state);
    return err;
}

enum wb_err signal_x3dh_respond(const struct signal_local *local,
                                const struct signal_prekey_header *h,
                                const struct x25519_pair *signed_prekey,
                                const struct x25519_pair *prekey, struct signal_state **ret_state)
{
    struct x3dh_secret secret = secret_begin();
    struct signal_state *state = signal_state_new();
    enum wb_err err = WB_ERR_NOMEM;

    if (!state)
        goto out;
    TRY(secret_add(&secret, signed_prekey->priv, h->identity));
    TRY(secret_add(&secret, local->identity.priv, h->base_key));
    TRY(secret_add(&secret, signed_prekey->priv, h->base_key));
    if (prekey)
        TRY(secret_add(&secret, prekey->priv, h->base_key));
    /* Our signed prekey is our first ratchet pair; the first message replaces it (P-SG-06). */
    state->sender_chain.ratchet = *signed_prekey;
    signal_derive_first(SPAN(secret.p, secret.n), state->root_key, &state->sender_chain.chain_key);
    state->has_sender_chain = true;
    state_name(state, local, h->identity, h->registration_id, h->base_key);
    *ret_state = state;
    state = NULL;
out:
    secret_wipe(&secret, sizeof secret);
    signal_state_free(state);
    return err;
}
