/* signal_decrypt.c - a received message against a session record: which state is it for? */
#include "crypto/signal_internal.h"

static struct signal_state *state_at(const struct signal_session *s, size_t i)
{
    if (i == 0)
        return s->current;
    return s->archived[i - 1];
}

/* If several states fail, the failure that tells the most is reported: rank of an error. */
static int telling(enum wb_err e)
{
    static const enum wb_err order[] = {WB_ERR_NO_SESSION,    WB_ERR_BAD_KEY,
                                        WB_ERR_BAD_MAC,       WB_ERR_BAD_PADDING,
                                        WB_ERR_TOO_FAR_AHEAD, WB_ERR_OLD_COUNTER};

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (order[i] == e)
            return (int)i;
    return -1; /* not about the message: stop at once */
}

/* Tries the states that know (or do not know) the message's ratchet key, current first. *ret_at:
 * the state that decrypted it. *worst: the most telling failure so far. */
static bool try_states(struct signal_session *s, const struct signal_incoming *m, bool known,
                       const struct rng *rng, struct buf *plain, enum wb_err *worst, size_t *ret_at,
                       bool *ret_stepped)
{
    for (size_t i = 0; i <= s->narchived; i++) {
        struct signal_state *state = state_at(s, i);
        enum wb_err err;

        if (!state || signal_state_knows(state, m) != known)
            continue;
        err = signal_state_receive(state, m, rng, plain, ret_stepped);
        if (err == WB_OK) {
            *ret_at = i;
            return true;
        }
        if (telling(err) < 0 || telling(err) > telling(*worst))
            *worst = err;
        if (telling(err) < 0)
            return false;
    }
    return false;
}

/* Is the state's peer the owner of this identity? */
static bool is_of(const struct signal_state *state, const uint8_t *identity)
{
    return identity && memcmp(state->remote_identity, identity, X25519_KEY_BYTES) == 0;
}

/* P-SG-16: the state that decrypted becomes current, with exceptions. A state of an identity that
 * is not the trusted one is for receiving only: its installation is gone, and nobody could read
 * what we would send with it. A record without a current state, and a retired state, are for
 * receiving only, too: their sending chains may have moved on elsewhere (a restored copy). Such a
 * state becomes current only when the message brought a new ratchet key, and with it a sending
 * chain that nobody else has. */
static void promote(struct signal_session *s, size_t at, bool stepped, const uint8_t *trusted)
{
    struct signal_state *state;

    if (at == 0)
        return;
    state = s->archived[at - 1];
    if (!is_of(state, trusted))
        return;
    if (!stepped && (!s->current || state->sender_chain.chain_key.index == SIGNAL_CHAIN_SPENT))
        return;
    memmove(&s->archived[at - 1], &s->archived[at], (s->narchived - at) * sizeof s->archived[0]);
    s->narchived--;
    signal_session_archive_current(s);
    s->current = state;
}

enum wb_err signal_decrypt(struct signal_session *s, struct span message, const uint8_t *trusted,
                           const struct rng *rng, struct buf *plain)
{
    struct signal_incoming m;
    enum wb_err err = signal_incoming_parse(message, &m);
    enum wb_err worst = WB_ERR_NO_SESSION;
    bool stepped = false;
    size_t at = 0;

    if (err != WB_OK)
        return err;
    /* A ratchet key belongs to one state, so states that know it go first: the others would cost an
     * agreement each, and can only fail. The others are still tried, in case a key appears twice,
     * but not for a counter that is known to be used. */
    if (try_states(s, &m, true, rng, plain, &worst, &at, &stepped)) {
        promote(s, at, stepped, trusted);
        return WB_OK;
    }
    if (worst == WB_ERR_OLD_COUNTER || telling(worst) < 0)
        return worst;
    if (try_states(s, &m, false, rng, plain, &worst, &at, &stepped)) {
        promote(s, at, stepped, trusted);
        return WB_OK;
    }
    return worst;
}

static const struct signal_state *find_base_key(const struct signal_session *s,
                                                const uint8_t base_key[static X25519_KEY_BYTES])
{
    for (size_t i = 0; i <= s->narchived; i++) {
        const struct signal_state *state = state_at(s, i);

        if (state && memcmp(state->base_key, base_key, X25519_KEY_BYTES) == 0)
            return state;
    }
    return NULL;
}

bool signal_session_has_base_key(const struct signal_session *s,
                                 const uint8_t base_key[static X25519_KEY_BYTES])
{
    return find_base_key(s, base_key) != NULL;
}

enum wb_err signal_decrypt_prekey(struct signal_session *s, const struct signal_local *local,
                                  const struct signal_prekey_header *h, const uint8_t *trusted,
                                  const struct x25519_pair *signed_prekey,
                                  const struct x25519_pair *prekey, const struct rng *rng,
                                  struct buf *plain, bool *ret_used_prekey)
{
    const struct signal_state *known = find_base_key(s, h->base_key);
    struct signal_state *state = NULL;
    struct signal_incoming m;
    bool stepped = false;
    enum wb_err err;

    if (known) {
        /* The MAC does not cover the header: it must not speak for another identity. */
        if (memcmp(known->remote_identity, h->identity, X25519_KEY_BYTES) != 0)
            return WB_ERR_UNTRUSTED_IDENTITY;
        TRY(signal_decrypt(s, h->message, trusted, rng, plain));
        *ret_used_prekey = false;
        return WB_OK;
    }
    if (!signed_prekey || (h->has_prekey_id && !prekey))
        return WB_ERR_BAD_KEY_ID;
    TRY(signal_incoming_parse(h->message, &m));
    TRY(signal_x3dh_respond(local, h, signed_prekey, h->has_prekey_id ? prekey : NULL, &state));
    TRY(signal_state_receive(state, &m, rng, plain, &stepped));
    if (is_of(state, trusted)) {
        signal_session_archive_current(s); /* P-SG-17 */
        s->current = state;
    } else {
        signal_session_archive(s, state);
    }
    state = NULL;
    *ret_used_prekey = h->has_prekey_id;
out:
    signal_state_free(state);
    return err;
}
