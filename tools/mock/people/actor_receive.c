#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"
#include "proto/padding.h"
#include "tools/mock/core/content.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/core/records.h"
#include "tools/mock/devices/prekeys.h"
#include "tools/mock/people/actor.h"
#include "tools/mock/people/phone.h"
#include "tools/mock/route/receipt.h"

enum { PLAIN_MAX = 8 << 20 };

/* A message stanza that a played device reads. */
struct arriving {
    struct mock *m;
    struct device *me;
    const struct node *n;
    struct jid from, chat;
    struct device *sender;
    bool group;
    char client[JID_TEXT_MAX]; /* sender, as flags name it */
};

static enum wb_err open_prekey(struct arriving *v, struct signal_session *s, struct span ct,
                               struct buf *plain)
{
    struct actor *a = v->me->actor;
    struct signal_prekey_header h;
    char id[16];
    bool used;
    enum wb_err err = signal_prekey_header_parse(ct, &h);

    if (err != WB_OK)
        return err;
    /* A played phone's messages may come late, from before it was set up anew (route/held.h). */
    if (!world_is_played(v->sender) &&
        memcmp(h.identity, v->sender->identity, sizeof h.identity) != 0)
        mock_flag(v->m, v->client, "wrong-identity", v->n, "pkmsg of another identity key");
    (void)snprintf(id, sizeof id, "%u", h.prekey_id);
    struct x25519_pair *pre = h.has_prekey_id ? map_get(&a->prekeys, id) : NULL;
    if (h.signed_prekey_id != v->me->skey_id)
        return WB_ERR_BAD_KEY_ID;
    if (h.has_prekey_id && !pre && !signal_session_has_base_key(s, h.base_key))
        return WB_ERR_BAD_KEY_ID;
    err = signal_decrypt_prekey(s, &a->local, &h, v->sender->identity, &a->skey, pre, &v->m->rng,
                                plain, &used);
    if (err == WB_OK && used && pre) {
        (void)map_put(&a->prekeys, id, NULL);
        secret_free_sized(pre, sizeof *pre);
    }
    return err;
}

/* Decrypts one <enc> and takes the padding off; plain gets the content. */
static enum wb_err open_enc(struct arriving *v, const struct node *enc, struct buf *plain)
{
    struct actor *a = v->me->actor;
    struct span ct = node_content_bytes(enc), inner;
    struct buf padded = buf_new(PLAIN_MAX);
    struct sender_key_record *r;
    struct signal_session *s;
    enum wb_err err;

    if (node_attr_is(enc, "type", "skmsg")) {
        r = actor_sender_key(a, &v->chat, v->sender);
        err = r == NULL ? WB_ERR_NOMEM : sender_key_decrypt(r, ct, &padded);
    } else {
        s = actor_session(a, v->sender);
        if (!s)
            err = WB_ERR_NOMEM;
        else if (node_attr_is(enc, "type", "pkmsg"))
            err = open_prekey(v, s, ct, &padded);
        else
            err = signal_decrypt(s, ct, v->sender->identity, &v->m->rng, &padded);
    }
    if (err == WB_OK && padding_strip(buf_span(&padded), &inner) != WB_OK) {
        mock_flag(v->m, v->client, "wrong-padding", v->n, "plaintext of %zu bytes", padded.n);
        inner = buf_span(&padded);
    }
    if (err == WB_OK)
        buf_append(plain, inner);
    buf_free(&padded);
    return err;
}

static json_t *text_or_null(struct span s)
{
    return s.p != NULL ? json_stringn((const char *)s.p, s.n) : json_null();
}

static void record(struct arriving *v, const struct mock_content *c, struct span plain)
{
    char text[JID_TEXT_MAX];
    struct buf hex = buf_new(2 * PLAIN_MAX + 1);
    json_t *o = json_object(), *mentions = json_array();
    struct jid sender = device_jid(v->sender, true), pn = device_jid(v->sender, false);

    for (size_t i = 0; i < c->nmentions; i++)
        (void)json_array_append_new(mentions, text_or_null(c->mentions[i]));
    buf_hex(&hex, plain);
    (void)json_object_set_new(o, "id", json_string(mock_attr(v->m, v->n, "id")));
    (void)json_object_set_new(o, "chat", json_string(jid_text(&v->chat, text)));
    (void)json_object_set_new(o, "from", json_string(jid_text(&sender, text)));
    (void)json_object_set_new(o, "from_pn", json_string(jid_text(&pn, text)));
    (void)json_object_set_new(o, "device", json_integer(v->me->number));
    (void)json_object_set_new(o, "kind", json_string(c->kind));
    (void)json_object_set_new(o, "text", text_or_null(c->text));
    (void)json_object_set_new(o, "mentions", mentions);
    (void)json_object_set_new(o, "mention_all", json_boolean(c->mention_all));
    (void)json_object_set_new(o, "reply_to", text_or_null(c->reply_id));
    (void)json_object_set_new(o, "reply_participant", text_or_null(c->reply_participant));
    (void)json_object_set_new(o, "sent_to", text_or_null(c->sent_to));
    (void)json_object_set_new(o, "type", json_string(mock_attr(v->m, v->n, "type")));
    (void)json_object_set_new(o, "edit", json_string(mock_attr(v->m, v->n, "edit")));
    (void)json_object_set_new(o, "category", json_string(mock_attr(v->m, v->n, "category")));
    (void)json_object_set_new(
        o, "t", json_integer((json_int_t)strtoll(mock_attr(v->m, v->n, "t"), NULL, 10)));
    (void)json_object_set_new(o, "received_ms", json_integer(clock_unix_ms(v->m->clock)));
    (void)json_object_set_new(o, "message", json_string(buf_cstr(&hex)));
    records_add(v->me->account, "messages", o);
    buf_free(&hex);
}

static void echo(struct arriving *v, const struct mock_content *c)
{
    struct mock *m = v->m;
    struct buf text = buf_new(1 << 20), msg = buf_new(2 << 20);

    buf_append_cstr(&text, "echo: ");
    buf_append(&text, c->text);
    content_text(&msg, buf_cstr(&text), NULL, 0, NULL);
    (void)actor_send(m, v->me, &v->chat, NULL, "text", buf_span(&msg));
    buf_free(&text);
    buf_free(&msg);
}

static void understood(struct arriving *v, struct span plain)
{
    struct mock_content c;
    struct actor *a = v->me->actor;

    if (!pb_valid(plain))
        mock_flag(v->m, v->client, "bad-content", v->n, "not a protobuf");
    content_read(plain, &c);
    if (c.skdm.p) {
        struct sender_key_record *r = actor_sender_key(a, &v->chat, v->sender);
        char text[JID_TEXT_MAX];

        if (!span_eq_cstr(c.skdm_group, jid_text(&v->chat, text)))
            mock_flag(v->m, v->client, "bad-content", v->n, "sender key for another group");
        if (!r || sender_key_process_distribution(r, c.skdm) != WB_OK)
            mock_flag(v->m, v->client, "bad-content", v->n, "unusable sender key");
    }
    bool own = v->sender->account == v->me->account;
    if (own && !v->group && !c.sent_to.p && !node_attr_is(v->n, "category", "peer"))
        mock_flag(v->m, v->client, "missing-device-sent", v->n,
                  "own device got a bare message (P-SD-14)");
    if (strcmp(c.kind, "skdm") == 0)
        return;
    record(v, &c, plain);
    if (own && v->me->number == 0 && node_attr_is(v->n, "category", "peer"))
        phone_asked(v->m, v->me, v->sender, mock_attr(v->m, v->n, "id"), plain);
    if (v->me->account->echo && v->me->number == 0 && !own && !world_is_played(v->sender) &&
        c.text.p)
        echo(v, &c);
}

void actor_put_keys(struct mock *m, struct device *d, struct node *receipt)
{
    struct node *keys = node_child_new(&m->a, receipt, "keys"), *bundle = mock_node(m, "keys");
    struct prekey k;
    bool got = actor_next_prekey(m, d, &k);

    prekeys_bundle_node(m, bundle, d, got ? &k : NULL);
    for (struct node *b = bundle != NULL ? bundle->first : NULL; b != NULL;) {
        struct node *next = b->next;

        b->next = NULL;
        if (!node_is(b, "registration"))
            node_add(keys, b);
        b = next;
    }
    if (d->adv.n > 0)
        node_set_bytes(&m->a, node_child_new(&m->a, keys, "device-identity"), buf_span(&d->adv));
}

static void ask_again(struct arriving *v, uint64_t had_count, bool force_keys)
{
    struct mock *m = v->m;
    struct node *n = mock_node(m, "receipt");
    uint64_t count = had_count + 1;
    uint8_t reg[4];

    if (count >= 5)
        return;
    for (size_t i = 0; i < 4; i++)
        reg[i] = (uint8_t)(v->me->registration_id >> (24 - 8 * i));
    node_copy_attr(&m->a, n, v->n, "id");
    node_attr_jid(&m->a, n, "to", &v->from);
    node_copy_attr(&m->a, n, v->n, "participant");
    node_copy_attr(&m->a, n, v->n, "recipient");
    node_attr_text(&m->a, n, "type", "retry");
    struct node *retry = node_child_new(&m->a, n, "retry");
    node_attr_u64(&m->a, retry, "count", count);
    node_copy_attr(&m->a, retry, v->n, "id");
    node_copy_attr(&m->a, retry, v->n, "t");
    node_attr_text(&m->a, retry, "v", "1");
    node_set_bytes(&m->a, node_child_new(&m->a, n, "registration"), SPAN_ARRAY(reg));
    if (count > 1 || force_keys)
        actor_put_keys(m, v->me, n);
    (void)receipt_route(m, v->me, "contact", n);
}

static uint64_t count_of(const struct node *n)
{
    uint64_t count = 0;

    for (const struct node *e = node_child(n, "enc"); e != NULL; e = node_next(e, "enc"))
        (void)node_attr_get_u64(e, "count", &count);
    return count;
}

static void record_failure(struct arriving *v, enum wb_err err)
{
    json_t *o = json_object();
    char text[JID_TEXT_MAX];
    struct jid sender = device_jid(v->sender, true);

    (void)json_object_set_new(o, "id", json_string(mock_attr(v->m, v->n, "id")));
    (void)json_object_set_new(o, "from", json_string(jid_text(&sender, text)));
    (void)json_object_set_new(o, "device", json_integer(v->me->number));
    (void)json_object_set_new(o, "error", json_string(wb_err_name(err)));
    records_add(v->me->account, "failures", o);
}

/* Whether a companion's pkmsg comes without its identity: phones drop such messages (P-SD-17). */
static bool identity_missing(const struct arriving *v)
{
    for (const struct node *e = node_child(v->n, "enc"); e != NULL; e = node_next(e, "enc")) {
        if (node_attr_is(e, "type", "pkmsg") && v->sender->number > 0 &&
            node_child(v->n, "device-identity") == NULL)
            return true;
    }
    return false;
}

static void message(struct arriving *v)
{
    struct mock *m = v->m;
    struct mock_account *own = v->me->account;
    enum wb_err worst = WB_OK;
    bool pairwise_failed = false;

    if (identity_missing(v)) {
        record_failure(v, WB_ERR_UNTRUSTED_IDENTITY);
        return;
    }
    if (own->refuse > 0) {
        own->refuse--;
        ask_again(v, count_of(v->n), own->refuse_with_keys);
        return;
    }
    for (const struct node *e = node_child(v->n, "enc"); e != NULL; e = node_next(e, "enc")) {
        struct buf plain = buf_new(PLAIN_MAX);
        bool sk = node_attr_is(e, "type", "skmsg");
        enum wb_err err = sk && pairwise_failed ? WB_ERR_NO_SENDER_KEY : open_enc(v, e, &plain);

        if (err == WB_OK)
            understood(v, buf_span(&plain));
        else if (err != WB_ERR_OLD_COUNTER)
            worst = err;
        pairwise_failed = pairwise_failed || (!sk && err != WB_OK && err != WB_ERR_OLD_COUNTER);
        buf_free(&plain);
    }
    if (worst != WB_OK) {
        record_failure(v, worst);
        mock_say(m, "%s cannot read %s: %s", own->pn.user, mock_attr(m, v->n, "id"),
                 wb_err_text(worst));
        ask_again(v, count_of(v->n), worst == WB_ERR_NO_SESSION);
        return;
    }
    if (node_attr_is(v->n, "category", "peer"))
        actor_receipt(m, v->me, v->n, "peer_msg");
    else if (v->sender->account == own)
        actor_receipt(m, v->me, v->n, "sender");
    else if (!own->silent)
        actor_receipt(m, v->me, v->n, NULL);
}

static void receipt(struct mock *m, struct device *d, const struct node *n)
{
    static const char *const keys[] = {"id", "from", "participant", "recipient", "type", "t"};

    if (node_attr_is(n, "type", "retry")) {
        if (!d->account->ignore_retries)
            actor_resend(m, d, n);
    }
    if (d->number != 0)
        return;
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = mock_attr(m, n, keys[i]);

        if (text[0] != '\0')
            (void)json_object_set_new(o, keys[i], json_string(text));
    }
    const struct node *retry = node_child(n, "retry");
    if (retry) {
        (void)json_object_set_new(o, "count", json_string(mock_attr(m, retry, "count")));
        (void)json_object_set_new(o, "keys", json_boolean(node_child(n, "keys") != NULL));
    }
    json_t *more = json_array();
    const struct node *list = node_child(n, "list");
    for (const struct node *i = node_child(list, "item"); i != NULL; i = node_next(i, "item"))
        (void)json_array_append_new(more, json_string(mock_attr(m, i, "id")));
    (void)json_object_set_new(o, "more_ids", more);
    records_add(d->account, "receipts", o);
}

void actor_receive(struct mock *m, struct device *d, const struct node *n)
{
    struct arriving v = {.m = m, .me = d, .n = n};
    struct jid sender;

    if (node_is(n, "receipt")) {
        receipt(m, d, n);
        return;
    }
    if (!node_is(n, "message") || !node_attr_get_jid(n, "from", &v.from))
        return;
    sender = v.from;
    v.group = v.from.server == JID_GROUP || v.from.server == JID_BROADCAST;
    (void)node_attr_get_jid(n, "participant", &sender);
    v.sender = world_device_jid(&m->world, &sender);
    if (!v.sender)
        return;
    v.chat = jid_bare(v.from);
    if (v.sender->account == d->account)
        (void)node_attr_get_jid(n, "recipient", &v.chat);
    struct jid pn = device_jid(v.sender, false);
    (void)jid_text(&pn, v.client);
    message(&v);
}
