/* admin_forge.c - what a dishonest server could send: stanzas in the name of people who have not
 * sent them, under keys that do not belong to these people. */
#include "crypto/pair_crypt.h"
#include "crypto/signal.h"
#include "proto/padding.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/core/content.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/prekeys.h"

enum { FORGED_MAX = 1 << 20 };

struct forgery {
    struct mock *m;
    const json_t *body;
    const struct mock_account *victim; /* in whose name */
    struct jid as;                     /* address of the victim's device */
    struct signal_local local;         /* the forger's key, not the victim's */
};

/* Adds a statement (<device-identity>) of an account that nobody knows; its signatures are good
 * (P-PR-09..11). */
static enum wb_err add_statement(struct forgery *f, struct node *stanza)
{
    struct buf details = buf_new(256), adv = buf_new(1024);
    struct x25519_pair account;
    uint8_t sig[XEDDSA_SIG_BYTES], own_sig[XEDDSA_SIG_BYTES];
    enum wb_err err;

    x25519_generate(&f->m->rng, &account);
    pb_put_u64(&details, 1, 1);
    pb_put_u64(&details, 2, mock_now_s(f->m));
    pb_put_u64(&details, 3, 1);
    TRY(adv_make_account_signature(&account, buf_span(&details), false, f->local.identity.pub,
                                   &f->m->rng, sig));
    TRY(adv_make_device_signature(&f->local.identity, buf_span(&details), account.pub, &f->m->rng,
                                  own_sig));
    pb_put_bytes(&adv, 1, buf_span(&details));
    pb_put_bytes(&adv, 2, SPAN_ARRAY(account.pub));
    pb_put_bytes(&adv, 3, SPAN_ARRAY(sig));
    pb_put_bytes(&adv, 4, SPAN_ARRAY(own_sig));
    node_set_bytes(&f->m->a, node_child_new(&f->m->a, stanza, "device-identity"), buf_span(&adv));
    err = buf_err(&adv);
out:
    buf_free(&details);
    buf_free(&adv);
    return err;
}

/* Seals for one device as actors do, with a session for this one message. */
static enum wb_err seal(struct forgery *f, struct device *to, struct span content, struct buf *ct)
{
    struct signal_session *s = signal_session_new();
    struct buf plain = buf_new(FORGED_MAX);
    struct signal_bundle b = {.registration_id = to->registration_id,
                              .signed_prekey_id = to->skey_id};
    enum signal_message_kind kind;
    struct prekey k;
    enum wb_err err = s != NULL ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    memcpy(b.identity, to->identity, sizeof b.identity);
    memcpy(b.signed_prekey, to->skey, sizeof b.signed_prekey);
    memcpy(b.signed_prekey_sig, to->skey_sig, sizeof b.signed_prekey_sig);
    b.has_prekey = prekeys_take(f->m, to, &k);
    if (b.has_prekey) {
        b.prekey_id = k.id;
        memcpy(b.prekey, k.pub, sizeof b.prekey);
    }
    buf_append(&plain, content);
    TRY(padding_add(&plain, 5));
    TRY(signal_session_start(s, &f->local, &b, &f->m->rng));
    err = signal_encrypt(s, buf_span(&plain), &kind, ct);
out:
    signal_session_free(s);
    buf_free(&plain);
    return err;
}

static struct node *message(struct forgery *f, struct device *to, struct span content)
{
    struct mock *m = f->m;
    struct buf ct = buf_new(FORGED_MAX);
    struct node *n = mock_node(m, "message"), *enc;
    const char *id = admin_text(f->body, "id");
    struct jid recipient;

    if (seal(f, to, content, &ct) != WB_OK) {
        buf_free(&ct);
        return NULL;
    }
    node_attr_jid(&m->a, n, "from", &f->as);
    node_attr_text(&m->a, n, "id", id[0] != '\0' ? id : mock_id(m));
    node_attr_text(&m->a, n, "type", "text");
    node_attr_u64(&m->a, n, "t", mock_now_s(m));
    if (admin_bool(f->body, "peer", false))
        node_attr_text(&m->a, n, "category", "peer");
    if (jid_parse_cstr(admin_text(f->body, "recipient"), &recipient) == WB_OK)
        node_attr_jid(&m->a, n, "recipient", &recipient);
    enc = node_child_new(&m->a, n, "enc");
    node_attr_text(&m->a, enc, "v", "2");
    node_attr_text(&m->a, enc, "type", "pkmsg");
    node_set_bytes(&m->a, enc, buf_span(&ct));
    buf_free(&ct);
    if (admin_bool(f->body, "statement", false) && add_statement(f, n) != WB_OK)
        return NULL;
    return n;
}

/* A retry receipt with the forger's own keys, as if the victim's device asked for a message
 * again. */
static struct node *retry(struct forgery *f)
{
    struct mock *m = f->m;
    struct node *n = mock_node(m, "receipt"), *r, *keys;
    struct device d = {.registration_id = 77, .skey_id = 1};
    struct x25519_pair skey;
    uint8_t signed_part[1 + X25519_KEY_BYTES] = {DJB_TYPE};
    static const uint8_t registration[4] = {0, 0, 0, 77};
    const char *id = admin_text(f->body, "id");

    x25519_generate(&m->rng, &skey);
    memcpy(signed_part + 1, skey.pub, sizeof skey.pub);
    memcpy(d.identity, f->local.identity.pub, sizeof d.identity);
    memcpy(d.skey, skey.pub, sizeof d.skey);
    if (xeddsa_sign(f->local.identity.priv, SPAN_ARRAY(signed_part), &m->rng, d.skey_sig) != WB_OK)
        return NULL;
    node_attr_jid(&m->a, n, "from", &f->as);
    node_attr_text(&m->a, n, "id", id);
    node_attr_text(&m->a, n, "type", "retry");
    node_attr_u64(&m->a, n, "t", mock_now_s(m));
    struct jid recipient;
    if (jid_parse_cstr(admin_text(f->body, "recipient"), &recipient) == WB_OK)
        node_attr_jid(&m->a, n, "recipient", &recipient);
    r = node_child_new(&m->a, n, "retry");
    node_attr_u64(&m->a, r, "count", 1);
    node_attr_text(&m->a, r, "id", id);
    node_attr_u64(&m->a, r, "t", mock_now_s(m));
    node_attr_text(&m->a, r, "v", "1");
    node_set_bytes(&m->a, node_child_new(&m->a, n, "registration"), SPAN_ARRAY(registration));
    keys = node_child_new(&m->a, n, "keys");
    prekeys_bundle_node(m, keys, &d, NULL);
    return n;
}

static struct node *identity(struct forgery *f)
{
    struct jid bare = jid_bare(f->as);
    struct node *n = deliver_notification(f->m, &bare, "encrypt");

    (void)node_child_new(&f->m->a, n, "identity");
    return n;
}

static int forge_for(struct forgery *f, struct device *to, json_t **ret_out)
{
    const char *what = admin_text(f->body, "what");
    struct buf content = buf_new(FORGED_MAX), wrapped = buf_new(FORGED_MAX);
    const char *sent_to = admin_text(f->body, "sent_to");
    struct node *n = NULL;
    int status = 200;

    if (strcmp(what, "retry") == 0) {
        n = retry(f);
    } else if (strcmp(what, "identity") == 0) {
        n = identity(f);
    } else if (what[0] != '\0') {
        status = admin_bad(ret_out, 400, "what: retry or identity; nothing for a message");
    } else if (admin_build_message(f->body, &content, ret_out)) {
        if (sent_to[0] != '\0')
            content_device_sent(&wrapped, sent_to, buf_span(&content));
        n = message(f, to, buf_span(sent_to[0] != '\0' ? &wrapped : &content));
    } else {
        status = 400;
    }
    if (status == 200 && !n)
        status = admin_bad(ret_out, 422, "this cannot be forged now");
    if (status == 200) {
        const char *id = mock_attr(f->m, n, "id");

        deliver(f->m, to, n);
        *ret_out = json_pack("{s:b,s:s}", "ok", 1, "id", id);
    }
    buf_free(&content);
    buf_free(&wrapped);
    return status;
}

int admin_forge(struct mock *m, const struct http_request *q, const json_t *body, json_t **ret_out)
{
    struct forgery f = {.m = m, .body = body, .local = {.registration_id = 77}};
    struct mock_account *victim = admin_account(m, q, body, "as", ret_out);
    struct mock_account *to = victim != NULL ? admin_account(m, q, body, "to", ret_out) : NULL;

    if (!to)
        return 404;
    f.victim = victim;
    f.as = admin_bool(body, "pn", false) ? victim->pn : victim->lid;
    f.as = jid_with_device(f.as, (uint16_t)admin_int(body, "device", 0));
    x25519_generate(&m->rng, &f.local.identity);
    for (size_t i = 0; i < to->ndevices; i++)
        if (!world_is_played(to->devices[i]))
            return forge_for(&f, to->devices[i], ret_out);
    return admin_bad(ret_out, 404, "to: has no client");
}
