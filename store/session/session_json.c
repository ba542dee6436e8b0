/* session_json.c - the writing half; the reading half is session_json_read.c. */
#include "store/session/session_json.h"

#include "base/text.h"
#include "store/session/session_json_priv.h"

static void put_key(struct buf *out, const uint8_t pub[X25519_KEY_BYTES])
{
    uint8_t djb[DJB_KEY_BYTES];

    djb_encode(pub, djb);
    buf_u8(out, '"');
    buf_b64(out, SPAN_ARRAY(djb));
    buf_u8(out, '"');
}

static void put_bytes(struct buf *out, const uint8_t *p, size_t n)
{
    buf_u8(out, '"');
    buf_b64(out, SPAN(p, n));
    buf_u8(out, '"');
}

static void put_u32(struct buf *out, uint32_t v)
{
    char digits[10];
    size_t n = sizeof digits;

    do
        digits[--n] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    buf_append(out, SPAN(digits + n, sizeof digits - n));
}

#define PUT(out, literal) buf_append((out), SPAN_LIT(literal))

static void put_chain(struct buf *out, const struct signal_chain *c, bool sending)
{
    PUT(out, "{\"SenderRatchetKeyPublic\":");
    put_key(out, c->ratchet.pub);
    PUT(out, ",\"SenderRatchetKeyPrivate\":");
    if (sending)
        put_bytes(out, c->ratchet.priv, sizeof c->ratchet.priv);
    else
        PUT(out, "null");
    PUT(out, ",\"ChainKey\":{\"Key\":");
    put_bytes(out, c->chain_key.key, sizeof c->chain_key.key);
    PUT(out, ",\"Index\":");
    put_u32(out, c->chain_key.index);
    PUT(out, "},\"MessageKeys\":[");
    for (size_t i = 0; i < c->nkeys; i++) {
        const struct signal_message_keys *k = &c->keys[i];

        if (i)
            PUT(out, ",");
        PUT(out, "{\"CipherKey\":");
        put_bytes(out, k->cipher_key, sizeof k->cipher_key);
        PUT(out, ",\"MacKey\":");
        put_bytes(out, k->mac_key, sizeof k->mac_key);
        PUT(out, ",\"IV\":");
        put_bytes(out, k->iv, sizeof k->iv);
        PUT(out, ",\"Index\":");
        put_u32(out, k->index);
        PUT(out, "}");
    }
    PUT(out, "]}");
}

static void put_pending(struct buf *out, const struct signal_pending_prekey *p)
{
    PUT(out, ",\"PendingPreKey\":");
    if (!p->present) {
        PUT(out, "null");
        return;
    }
    PUT(out, "{\"PreKeyID\":{\"Value\":");
    put_u32(out, p->has_prekey_id ? p->prekey_id : 0);
    if (p->has_prekey_id)
        PUT(out, ",\"IsEmpty\":false}");
    else
        PUT(out, ",\"IsEmpty\":true}");
    PUT(out, ",\"SignedPreKeyID\":");
    put_u32(out, p->signed_prekey_id);
    PUT(out, ",\"BaseKey\":");
    put_key(out, p->base_key);
    PUT(out, "}");
}

static void put_state(struct buf *out, const struct signal_state *s)
{
    PUT(out, "{\"LocalIdentityPublic\":");
    put_key(out, s->local_identity);
    PUT(out, ",\"LocalRegistrationID\":");
    put_u32(out, s->local_registration_id);
    PUT(out, ",\"NeedsRefresh\":false,\"PendingKeyExchange\":null");
    put_pending(out, &s->pending);
    PUT(out, ",\"PreviousCounter\":");
    put_u32(out, s->previous_counter);
    PUT(out, ",\"ReceiverChains\":[");
    for (size_t i = 0; i < s->nreceiver_chains; i++) {
        if (i)
            PUT(out, ",");
        put_chain(out, &s->receiver_chains[i], false);
    }
    PUT(out, "],\"RemoteIdentityPublic\":");
    put_key(out, s->remote_identity);
    PUT(out, ",\"RemoteRegistrationID\":");
    put_u32(out, s->remote_registration_id);
    PUT(out, ",\"RootKey\":");
    put_bytes(out, s->root_key, sizeof s->root_key);
    PUT(out, ",\"SenderBaseKey\":");
    put_key(out, s->base_key);
    PUT(out, ",\"SenderChain\":");
    if (s->has_sender_chain)
        put_chain(out, &s->sender_chain, true);
    else
        PUT(out, "null");
    PUT(out, ",\"SessionVersion\":");
    put_u32(out, SIGNAL_VERSION);
    PUT(out, "}");
}

void session_json_write_some(const struct signal_session *s, size_t narchived, struct buf *out)
{
    PUT(out, "{\"SessionState\":");
    if (s->current)
        put_state(out, s->current);
    else
        PUT(out, "null");
    PUT(out, ",\"PreviousStates\":[");
    for (size_t i = 0; i < narchived && i < s->narchived; i++) {
        if (i)
            PUT(out, ",");
        put_state(out, s->archived[i]);
    }
    PUT(out, "]}");
}

void session_json_write(const struct signal_session *s, struct buf *out)
{
    session_json_write_some(s, s->narchived, out);
}

bool session_json_fit_for_whatsmeow(const struct signal_session *s)
{
    if (!s->current || !s->current->has_sender_chain)
        return false;
    for (size_t i = 0; i < s->narchived; i++) {
        if (!s->archived[i]->has_sender_chain)
            return false;
    }
    return true;
}

bool session_json_is_with(struct span json, const uint8_t identity[static X25519_KEY_BYTES])
{
    static const char name[] = "\"RemoteIdentityPublic\":";
    struct buf value = buf_new(64);
    bool same = true;
    const uint8_t *at = json.p ? memmem(json.p, json.n, name, sizeof name - 1) : NULL;

    put_key(&value, identity);
    if (at && buf_err(&value) == WB_OK) {
        struct span rest = span_skip(json, (size_t)(at - json.p) + sizeof name - 1);

        same = rest.n >= value.n && memcmp(rest.p, value.p, value.n) == 0;
    }
    buf_free(&value);
    return same;
}

static void put_sender_state(struct buf *out, const struct sender_key_state *s)
{
    PUT(out, "{\"Keys\":[");
    for (size_t i = 0; i < s->nkeys; i++) {
        const struct sender_message_key *k = &s->keys[i];

        if (i)
            PUT(out, ",");
        PUT(out, "{\"Iteration\":");
        put_u32(out, k->iteration);
        PUT(out, ",\"IV\":");
        put_bytes(out, k->iv, sizeof k->iv);
        PUT(out, ",\"CipherKey\":");
        put_bytes(out, k->cipher_key, sizeof k->cipher_key);
        PUT(out, ",\"Seed\":");
        put_bytes(out, k->seed, sizeof k->seed);
        PUT(out, "}");
    }
    PUT(out, "],\"KeyID\":");
    put_u32(out, s->key_id);
    PUT(out, ",\"SenderChainKey\":{\"Iteration\":");
    put_u32(out, s->iteration);
    PUT(out, ",\"ChainKey\":");
    put_bytes(out, s->chain_key, sizeof s->chain_key);
    PUT(out, "},\"SigningKeyPrivate\":");
    if (s->has_signing_priv)
        put_bytes(out, s->signing_priv, sizeof s->signing_priv);
    else
        PUT(out, "null");
    PUT(out, ",\"SigningKeyPublic\":");
    put_key(out, s->signing_pub);
    /* A field of ours: whatsmeow ignores it, and writes the record without it. */
    if (s->first_iteration > 0) {
        PUT(out, ",\"FirstIteration\":");
        put_u32(out, s->first_iteration);
    }
    PUT(out, "}");
}

void sender_key_json_write(const struct sender_key_record *r, struct buf *out)
{
    PUT(out, "{\"SenderKeyStates\":[");
    for (size_t i = 0; i < r->nstates; i++) {
        if (i)
            PUT(out, ",");
        put_sender_state(out, r->states[i]);
    }
    PUT(out, "]}");
}
