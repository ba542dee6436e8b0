#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "tools/import/signal_file.h"
#include "tools/import/value.h"

enum { CHAIN_SENDING = 1, CHAIN_RECEIVING = 2, OPEN = -1 };

static const json_t *at(const json_t *v, const char *name)
{
    return json_object_get(v, name);
}

/* Keys of objects are numbers and base64 keys. */
static enum wb_err key_index(const char *key, uint32_t *ret)
{
    uint64_t n = 0;

    if (!span_to_u64(span_cstr(key), &n) || n >= UINT32_MAX)
        return WB_ERR_MALFORMED;
    *ret = (uint32_t)n;
    return WB_OK;
}

/* Derives the three message keys from the seed that Node keeps (P-SG-08). */
static void keys_from_seed(const uint8_t seed[static 32], uint32_t index,
                           struct signal_message_keys *k)
{
    uint8_t out[sizeof k->cipher_key + sizeof k->mac_key + sizeof k->iv];

    hkdf_sha256(SPAN(seed, 32), SPAN_NULL, SPAN_LIT("WhisperMessageKeys"), out, sizeof out);
    memcpy(k->cipher_key, out, sizeof k->cipher_key);
    memcpy(k->mac_key, out + sizeof k->cipher_key, sizeof k->mac_key);
    memcpy(k->iv, out + sizeof k->cipher_key + sizeof k->mac_key, sizeof k->iv);
    k->index = index;
    secret_wipe(out, sizeof out);
}

static int by_index(const void *a, const void *b)
{
    const struct signal_message_keys *x = a, *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

/* Reads skipped keys and keeps the newest SIGNAL_MESSAGE_KEYS_MAX. */
static enum wb_err read_skipped(json_t *v, struct signal_chain *c)
{
    size_t n = json_object_size(v);
    const char *key;
    json_t *value;
    enum wb_err err = WB_OK;

    if (n == 0)
        return WB_OK;
    struct signal_message_keys *keys = calloc(n, sizeof *keys);
    if (!keys)
        return WB_ERR_NOMEM;
    size_t got = 0;
    json_object_foreach(v, key, value)
    {
        uint8_t seed[32] = {0};
        uint32_t index = 0;

        TRY(key_index(key, &index));
        TRY(value_exact(value, seed, sizeof seed));
        /* A key that the chain has not reached would be made once more from the chain. */
        TRY(index < c->chain_key.index ? WB_OK : WB_ERR_MALFORMED);
        keys_from_seed(seed, index, &keys[got++]);
        secret_wipe(seed, sizeof seed);
    }
    qsort(keys, got, sizeof *keys, by_index);
    if (got == 0)
        goto out;
    size_t keep = got < SIGNAL_MESSAGE_KEYS_MAX ? got : SIGNAL_MESSAGE_KEYS_MAX;
    c->keys = calloc(keep, sizeof *keys);
    if (!c->keys) {
        err = WB_ERR_NOMEM;
        goto out;
    }
    memcpy(c->keys, keys + (got - keep), keep * sizeof *keys);
    c->nkeys = keep;
out:
    secret_free_sized(keys, n * sizeof *keys);
    return err;
}

static enum wb_err read_chain(const json_t *v, const struct rng *rng, struct signal_chain *c)
{
    const json_t *chain_key = at(v, "chainKey");
    const json_t *key = at(chain_key, "key");
    int64_t counter = 0;
    enum wb_err err;

    TRY(value_int(at(chain_key, "counter"), -1, UINT32_MAX - 1, &counter));
    c->chain_key.index = (uint32_t)(counter + 1);
    if (json_is_null(key) || !key)
        rng_fill(rng, c->chain_key.key, sizeof c->chain_key.key);
    else
        TRY(value_exact(key, c->chain_key.key, sizeof c->chain_key.key));
    err = read_skipped(json_object_get(v, "messageKeys"), c);
out:
    return err;
}

static int64_t chain_type(const json_t *chain)
{
    const json_t *type = at(chain, "chainType");

    return json_is_integer(type) ? json_integer_value(type) : 0;
}

static enum wb_err read_chains(json_t *v, const struct rng *rng, struct signal_state *s)
{
    size_t receiving = 0, old = 0;
    const char *name;
    json_t *chain;
    enum wb_err err = WB_OK;

    json_object_foreach(v, name, chain) receiving += chain_type(chain) == CHAIN_RECEIVING;
    if (receiving > SIGNAL_RECEIVER_CHAINS_MAX)
        old = receiving - SIGNAL_RECEIVER_CHAINS_MAX;
    json_object_foreach(v, name, chain)
    {
        json_t *text = json_string(name);
        uint8_t pub[X25519_KEY_BYTES];

        err = text ? value_public(text, pub) : WB_ERR_NOMEM;
        json_decref(text);
        TRY(err);
        if (chain_type(chain) == CHAIN_RECEIVING) {
            if (old > 0) {
                old--;
                continue;
            }
            struct signal_chain *c = &s->receiver_chains[s->nreceiver_chains++];
            memcpy(c->ratchet.pub, pub, sizeof pub);
            TRY(read_chain(chain, rng, c));
        } else if (chain_type(chain) == CHAIN_SENDING &&
                   secret_eq(pub, s->sender_chain.ratchet.pub, sizeof pub)) {
            /* A sending chain without its key cannot send; our own skipped keys are of no use. */
            TRY(at(at(chain, "chainKey"), "key") ? WB_OK : WB_ERR_MALFORMED);
            TRY(read_chain(chain, rng, &s->sender_chain));
            secret_free_sized(s->sender_chain.keys,
                              s->sender_chain.nkeys * sizeof *s->sender_chain.keys);
            s->sender_chain.keys = NULL;
            s->sender_chain.nkeys = 0;
            s->has_sender_chain = true;
        }
    }
out:
    return err;
}

static enum wb_err read_pending(const json_t *v, struct signal_pending_prekey *p)
{
    const json_t *prekey_id = at(v, "preKeyId");
    enum wb_err err = WB_OK;

    if (!v || json_is_null(v))
        return WB_OK;
    TRY(value_u32(at(v, "signedKeyId"), &p->signed_prekey_id));
    TRY(value_public(at(v, "baseKey"), p->base_key));
    if (prekey_id && !json_is_null(prekey_id)) {
        TRY(value_u32(prekey_id, &p->prekey_id));
        p->has_prekey_id = p->prekey_id != 0;
    }
    p->present = true;
out:
    return err;
}

static enum wb_err read_state(const json_t *v, const json_t *record,
                              const struct signal_local *local, const struct rng *rng,
                              struct signal_state *s)
{
    const json_t *ratchet = at(v, "currentRatchet"), *info = at(v, "indexInfo");
    const json_t *registration = at(v, "registrationId");
    int64_t previous = 0;
    enum wb_err err;

    memcpy(s->local_identity, local->identity.pub, sizeof s->local_identity);
    s->local_registration_id = local->registration_id;
    /* Records from before the version "v1" have one registrationId for all states. */
    TRY(value_u32(registration ? registration : at(record, "registrationId"),
                  &s->remote_registration_id));
    TRY(value_pair(at(ratchet, "ephemeralKeyPair"), "privKey", "pubKey", &s->sender_chain.ratchet));
    TRY(value_exact(at(ratchet, "rootKey"), s->root_key, sizeof s->root_key));
    /* -1: nothing was sent on the chain before. */
    TRY(value_int(at(ratchet, "previousCounter"), -1, UINT32_MAX, &previous));
    s->previous_counter = previous < 0 ? 0 : (uint32_t)previous;
    TRY(value_public(at(info, "remoteIdentityKey"), s->remote_identity));
    TRY(value_public(at(info, "baseKey"), s->base_key));
    TRY(read_pending(at(v, "pendingPreKey"), &s->pending));
    err = read_chains(json_object_get(v, "_chains"), rng, s);
out:
    return err;
}

struct session_entry {
    struct signal_state *state;
    double used;
    bool open;
};

static int last_used_first(const void *a, const void *b)
{
    const struct session_entry *x = a, *y = b;

    return (x->used < y->used) - (x->used > y->used);
}

static enum wb_err read_entries(json_t *record, const struct signal_local *local,
                                const struct rng *rng, struct session_entry *entries, size_t *ret_n)
{
    const char *name;
    json_t *v;
    size_t n = 0;
    enum wb_err err = WB_OK;

    json_object_foreach(json_object_get(record, "_sessions"), name, v)
    {
        const json_t *info = at(v, "indexInfo");
        const json_t *closed = at(info, "closed");
        struct signal_state *s = signal_state_new();

        if (!s) {
            err = WB_ERR_NOMEM;
            break;
        }
        err = read_state(v, record, local, rng, s);
        if (err != WB_OK) {
            signal_state_free(s);
            if (err == WB_ERR_NOMEM)
                break;
            continue; /* one damaged state; the others may do */
        }
        entries[n++] = (struct session_entry){.state = s,
                                              .used = json_number_value(at(info, "used")),
                                              .open = json_is_integer(closed) &&
                                                      json_integer_value(closed) == OPEN};
    }
    *ret_n = n;
    if (err == WB_ERR_NOMEM)
        return err;
    return n ? WB_OK : err != WB_OK ? err : WB_ERR_NOT_FOUND;
}

/* Makes the open state the current one and archives the others, last used first; the session owns
 * them then. */
static void arrange(struct signal_session *s, struct session_entry *entries, size_t n)
{
    qsort(entries, n, sizeof *entries, last_used_first);
    for (size_t i = 0; i < n; i++) {
        struct session_entry *e = &entries[i];

        if (e->open && !s->current)
            s->current = e->state;
        else if (s->narchived < SIGNAL_ARCHIVED_STATES_MAX)
            s->archived[s->narchived++] = e->state;
        else
            signal_state_free(e->state);
    }
}

enum wb_err session_file_read(struct span json, const struct signal_local *local,
                              const struct rng *rng, struct signal_session **ret)
{
    struct signal_session *s = NULL;
    struct session_entry *entries = NULL;
    json_t *root = NULL;
    size_t n = 0;
    enum wb_err err;

    TRY(value_parse(json, &root));
    size_t most = json_object_size(json_object_get(root, "_sessions"));
    TRY(most ? WB_OK : WB_ERR_NOT_FOUND);
    entries = calloc(most, sizeof *entries);
    s = signal_session_new();
    TRY(entries && s ? WB_OK : WB_ERR_NOMEM);
    err = read_entries(root, local, rng, entries, &n);
    arrange(s, entries, n);
    TRY(err);
    *ret = s;
    s = NULL;
out:
    signal_session_free(s);
    free(entries);
    json_decref(root);
    return err;
}
