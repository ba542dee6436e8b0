#include "tools/mock/devices/prekeys.h"

#include <stdlib.h>

#include "tools/mock/core/sha1.h"
#include "tools/mock/devices/deliver.h"

enum { LOW_PREKEYS = 5, ID_BYTES = 3 };

static void put_be(struct mock *m, struct node *parent, const char *tag, uint32_t v, size_t n)
{
    uint8_t b[4];

    for (size_t i = 0; i < n; i++)
        b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    node_set_bytes(&m->a, node_child_new(&m->a, parent, tag), SPAN(b, n));
}

static bool get_be(const struct node *parent, const char *tag, size_t n, uint32_t *ret_v)
{
    struct span s = node_content_bytes(node_child(parent, tag));

    if (s.n != n)
        return false;
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | s.p[i];
    *ret_v = v;
    return true;
}

bool prekeys_take(struct mock *m, struct device *d, struct prekey *ret_k)
{
    if (world_is_played(d))
        return m->world.player->next_prekey(m, d, ret_k);
    if (d->nprekeys == 0 || d->withheld)
        return false;
    *ret_k = d->prekeys[0];
    memmove(d->prekeys, d->prekeys + 1, (--d->nprekeys) * sizeof d->prekeys[0]);
    prekeys_tell_if_low(m, d);
    return true;
}

void prekeys_tell_if_low(struct mock *m, struct device *d)
{
    struct jid server = jid_server_only(JID_PN);

    if (world_is_played(d) || d->nprekeys >= LOW_PREKEYS || d->low_told || d->prekeys_seen.n == 0)
        return;
    d->low_told = true;
    struct node *n = deliver_notification(m, &server, "encrypt");
    struct node *count = node_child_new(&m->a, n, "count");
    node_attr_u64(&m->a, count, "value", d->nprekeys);
    deliver(m, d, n);
}

void prekeys_bundle_node(struct mock *m, struct node *parent, struct device *d,
                         const struct prekey *one_time)
{
    static const uint8_t type = DJB_TYPE;

    put_be(m, parent, "registration", d->registration_id, 4);
    node_set_bytes(&m->a, node_child_new(&m->a, parent, "type"), SPAN(&type, 1));
    node_set_bytes(&m->a, node_child_new(&m->a, parent, "identity"), SPAN_ARRAY(d->identity));
    if (one_time) {
        struct node *key = node_child_new(&m->a, parent, "key");

        put_be(m, key, "id", one_time->id, ID_BYTES);
        node_set_bytes(&m->a, node_child_new(&m->a, key, "value"), SPAN_ARRAY(one_time->pub));
    }
    struct node *skey = node_child_new(&m->a, parent, "skey");
    put_be(m, skey, "id", d->skey_id, ID_BYTES);
    node_set_bytes(&m->a, node_child_new(&m->a, skey, "value"), SPAN_ARRAY(d->skey));
    node_set_bytes(&m->a, node_child_new(&m->a, skey, "signature"), SPAN_ARRAY(d->skey_sig));
}

int iq_prekey_count(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    struct node *count = node_child_new(&c->m->a, result, "count");
    node_attr_u64(&c->m->a, count, "value", c->device->nprekeys);
    return 0;
}

/* The digest of what the server holds (P-LG-10), 20 bytes: SHA-1 of identity, signed prekey, its
 * signature and the one-time prekeys in the order in which they are listed. */
static void put_hash(struct mock *m, struct node *digest, const struct device *d)
{
    struct buf all = buf_new((size_t)X25519_KEY_BYTES * (MOCK_PREKEYS_MAX + 4));
    uint8_t hash[SHA1_BYTES];

    buf_append(&all, SPAN_ARRAY(d->identity));
    buf_append(&all, SPAN_ARRAY(d->skey));
    buf_append(&all, SPAN_ARRAY(d->skey_sig));
    for (size_t i = 0; i < d->nprekeys; i++)
        buf_append(&all, SPAN_ARRAY(d->prekeys[i].pub));
    if (buf_err(&all) == WB_OK && sha1(buf_span(&all), hash))
        node_set_bytes(&m->a, node_child_new(&m->a, digest, "hash"), SPAN_ARRAY(hash));
    buf_free(&all);
}

/* Answers with the ids and public keys that the server holds (P-LG-10). */
int iq_prekey_digest(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    struct mock *m = c->m;
    struct device *d = c->device;
    static const uint8_t type = DJB_TYPE;
    if (d->nprekeys == 0)
        return 404;
    struct node *digest = node_child_new(&m->a, result, "digest");
    put_be(m, digest, "registration", d->registration_id, 4);
    node_set_bytes(&m->a, node_child_new(&m->a, digest, "type"), SPAN(&type, 1));
    node_set_bytes(&m->a, node_child_new(&m->a, digest, "identity"), SPAN_ARRAY(d->identity));
    struct node *skey = node_child_new(&m->a, digest, "skey");
    put_be(m, skey, "id", d->skey_id, ID_BYTES);
    node_set_bytes(&m->a, node_child_new(&m->a, skey, "value"), SPAN_ARRAY(d->skey));
    node_set_bytes(&m->a, node_child_new(&m->a, skey, "signature"), SPAN_ARRAY(d->skey_sig));
    struct node *list = node_child_new(&m->a, digest, "list");
    for (size_t i = 0; i < d->nprekeys; i++)
        put_be(m, list, "id", d->prekeys[i].id, ID_BYTES);
    put_hash(m, digest, d);
    return 0;
}

/* Keys that are valid, but belong to somebody else. */
static void foreign_bundle(struct mock *m, struct node *out, const struct device *d)
{
    struct device other = {.registration_id = d->registration_id, .skey_id = 1};
    struct x25519_pair identity, skey;
    uint8_t signed_part[1 + X25519_KEY_BYTES] = {DJB_TYPE};

    x25519_generate(&m->rng, &identity);
    x25519_generate(&m->rng, &skey);
    memcpy(signed_part + 1, skey.pub, sizeof skey.pub);
    memcpy(other.identity, identity.pub, sizeof other.identity);
    memcpy(other.skey, skey.pub, sizeof other.skey);
    if (xeddsa_sign(identity.priv, SPAN_ARRAY(signed_part), &m->rng, other.skey_sig) == WB_OK)
        prekeys_bundle_node(m, out, &other, NULL);
}

static int fetch_user(struct client *c, const struct node *user, struct node *list)
{
    struct mock *m = c->m;
    struct jid j;

    if (!node_attr_get_jid(user, "jid", &j))
        return 400;
    struct node *out = node_child_new(&m->a, list, "user");
    node_attr_jid(&m->a, out, "jid", &j);
    struct device *d = world_device_jid(&m->world, &j);
    if (!d) {
        struct node *e = node_child_new(&m->a, out, "error");
        bool one = m->gone_refused == GONE_ONE;

        node_attr_u64(&m->a, e, "code", one ? 406 : 404);
        node_attr_text(&m->a, e, "text", one ? "not-acceptable" : "item-not-found");
        return 0;
    }
    struct prekey k;
    bool got = prekeys_take(m, d, &k);
    if (d->number == 0 && m->trouble.foreign_phone_keys > 0) {
        m->trouble.foreign_phone_keys--;
        foreign_bundle(m, out, d);
        return 0;
    }
    prekeys_bundle_node(m, out, d, got ? &k : NULL);
    if (d->adv.n > 0)
        node_set_bytes(&m->a, node_child_new(&m->a, out, "device-identity"), buf_span(&d->adv));
    return 0;
}

/* Whether the query names a device that is gone: one such device spoils the query for all
 * (P-X2-12). */
static bool names_a_gone_device(struct mock *m, const struct node *key)
{
    struct jid j;

    for (const struct node *u = node_child(key, "user"); u != NULL; u = node_next(u, "user")) {
        if (node_attr_get_jid(u, "jid", &j) && world_device_jid(&m->world, &j) == NULL)
            return true;
    }
    return false;
}

int iq_prekey_fetch(struct client *c, const struct node *iq, struct node *result)
{
    const struct node *key = node_child(iq, "key");
    struct node *list = node_child_new(&c->m->a, result, "list");
    size_t n = 0;

    if (c->m->gone_refused == GONE_BATCH && names_a_gone_device(c->m, key))
        return 406;
    for (const struct node *u = node_child(key, "user"); u != NULL; u = node_next(u, "user")) {
        int code = fetch_user(c, u, list);

        if (code != 0)
            return code;
        n++;
    }
    return n > 0 ? 0 : 400;
}

static int take_skey(struct client *c, const struct node *skey)
{
    struct device *d = c->device;
    uint32_t id;
    uint8_t signed_part[1 + X25519_KEY_BYTES] = {DJB_TYPE};
    struct span value = node_content_bytes(node_child(skey, "value"));
    struct span sig = node_content_bytes(node_child(skey, "signature"));

    if (!get_be(skey, "id", ID_BYTES, &id) || value.n != X25519_KEY_BYTES ||
        sig.n != XEDDSA_SIG_BYTES)
        return 400;
    memcpy(signed_part + 1, value.p, value.n);
    if (xeddsa_verify(d->identity, SPAN_ARRAY(signed_part), sig.p) != WB_OK)
        return 406;
    if (d->skey_id != 0 && id == d->skey_id && memcmp(d->skey, value.p, value.n) != 0)
        mock_flag(c->m, c->label, "prekey-reuse", skey, "another signed prekey of id %u", id);
    if (id != d->skey_id) {
        d->skey_before.id = d->skey_id;
        memcpy(d->skey_before.pub, d->skey, sizeof d->skey);
        memcpy(d->skey_before.sig, d->skey_sig, sizeof d->skey_sig);
    }
    d->skey_id = id;
    memcpy(d->skey, value.p, value.n);
    memcpy(d->skey_sig, sig.p, sig.n);
    return 0;
}

bool prekeys_skey_back(struct device *d)
{
    if (d->skey_before.id == 0)
        return false;
    d->skey_id = d->skey_before.id;
    memcpy(d->skey, d->skey_before.pub, sizeof d->skey);
    memcpy(d->skey_sig, d->skey_before.sig, sizeof d->skey_sig);
    return true;
}

void prekeys_ask_compare(struct mock *m, struct device *d)
{
    struct jid server = jid_server_only(JID_PN);
    struct node *n = deliver_notification(m, &server, "encrypt");

    (void)node_child_new(&m->a, n, "digest");
    deliver(m, d, n);
}

int iq_prekey_rotate(struct client *c, const struct node *iq, struct node *result)
{
    (void)result;
    int code = take_skey(c, node_child(node_child(iq, "rotate"), "skey"));
    if (code != 0)
        mock_flag(c->m, c->label, "bad-prekeys", iq, "signed prekey refused: %d", code);
    return code;
}

static const char *check_upload(struct client *c, const struct node *iq)
{
    static const char *const parts[] = {"registration", "type", "identity", "list", "skey"};

    enum { PARTS = sizeof parts / sizeof parts[0] };
    uint32_t registration;
    struct span type = node_content_bytes(node_child(iq, "type"));
    size_t n = 0;

    for (const struct node *k = iq->first; k != NULL; k = k->next)
        n++;
    for (size_t i = 0; i < PARTS; i++) {
        if (n != PARTS || node_child(iq, parts[i]) == NULL)
            return "children are registration, type, identity, list, skey, in any order";
    }
    if (!get_be(iq, "registration", 4, &registration))
        return "registration is not 4 bytes";
    if (registration != c->device->registration_id)
        return "registration id differs from the pairing";
    if (type.n != 1 || type.p[0] != DJB_TYPE)
        return "type is not 05";
    if (!span_eq(node_content_bytes(node_child(iq, "identity")), SPAN_ARRAY(c->device->identity)))
        return "identity differs from the pairing";
    return NULL;
}

static bool add_prekey(struct client *c, const struct node *key)
{
    struct device *d = c->device;
    struct span value = node_content_bytes(node_child(key, "value"));
    uint32_t id;
    char text[16];

    if (!get_be(key, "id", ID_BYTES, &id) || id == 0 || value.n != X25519_KEY_BYTES ||
        d->nprekeys >= MOCK_PREKEYS_MAX)
        return false;
    (void)snprintf(text, sizeof text, "%u", id);
    if (map_get(&d->prekeys_seen, text) != NULL)
        mock_flag(c->m, c->label, "prekey-reuse", key, "prekey id %u was uploaded before", id);
    struct prekey *list = realloc(d->prekeys, (d->nprekeys + 1) * sizeof *list);
    if (!list)
        return false;
    d->prekeys = list;
    list[d->nprekeys].id = id;
    memcpy(list[d->nprekeys].pub, value.p, value.n);
    d->nprekeys++;
    return map_put(&d->prekeys_seen, text, d);
}

int iq_prekey_upload(struct client *c, const struct node *iq, struct node *result)
{
    (void)result;
    const char *wrong = check_upload(c, iq);
    if (wrong) {
        mock_flag(c->m, c->label, "bad-prekeys", NULL, "%s", wrong);
        return 406;
    }
    int code = take_skey(c, node_child(iq, "skey"));
    const struct node *list = node_child(iq, "list");
    for (const struct node *k = node_child(list, "key"); code == 0 && k != NULL;
         k = node_next(k, "key")) {
        if (!add_prekey(c, k))
            code = 406;
    }
    if (code != 0)
        mock_flag(c->m, c->label, "bad-prekeys", NULL, "a key was refused: %d", code);
    c->device->low_told = false;
    return code;
}
