/* session_json_read.c - reads session records as whatsmeow (or we) wrote them. */
#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"
#include "store/session/limits.h"
#include "store/session/session_json.h"
#include "store/session/session_json_read.h"

void json_get_bytes(struct json_in *j, uint8_t *out, size_t n)
{
    struct span text = json_in_string(j);
    uint8_t bytes[64];
    size_t got = 0;

    if (j->err != WB_OK)
        return;
    if (text.n > B64_CHARS(sizeof bytes) || b64_decode(text, bytes, sizeof bytes, &got) != WB_OK ||
        got != n)
        json_in_fail(j, WB_ERR_MALFORMED);
    else
        memcpy(out, bytes, n);
    secret_wipe(bytes, sizeof bytes);
}

void json_get_key(struct json_in *j, uint8_t out[X25519_KEY_BYTES])
{
    uint8_t djb[DJB_KEY_BYTES] = {0};

    json_get_bytes(j, djb, sizeof djb);
    if (j->err == WB_OK && djb[0] != DJB_TYPE)
        json_in_fail(j, WB_ERR_MALFORMED);
    if (j->err == WB_OK)
        memcpy(out, djb + 1, X25519_KEY_BYTES);
}

void *json_grow(struct json_in *j, void **items, size_t *n, size_t *cap, size_t size, size_t max)
{
    if (*n == *cap) {
        size_t cap_new = *cap ? *cap * 2 : 4;

        cap_new = cap_new > max ? max : cap_new;
        void *p = *n < max ? calloc(cap_new, size) : NULL;
        if (!p) {
            json_in_fail(j, *n < max ? WB_ERR_NOMEM : WB_ERR_TOO_LARGE);
            return NULL;
        }
        if (*n)
            memcpy(p, *items, *n * size);
        secret_free_sized(*items, *cap * size);
        *items = p;
        *cap = cap_new;
    }
    return (uint8_t *)*items + (*n)++ * size;
}

static void get_message_keys(struct json_in *j, struct signal_message_keys *k)
{
    struct span key;
    bool first = true;

    json_in_object(j);
    while (json_in_key(j, &first, &key)) {
        if (json_in_key_is(key, "CipherKey"))
            json_get_bytes(j, k->cipher_key, sizeof k->cipher_key);
        else if (json_in_key_is(key, "MacKey"))
            json_get_bytes(j, k->mac_key, sizeof k->mac_key);
        else if (json_in_key_is(key, "IV"))
            json_get_bytes(j, k->iv, sizeof k->iv);
        else if (json_in_key_is(key, "Index"))
            k->index = json_in_u32(j);
        else
            json_in_skip(j);
    }
}

static void get_chain_key(struct json_in *j, struct signal_chain_key *k)
{
    struct span key;
    bool first = true;

    json_in_object(j);
    while (json_in_key(j, &first, &key)) {
        if (json_in_key_is(key, "Key"))
            json_get_bytes(j, k->key, sizeof k->key);
        else if (json_in_key_is(key, "Index"))
            k->index = json_in_u32(j);
        else
            json_in_skip(j);
    }
}

static void get_keys(struct json_in *j, struct signal_chain *c)
{
    size_t cap = 0;
    bool first = true;

    if (json_in_null(j))
        return;
    if (c->keys) { /* the same name twice */
        json_in_fail(j, WB_ERR_MALFORMED);
        return;
    }
    void *items = NULL;
    json_in_array(j);
    while (json_in_item(j, &first)) {
        struct signal_message_keys *k =
            json_grow(j, &items, &c->nkeys, &cap, sizeof *k, SIGNAL_MESSAGE_KEYS_MAX);

        if (k)
            get_message_keys(j, k);
    }
    c->keys = items;
}

static void get_chain(struct json_in *j, struct signal_chain *c)
{
    struct span key;
    bool first = true, has_public = false, has_chain_key = false;

    json_in_object(j);
    while (json_in_key(j, &first, &key)) {
        if (json_in_key_is(key, "SenderRatchetKeyPublic")) {
            json_get_key(j, c->ratchet.pub);
            has_public = true;
        } else if (json_in_key_is(key, "SenderRatchetKeyPrivate")) {
            if (!json_in_null(j))
                json_get_bytes(j, c->ratchet.priv, sizeof c->ratchet.priv);
        } else if (json_in_key_is(key, "ChainKey")) {
            get_chain_key(j, &c->chain_key);
            has_chain_key = true;
        } else if (json_in_key_is(key, "MessageKeys")) {
            get_keys(j, c);
        } else {
            json_in_skip(j);
        }
    }
    if (!has_public || !has_chain_key)
        json_in_fail(j, WB_ERR_MALFORMED);
}

static void get_prekey_id(struct json_in *j, struct signal_pending_prekey *p)
{
    struct span key;
    bool first = true, empty = false;

    if (json_in_null(j))
        return;
    json_in_object(j);
    while (json_in_key(j, &first, &key)) {
        if (json_in_key_is(key, "Value"))
            p->prekey_id = json_in_u32(j);
        else if (json_in_key_is(key, "IsEmpty"))
            empty = json_in_bool(j);
        else
            json_in_skip(j);
    }
    p->has_prekey_id = !empty;
    if (empty)
        p->prekey_id = 0;
}

static void get_pending(struct json_in *j, struct signal_pending_prekey *p)
{
    struct span key;
    bool first = true, has_base = false;

    if (json_in_null(j))
        return;
    json_in_object(j);
    while (json_in_key(j, &first, &key)) {
        if (json_in_key_is(key, "PreKeyID")) {
            get_prekey_id(j, p);
        } else if (json_in_key_is(key, "SignedPreKeyID")) {
            p->signed_prekey_id = json_in_u32(j);
        } else if (json_in_key_is(key, "BaseKey")) {
            json_get_key(j, p->base_key);
            has_base = true;
        } else {
            json_in_skip(j);
        }
    }
    p->present = true;
    if (!has_base)
        json_in_fail(j, WB_ERR_MALFORMED);
}

static void get_receiver_chains(struct json_in *j, struct signal_state *s)
{
    bool first = true;

    if (json_in_null(j))
        return;
    json_in_array(j);
    while (json_in_item(j, &first)) {
        if (s->nreceiver_chains == SIGNAL_RECEIVER_CHAINS_MAX) {
            json_in_fail(j, WB_ERR_TOO_LARGE);
            return;
        }
        get_chain(j, &s->receiver_chains[s->nreceiver_chains++]);
    }
}

/* The fields that every state has; a missing one makes it useless. */
enum { HAS_LOCAL = 1, HAS_REMOTE = 2, HAS_ROOT = 4, HAS_BASE = 8, HAS_ALL = 15 };

static unsigned get_state_field(struct json_in *j, struct signal_state *s, struct span key)
{
    if (json_in_key_is(key, "LocalIdentityPublic")) {
        json_get_key(j, s->local_identity);
        return HAS_LOCAL;
    }
    if (json_in_key_is(key, "RemoteIdentityPublic")) {
        json_get_key(j, s->remote_identity);
        return HAS_REMOTE;
    }
    if (json_in_key_is(key, "RootKey")) {
        json_get_bytes(j, s->root_key, sizeof s->root_key);
        return HAS_ROOT;
    }
    if (json_in_key_is(key, "SenderBaseKey")) {
        json_get_key(j, s->base_key);
        return HAS_BASE;
    }
    if (json_in_key_is(key, "LocalRegistrationID")) {
        s->local_registration_id = json_in_u32(j);
    } else if (json_in_key_is(key, "RemoteRegistrationID")) {
        s->remote_registration_id = json_in_u32(j);
    } else if (json_in_key_is(key, "PreviousCounter")) {
        s->previous_counter = json_in_u32(j);
    } else if (json_in_key_is(key, "PendingPreKey")) {
        get_pending(j, &s->pending);
    } else if (json_in_key_is(key, "ReceiverChains")) {
        get_receiver_chains(j, s);
    } else if (json_in_key_is(key, "SenderChain")) {
        if (s->has_sender_chain)
            json_in_fail(j, WB_ERR_MALFORMED);
        else if (!json_in_null(j)) {
            s->has_sender_chain = true;
            get_chain(j, &s->sender_chain);
        }
    } else if (json_in_key_is(key, "SessionVersion")) {
        if (json_in_u32(j) != SIGNAL_VERSION)
            json_in_fail(j, WB_ERR_VERSION);
    } else {
        json_in_skip(j);
    }
    return 0;
}

/* NULL with j->err set, or NULL for a JSON null. */
static struct signal_state *get_state(struct json_in *j)
{
    struct span key;
    bool first = true;
    unsigned has = 0;

    if (json_in_null(j))
        return NULL;
    struct signal_state *s = signal_state_new();
    if (!s) {
        json_in_fail(j, WB_ERR_NOMEM);
        return NULL;
    }
    json_in_object(j);
    while (json_in_key(j, &first, &key))
        has |= get_state_field(j, s, key);
    if (has != HAS_ALL)
        json_in_fail(j, WB_ERR_MALFORMED);
    if (j->err != WB_OK) {
        signal_state_free(s);
        return NULL;
    }
    return s;
}

static void get_archived(struct json_in *j, struct signal_session *s)
{
    bool first = true;

    if (json_in_null(j))
        return;
    json_in_array(j);
    while (json_in_item(j, &first)) {
        if (s->narchived == SIGNAL_ARCHIVED_STATES_MAX) { /* the oldest fall off */
            json_in_skip(j);
            continue;
        }
        struct signal_state *state = get_state(j);
        if (state)
            s->archived[s->narchived++] = state;
    }
}

enum wb_err session_json_read(struct span json, struct signal_session **ret)
{
    struct json_in j = json_in_new(json);
    struct span key;
    bool first = true;

    if (json.n > STORE_SESSION_JSON_MAX)
        return WB_ERR_TOO_LARGE;
    struct signal_session *s = signal_session_new();
    if (!s)
        return WB_ERR_NOMEM;
    json_in_object(&j);
    while (json_in_key(&j, &first, &key)) {
        if (json_in_key_is(key, "SessionState")) {
            if (s->current)
                json_in_fail(&j, WB_ERR_MALFORMED);
            else
                s->current = get_state(&j);
        } else if (json_in_key_is(key, "PreviousStates")) {
            get_archived(&j, s);
        } else {
            json_in_skip(&j);
        }
    }
    json_in_end(&j);
    if (j.err != WB_OK) {
        signal_session_free(s);
        return j.err;
    }
    *ret = s;
    return WB_OK;
}
