#include <stdlib.h>

#include "proto/padding.h"
#include "tools/mock/core/content.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/devices/prekeys.h"
#include "tools/mock/people/actor.h"
#include "tools/mock/route/message.h"
#include "tools/mock/route/receipt.h"

enum { CONTENT_MAX = 8 << 20 };

/* One message on its way out of a played device. */
struct sending {
    struct mock *m;
    struct device *from;
    struct node *stanza;
    struct node *parts;
    bool lid;
    bool pkmsg; /* at least one <enc> is a pkmsg */
    bool corrupt;
};

static const char *actor_label(const struct device *d)
{
    return d->account->contact ? "contact" : "phone";
}

static enum wb_err ensure_session(struct mock *m, struct actor *a, struct device *with,
                                  struct signal_session **ret_s)
{
    struct signal_session *s = actor_session(a, with);
    struct signal_bundle b = {0};
    struct prekey k;

    if (!s)
        return WB_ERR_NOMEM;
    *ret_s = s;
    if (signal_session_can_send(s))
        return WB_OK;
    b.registration_id = with->registration_id;
    b.signed_prekey_id = with->skey_id;
    memcpy(b.identity, with->identity, sizeof b.identity);
    memcpy(b.signed_prekey, with->skey, sizeof b.signed_prekey);
    memcpy(b.signed_prekey_sig, with->skey_sig, sizeof b.signed_prekey_sig);
    b.has_prekey = prekeys_take(m, with, &k);
    if (b.has_prekey) {
        b.prekey_id = k.id;
        memcpy(b.prekey, k.pub, sizeof b.prekey);
    }
    return signal_session_start(s, &a->local, &b, &m->rng);
}

/* Makes the MAC wrong: changes the last byte of the SignalMessage, which in a pkmsg is field 4. */
static void damage(struct buf *ct, bool pkmsg)
{
    struct span inner = pkmsg ? pb_bytes(span_skip(buf_span(ct), 1), 4) : buf_span(ct);

    if (inner.n > 0)
        ct->p[(size_t)(inner.p - ct->p) + inner.n - 1] ^= 0x40;
}

/* Pads and encrypts content for one device; an <enc> node. NULL on failure. */
static struct node *pairwise(struct sending *g, struct device *to, struct span content,
                             uint64_t count)
{
    struct mock *m = g->m;
    struct buf plain = buf_new(CONTENT_MAX), ct = buf_new(CONTENT_MAX);
    struct signal_session *s;
    enum signal_message_kind kind;
    struct node *enc = NULL;
    enum wb_err err;

    buf_append(&plain, content);
    TRY(padding_add(&plain, (uint8_t)rng_below(&m->rng, 256)));
    TRY(ensure_session(m, g->from->actor, to, &s));
    TRY(signal_encrypt(s, buf_span(&plain), &kind, &ct));
    if (g->corrupt)
        damage(&ct, kind == SIGNAL_PKMSG);
    enc = mock_node(m, "enc");
    node_attr_text(&m->a, enc, "v", "2");
    node_attr_text(&m->a, enc, "type", kind == SIGNAL_PKMSG ? "pkmsg" : "msg");
    if (count > 0)
        node_attr_u64(&m->a, enc, "count", count);
    node_set_bytes(&m->a, enc, buf_span(&ct));
    g->pkmsg = g->pkmsg || kind == SIGNAL_PKMSG;
out:
    if (err != WB_OK)
        mock_say(m, "cannot encrypt: %s", wb_err_text(err));
    buf_free(&plain);
    buf_free(&ct);
    return enc;
}

static void add_to(struct sending *g, struct device *to, struct span content)
{
    struct mock *m = g->m;
    struct node *enc = pairwise(g, to, content, 0);

    if (!enc)
        return;
    if (!g->parts)
        g->parts = node_child_new(&m->a, g->stanza, "participants");
    struct jid j = device_jid(to, g->lid);
    struct node *n = node_child_new(&m->a, g->parts, "to");
    node_attr_jid(&m->a, n, "jid", &j);
    node_add(n, enc);
}

/* Changes a bit of one field. */
static void spoil(struct buf *adv, uint32_t field)
{
    struct span s = pb_bytes(buf_span(adv), field);

    if (s.n > 9)
        adv->p[(size_t)(s.p - adv->p) + 9] ^= 1;
}

/* Adds the account's statement about its device, or what a trouble makes of the statement. */
static void add_identity(struct sending *g)
{
    struct mock *m = g->m;
    enum adv_trouble t = m->trouble.adv;
    struct buf adv = buf_new(4096);

    if (g->pkmsg && g->from->number > 0 && t != ADV_TROUBLE_MISSING) {
        buf_append(&adv, t == ADV_TROUBLE_GARBAGE ? SPAN_LIT("\x0a\x7fno statement")
                                                  : buf_span(&g->from->adv));
        if (t == ADV_TROUBLE_OTHER_ACCOUNT)
            spoil(&adv, 2);
        else if (t == ADV_TROUBLE_ACCOUNT_SIGNATURE)
            spoil(&adv, 3);
        else if (t == ADV_TROUBLE_DEVICE_SIGNATURE)
            spoil(&adv, 4);
        node_set_bytes(&m->a, node_child_new(&m->a, g->stanza, "device-identity"), buf_span(&adv));
    }
    buf_free(&adv);
}

static void to_person(struct sending *g, const struct jid *to, struct span content)
{
    struct mock *m = g->m;
    struct mock_account *peer = world_account(&m->world, to), *own = g->from->account;
    char chat[JID_TEXT_MAX];
    struct buf wrapped = buf_new(CONTENT_MAX);
    struct jid bare = jid_bare(*to);

    if (!peer)
        return;
    content_device_sent(&wrapped, jid_text(&bare, chat), content);
    for (size_t i = 0; i < peer->ndevices; i++) {
        if (peer->devices[i] != g->from)
            add_to(g, peer->devices[i], peer == own ? buf_span(&wrapped) : content);
    }
    for (size_t i = 0; peer != own && i < own->ndevices; i++) {
        if (own->devices[i] != g->from)
            add_to(g, own->devices[i], buf_span(&wrapped));
    }
    add_identity(g);
    buf_free(&wrapped);
}

/* ---- groups ---- */

static void forget_given(struct actor *a, const struct group *grp)
{
    size_t at = 0, n = strlen(grp->jid.user);
    struct map_slot *s;

    while ((s = map_next(&a->given, &at)) != NULL) {
        if (strncmp(s->key, grp->jid.user, n) == 0 && s->key[n] == '|')
            s->value = NULL;
    }
}

/* The device's sender key of the group; a new one after somebody left. */
static struct sender_key_record *own_sender_key(struct sending *g, struct group *grp)
{
    struct actor *a = g->from->actor;
    struct sender_key_record *r = actor_sender_key(a, &grp->jid, g->from);
    char address[JID_TEXT_MAX];
    struct jid j = device_jid(g->from, true);

    if (!r)
        return NULL;
    const struct group_key *k = map_get(&grp->keys, jid_signal_address(&j, address));
    if (r->nstates > 0 && (!k || !k->stale))
        return r;
    forget_given(a, grp);
    return sender_key_create(r, &g->m->rng) == WB_OK ? r : NULL;
}

static void give_key(struct sending *g, struct group *grp, struct span skdm_message)
{
    struct actor *a = g->from->actor;
    char key[ACTOR_GROUP_ADDRESS_MAX];

    for (size_t i = 0; i < grp->nmembers; i++) {
        struct mock_account *acc = grp->members[i].account;

        for (size_t k = 0; k < acc->ndevices; k++) {
            struct device *d = acc->devices[k];

            if (d == g->from || map_get(&a->given, actor_group_address(&grp->jid, d, key)) != NULL)
                continue;
            add_to(g, d, skdm_message);
            (void)map_put(&a->given, key, d);
        }
    }
}

static void put_phash(struct sending *g, const struct group *grp)
{
    struct mock *m = g->m;
    size_t max = 0, n = 0;
    char hash[PHASH_CHARS + 1];

    for (size_t i = 0; i < grp->nmembers; i++)
        max += grp->members[i].account->ndevices;
    struct jid *list = arena_alloc(&m->a, (max + 1) * sizeof *list);
    for (size_t i = 0; list != NULL && i < grp->nmembers; i++) {
        const struct mock_account *acc = grp->members[i].account;

        for (size_t k = 0; k < acc->ndevices; k++)
            list[n++] = device_jid(acc->devices[k], grp->lid);
    }
    if (list) {
        world_phash(list, n, hash);
        node_attr_text(&m->a, g->stanza, "phash", hash);
    }
}

static void to_group(struct sending *g, struct group *grp, struct span content)
{
    struct mock *m = g->m;
    struct buf skdm = buf_new(4096), message = buf_new(8192);
    struct buf plain = buf_new(CONTENT_MAX), ct = buf_new(CONTENT_MAX);
    char text[JID_TEXT_MAX];
    struct sender_key_record *r = own_sender_key(g, grp);
    enum wb_err err = r != NULL ? WB_OK : WB_ERR_NOMEM;

    if (err != WB_OK)
        goto out;
    TRY(sender_key_distribution(r, &skdm));
    content_skdm(&message, jid_text(&grp->jid, text), buf_span(&skdm));
    bool corrupt = g->corrupt;
    g->corrupt = false; /* the pairwise part stays good */
    give_key(g, grp, buf_span(&message));
    add_identity(g);
    buf_append(&plain, content);
    TRY(padding_add(&plain, (uint8_t)rng_below(&m->rng, 256)));
    TRY(sender_key_encrypt(r, buf_span(&plain), &m->rng, &ct));
    if (corrupt)
        ct.p[ct.n - 1] ^= 0x10; /* a bit of the signature */
    put_phash(g, grp);
    node_attr_text(&m->a, g->stanza, "addressing_mode", grp->lid ? "lid" : "pn");
    struct node *enc = node_child_new(&m->a, g->stanza, "enc");
    node_attr_text(&m->a, enc, "v", "2");
    node_attr_text(&m->a, enc, "type", "skmsg");
    node_set_bytes(&m->a, enc, buf_span(&ct));
out:
    buf_free(&skdm);
    buf_free(&message);
    buf_free(&plain);
    buf_free(&ct);
}

/* ---- entry ---- */

static void remember(struct mock *m, struct actor *a, const char *id, const struct jid *to,
                     struct span content)
{
    struct sent_message *s = malloc(sizeof *s + content.n);

    if (!s)
        return;
    s->chat = jid_bare(*to);
    s->t = mock_now_s(m);
    s->n = content.n;
    if (content.n > 0)
        memcpy(s->content, content.p, content.n);
    free(map_get(&a->sent, id));
    if (!map_put(&a->sent, id, s))
        free(s);
}

/* Whether the script wants this message damaged; counts down. */
static bool damage_next(struct mock_account *a)
{
    if (a->corrupt == 0)
        return false;
    a->corrupt--;
    return true;
}

struct node *actor_compose(struct mock *m, struct device *from, const struct jid *to,
                           const char *id, const char *type, struct span content)
{
    struct sending g = {.m = m, .from = from, .lid = world_is_lid(to)};
    struct group *grp = world_group(&m->world, to);

    if (!world_is_played(from))
        return NULL;
    if (!id)
        id = mock_id(m);
    g.corrupt = damage_next(from->account);
    if (grp)
        g.lid = grp->lid;
    g.stanza = mock_node(m, "message");
    node_attr_text(&m->a, g.stanza, "id", id);
    node_attr_text(&m->a, g.stanza, "type", type);
    node_attr_jid(&m->a, g.stanza, "to", to);
    if (grp)
        to_group(&g, grp, content);
    else
        to_person(&g, to, content);
    remember(m, from->actor, id, to, content);
    return g.stanza;
}

const char *actor_send(struct mock *m, struct device *from, const struct jid *to, const char *id,
                       const char *type, struct span content)
{
    struct message_verdict v;
    struct node *n = actor_compose(m, from, to, id, type, content);

    if (!n)
        return NULL;
    message_route(m, from, actor_label(from), n, &v);
    return v.error == 0 ? mock_attr(m, n, "id") : NULL;
}

void actor_send_peer(struct mock *m, struct device *from, struct device *to, struct span content)
{
    struct sending g = {.m = m, .from = from};
    struct message_verdict v;
    struct jid j = device_jid(to, false);
    struct node *enc = pairwise(&g, to, content, 0);

    if (!enc)
        return;
    g.stanza = mock_node(m, "message");
    node_attr_text(&m->a, g.stanza, "id", mock_id(m));
    node_attr_text(&m->a, g.stanza, "type", "text");
    node_attr_text(&m->a, g.stanza, "category", "peer");
    node_attr_jid(&m->a, g.stanza, "to", &j);
    node_add(g.stanza, enc);
    add_identity(&g);
    message_route(m, from, actor_label(from), g.stanza, &v);
}

static bool take_key(const struct node *key, uint32_t *ret_id, uint8_t *ret_pub)
{
    struct span id = node_content_bytes(node_child(key, "id"));
    struct span pub = node_content_bytes(node_child(key, "value"));

    if (id.n != 3 || pub.n != X25519_KEY_BYTES)
        return false;
    *ret_id = (uint32_t)id.p[0] << 16 | (uint32_t)id.p[1] << 8 | id.p[2];
    memcpy(ret_pub, pub.p, pub.n);
    return true;
}

/* Reads the bundle that a retry receipt brings (P-RC-34, P-RC-41). */
static bool bundle_of(const struct node *receipt, struct signal_bundle *b)
{
    const struct node *keys = node_child(receipt, "keys");
    struct span reg = node_content_bytes(node_child(receipt, "registration"));
    struct span identity = node_content_bytes(node_child(keys, "identity"));
    const struct node *skey = node_child(keys, "skey"), *key = node_child(keys, "key");
    struct span sig = node_content_bytes(node_child(skey, "signature"));

    memset(b, 0, sizeof *b);
    if (reg.n != 4 || identity.n != X25519_KEY_BYTES || sig.n != XEDDSA_SIG_BYTES ||
        !take_key(skey, &b->signed_prekey_id, b->signed_prekey))
        return false;
    for (size_t i = 0; i < 4; i++)
        b->registration_id = b->registration_id << 8 | reg.p[i];
    memcpy(b->identity, identity.p, identity.n);
    memcpy(b->signed_prekey_sig, sig.p, sig.n);
    b->has_prekey = take_key(key, &b->prekey_id, b->prekey);
    return true;
}

void actor_resend(struct mock *m, struct device *d, const struct node *receipt)
{
    struct actor *a = d->actor;
    struct sending g = {.m = m, .from = d};
    struct jid asker, from;
    struct signal_bundle b;
    uint64_t count = 1;
    char key[ACTOR_GROUP_ADDRESS_MAX], text[JID_TEXT_MAX];
    struct sent_message *s = map_get(&a->sent, mock_attr(m, receipt, "id"));

    if (!s || !node_attr_get_jid(receipt, "from", &from))
        return;
    asker = from;
    (void)node_attr_get_jid(receipt, "participant", &asker);
    (void)node_attr_get_u64(node_child(receipt, "retry"), "count", &count);
    struct device *to = world_device_jid(&m->world, &asker);
    if (!to)
        return;
    if (node_child(receipt, "keys") != NULL) {
        struct signal_session *sess = actor_session(a, to);

        if (!bundle_of(receipt, &b) || !sess ||
            signal_session_start(sess, &a->local, &b, &m->rng) != WB_OK) {
            mock_flag(m, "client", "bad-retry-keys", receipt, "no usable bundle in the retry");
            return;
        }
    }
    struct group *grp = world_group(&m->world, &s->chat);
    struct buf content = buf_new(CONTENT_MAX), skdm = buf_new(4096), wrapped = buf_new(CONTENT_MAX);
    if (grp) {
        struct sender_key_record *r = actor_sender_key(a, &grp->jid, d);

        if (r && sender_key_distribution(r, &skdm) == WB_OK)
            content_skdm(&content, jid_text(&grp->jid, text), buf_span(&skdm));
        (void)map_put(&a->given, actor_group_address(&grp->jid, to, key), to);
    }
    buf_append(&content, SPAN(s->content, s->n));
    bool own = to->account == d->account && grp == NULL;
    if (own)
        content_device_sent(&wrapped, jid_text(&s->chat, text), buf_span(&content));
    g.lid = world_is_lid(&asker);
    g.corrupt = !world_is_played(to) && damage_next(d->account); /* only for real clients */
    g.stanza = mock_node(m, "message");
    node_attr_text(&m->a, g.stanza, "id", mock_attr(m, receipt, "id"));
    node_attr_text(&m->a, g.stanza, "type", "text");
    node_attr_jid(&m->a, g.stanza, "to", &from);
    if (grp)
        node_attr_jid(&m->a, g.stanza, "participant", &asker);
    if (own)
        node_attr_jid(&m->a, g.stanza, "recipient", &s->chat);
    node_attr_u64(&m->a, g.stanza, "t", s->t);
    struct node *enc = pairwise(&g, to, buf_span(own ? &wrapped : &content), count);
    if (enc) {
        struct message_verdict v;

        node_add(g.stanza, enc);
        add_identity(&g);
        message_route(m, d, actor_label(d), g.stanza, &v);
    }
    buf_free(&content);
    buf_free(&skdm);
    buf_free(&wrapped);
}

void actor_receipt(struct mock *m, struct device *d, const struct node *message, const char *type)
{
    struct node *n = mock_node(m, "receipt");
    struct jid from;

    if (!node_attr_get_jid(message, "from", &from))
        return;
    node_copy_attr(&m->a, n, message, "id");
    node_attr_jid(&m->a, n, "to", &from);
    node_copy_attr(&m->a, n, message, "participant");
    node_copy_attr(&m->a, n, message, "recipient");
    node_attr_text(&m->a, n, "type", type);
    (void)receipt_route(m, d, actor_label(d), n);
}
