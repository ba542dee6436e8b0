/* sender_key_json_read.c - reads sender key records as whatsmeow (or we) wrote them. */
#include "base/secret.h"
#include "store/session/limits.h"
#include "store/session/session_json.h"
#include "store/session/session_json_read.h"

static void get_message_key(struct json_in *j, struct sender_message_key *k)
{
    struct span key;
    bool first = true;

    json_in_object(j);
    while (json_in_key(j, &first, &key)) {
        if (json_in_key_is(key, "Iteration"))
            k->iteration = json_in_u32(j);
        else if (json_in_key_is(key, "IV"))
            json_get_bytes(j, k->iv, sizeof k->iv);
        else if (json_in_key_is(key, "CipherKey"))
            json_get_bytes(j, k->cipher_key, sizeof k->cipher_key);
        else if (json_in_key_is(key, "Seed"))
            json_get_bytes(j, k->seed, sizeof k->seed);
        else
            json_in_skip(j);
    }
}

static void get_keys(struct json_in *j, struct sender_key_state *s)
{
    size_t cap = 0;
    bool first = true;
    void *items = NULL;

    if (json_in_null(j))
        return;
    if (s->keys) { /* the same name twice */
        json_in_fail(j, WB_ERR_MALFORMED);
        return;
    }
    json_in_array(j);
    while (json_in_item(j, &first)) {
        struct sender_message_key *k =
            json_grow(j, &items, &s->nkeys, &cap, sizeof *k, SENDER_KEY_MESSAGE_KEYS_MAX);

        if (k)
            get_message_key(j, k);
    }
    s->keys = items;
}

static void get_chain_key(struct json_in *j, struct sender_key_state *s)
{
    struct span key;
    bool first = true;

    json_in_object(j);
    while (json_in_key(j, &first, &key)) {
        if (json_in_key_is(key, "Iteration"))
            s->iteration = json_in_u32(j);
        else if (json_in_key_is(key, "ChainKey"))
            json_get_bytes(j, s->chain_key, sizeof s->chain_key);
        else
            json_in_skip(j);
    }
}

/* null, and 32 zero bytes after whatsmeow loaded and stored it, mean "not ours" (P-DB-18). */
static void get_private(struct json_in *j, struct sender_key_state *s)
{
    static const uint8_t zeros[X25519_KEY_BYTES];

    if (json_in_null(j))
        return;
    json_get_bytes(j, s->signing_priv, sizeof s->signing_priv);
    s->has_signing_priv = !secret_eq(s->signing_priv, zeros, sizeof zeros);
}

static void get_state(struct json_in *j, struct sender_key_state *s)
{
    struct span key;
    bool first = true, has_public = false, has_chain = false;

    json_in_object(j);
    while (json_in_key(j, &first, &key)) {
        if (json_in_key_is(key, "Keys")) {
            get_keys(j, s);
        } else if (json_in_key_is(key, "KeyID")) {
            s->key_id = json_in_u32(j);
        } else if (json_in_key_is(key, "SenderChainKey")) {
            get_chain_key(j, s);
            has_chain = true;
        } else if (json_in_key_is(key, "SigningKeyPrivate")) {
            get_private(j, s);
        } else if (json_in_key_is(key, "SigningKeyPublic")) {
            json_get_key(j, s->signing_pub);
            has_public = true;
        } else if (json_in_key_is(key, "FirstIteration")) {
            s->first_iteration = json_in_u32(j);
        } else {
            json_in_skip(j);
        }
    }
    if (!has_public || !has_chain)
        json_in_fail(j, WB_ERR_MALFORMED);
    if (s->first_iteration > s->iteration) /* no program writes that: counts as not known */
        s->first_iteration = 0;
}

static void get_states(struct json_in *j, struct sender_key_record *r)
{
    bool first = true;

    if (json_in_null(j))
        return;
    json_in_array(j);
    while (json_in_item(j, &first)) {
        if (r->nstates == SENDER_KEY_STATES_MAX) { /* the oldest fall off */
            json_in_skip(j);
            continue;
        }
        struct sender_key_state *s = sender_key_state_new();
        if (!s) {
            json_in_fail(j, WB_ERR_NOMEM);
            return;
        }
        r->states[r->nstates++] = s;
        get_state(j, s);
    }
}

enum wb_err sender_key_json_read(struct span json, struct sender_key_record **ret)
{
    struct json_in j = json_in_new(json);
    struct span key;
    bool first = true;

    if (json.n > STORE_SESSION_JSON_MAX)
        return WB_ERR_TOO_LARGE;
    struct sender_key_record *r = sender_key_record_new();
    if (!r)
        return WB_ERR_NOMEM;
    json_in_object(&j);
    while (json_in_key(&j, &first, &key)) {
        if (json_in_key_is(key, "SenderKeyStates"))
            get_states(&j, r);
        else
            json_in_skip(&j);
    }
    json_in_end(&j);
    if (j.err != WB_OK) {
        sender_key_record_free(r);
        return j.err;
    }
    *ret = r;
    return WB_OK;
}
