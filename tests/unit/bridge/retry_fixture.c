/* retry_fixture.c - see retry_fixture.h. */
#include "tests/unit/bridge/retry_fixture.h"

static void be_bytes(struct node *parent, const char *tag, uint32_t v, size_t n)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

    node_set_bytes(&w.r.arena, node_child_new(&w.r.arena, parent, tag), SPAN(b + 4 - n, n));
}

static void add_keys(struct node *receipt, struct peer *p)
{
    struct arena *a = &w.r.arena;
    struct signal_bundle v = bundle_of(p);
    struct node *keys, *key, *skey;
    uint8_t type = 5;

    be_bytes(receipt, "registration", v.registration_id, 4);
    keys = node_child_new(a, receipt, "keys");
    node_set_bytes(a, node_child_new(a, keys, "type"), SPAN(&type, 1));
    node_set_bytes(a, node_child_new(a, keys, "identity"), SPAN_ARRAY(v.identity));
    key = node_child_new(a, keys, "key");
    be_bytes(key, "id", v.prekey_id, 3);
    node_set_bytes(a, node_child_new(a, key, "value"), SPAN_ARRAY(v.prekey));
    skey = node_child_new(a, keys, "skey");
    be_bytes(skey, "id", v.signed_prekey_id, 3);
    node_set_bytes(a, node_child_new(a, skey, "value"), SPAN_ARRAY(v.signed_prekey));
    node_set_bytes(a, node_child_new(a, skey, "signature"), SPAN_ARRAY(v.signed_prekey_sig));
}

enum wb_err ask_again(const struct asked *q)
{
    struct arena *a = &w.r.arena;
    struct node *n = node_new(a, "receipt"), *retry;
    struct stanza s = {.arena = a, .node = n};
    struct jid from = J(q->from), other;
    enum wb_err err;

    node_attr_jid(a, n, "from", &from);
    node_attr_text(a, n, "id", q->id);
    node_attr_text(a, n, "type", "retry");
    if (q->participant) {
        other = J(q->participant);
        node_attr_jid(a, n, "participant", &other);
    }
    if (q->recipient) {
        other = J(q->recipient);
        node_attr_jid(a, n, "recipient", &other);
    }
    retry = node_child_new(a, n, "retry");
    node_attr_text(a, retry, "id", q->id);
    node_attr_u64(a, retry, "count", q->count);
    node_attr_u64(a, retry, "t", 1790000123);
    node_attr_text(a, retry, "v", "1");
    if (q->with_keys)
        add_keys(n, q->with_keys);
    nsent = 0;
    err = out_retry_request(&w.r.b, &s);
    run();
    return err;
}

const struct node *queued(const char *tag)
{
    struct reader in = reader_new(arena_copy(&w.r.arena, buf_span(&w.r.b.outgoing.queue)));

    while (reader_left(&in)) {
        struct span packed = reader_bytes(&in, reader_u32be(&in));
        struct node *n;

        OK(node_unpack(packed, &w.r.arena, &n));
        if (node_is(n, tag))
            return n;
    }
    return NULL;
}

void forget(struct peer *p)
{
    signal_session_free(p->session);
    p->session = signal_session_new();
}

struct peer *peer_named(const char *device)
{
    struct jid j = J(device);

    return peer_of(&j);
}

const char *sent_to(const char *recipient, const char *text)
{
    size_t i = w.nwire;

    send_text(0, recipient, text);
    ack(wire_id(i));
    return wire_id(i);
}
