#include "tools/mock/devices/strict.h"

#include <stdlib.h>

#include "base/text.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/devices/devices.h"

enum { SIGNAL_VERSION_BYTE = 0x33, MAC_BYTES = 8, GROUP_SIG_BYTES = 64 };

static const char *address(const struct device *d, char text[static JID_TEXT_MAX])
{
    struct jid j = device_jid(d, true);

    return jid_signal_address(&j, text);
}

/* A 64-bit value that is never NULL as a pointer. */
static void *as_value(uint64_t v)
{
    return (void *)(uintptr_t)(v | 1); /* NOLINT: compared, never followed */
}

/* The SignalMessage inside a msg or pkmsg, without version and MAC. */
static struct span signal_body(struct span ct, bool pkmsg)
{
    if (pkmsg) {
        if (ct.n < 2 || ct.p[0] != SIGNAL_VERSION_BYTE)
            return SPAN_NULL;
        ct = pb_bytes(span_skip(ct, 1), 4);
    }
    if (ct.n < 2 + MAC_BYTES || ct.p[0] != SIGNAL_VERSION_BYTE)
        return SPAN_NULL;
    return SPAN(ct.p + 1, ct.n - 1 - MAC_BYTES);
}

static struct span sender_body(struct span ct)
{
    if (ct.n < 2 + GROUP_SIG_BYTES || ct.p[0] != SIGNAL_VERSION_BYTE)
        return SPAN_NULL;
    return SPAN(ct.p + 1, ct.n - 1 - GROUP_SIG_BYTES);
}

/* Remembers what a message key was used for; flags a second use for something else. */
static void use_key(struct mock *m, const char *label, const char *key, struct span ct,
                    const struct node *enc)
{
    void *value = as_value(map_hash(ct.p, ct.n));
    void *old = map_get(&m->used_keys, key);

    if (old && old != value)
        mock_flag(m, label, "message-key-reuse", enc, "two ciphertexts for %s", key);
    else if (!old && m->used_keys.n < MOCK_USED_KEYS_MAX)
        (void)map_put(&m->used_keys, key, value);
}

void strict_enc(struct mock *m, const struct device *from, const char *label,
                const struct device *to, const struct group *group, const struct node *enc)
{
    char a[JID_TEXT_MAX], b[JID_TEXT_MAX], key[2 * JID_TEXT_MAX + 96];
    struct span ct = node_content_bytes(enc), body;

    if (!node_attr_is(enc, "v", "2")) {
        mock_flag(m, label, "bad-enc", enc, "v is not 2");
        return;
    }
    if (!to) {
        body = sender_body(ct);
        if (!body.p || !node_attr_is(enc, "type", "skmsg")) {
            mock_flag(m, label, "bad-enc", enc, "not a sender key message");
            return;
        }
        (void)snprintf(key, sizeof key, "%s>%s|%u|%u", address(from, a), group->jid.user,
                       (unsigned)pb_u64(body, 1, 0), (unsigned)pb_u64(body, 2, 0));
        use_key(m, label, key, ct, enc);
        return;
    }
    bool pkmsg = node_attr_is(enc, "type", "pkmsg");
    body = signal_body(ct, pkmsg);
    if (!body.p || (!pkmsg && !node_attr_is(enc, "type", "msg"))) {
        mock_flag(m, label, "bad-enc", enc, "not a Signal message");
        return;
    }
    struct span ratchet = pb_bytes(body, 1);
    if (!pb_has(body, 2) || !pb_has(body, 3) || ratchet.n != DJB_KEY_BYTES)
        mock_flag(m, label, "bad-enc", enc, "SignalMessage lacks fields 1 to 3 (P-SG-19)");
    (void)snprintf(key, sizeof key, "%s>%s|%016llx|%u", address(from, a), address(to, b),
                   (unsigned long long)map_hash(ratchet.p, ratchet.n),
                   (unsigned)pb_u64(body, 2, 0));
    use_key(m, label, key, body, enc);
}

/* ---- sender keys ---- */

static struct group_key *group_key_of(struct group *g, const struct device *from, uint32_t id,
                                      bool *ret_stale)
{
    char a[JID_TEXT_MAX];
    struct group_key *k = map_get(&g->keys, address(from, a));

    if (!k) {
        k = calloc(1, sizeof *k);
        if (!k || !map_put(&g->keys, a, k)) {
            free(k);
            return NULL;
        }
        k->id = id;
    }
    *ret_stale = k->stale && k->id == id;
    if (k->id != id) {
        map_free(&k->holders, NULL);
        k->id = id;
    }
    k->stale = false;
    return k;
}

static void flag_forgotten(struct mock *m, const struct device *from, const char *label,
                           const struct group *g, const struct group_key *k, const struct node *n)
{
    struct buf missing = buf_new(4096);
    char a[JID_TEXT_MAX];
    size_t count = 0;

    for (size_t i = 0; i < g->nmembers; i++) {
        const struct mock_account *acc = g->members[i].account;

        if (devices_unheard(from, acc))
            continue;
        for (size_t d = 0; d < acc->ndevices; d++) {
            if (acc->devices[d] == from || map_get(&k->holders, address(acc->devices[d], a)))
                continue;
            if (count++ < 5)
                buf_printf(&missing, " %s", a);
        }
    }
    if (count > 0)
        mock_flag(m, label, "forgotten-device", n, "%zu without the sender key:%s", count,
                  buf_cstr(&missing));
    buf_free(&missing);
}

void strict_group_key(struct mock *m, const struct device *from, const char *label, struct group *g,
                      const struct node *n)
{
    const struct node *enc = node_child(n, "enc");
    struct span body = sender_body(node_content_bytes(enc));
    bool stale;

    if (!body.p)
        return;
    struct group_key *k = group_key_of(g, from, (uint32_t)pb_u64(body, 1, 0), &stale);
    if (!k)
        return;
    if (stale)
        mock_flag(m, label, "sender-key-not-rotated", n, "key %u although a member has left",
                  k->id);
    const struct node *parts = node_child(n, "participants");
    for (const struct node *to = node_child(parts, "to"); to != NULL; to = node_next(to, "to")) {
        struct jid j;
        char a[JID_TEXT_MAX];
        struct device *d =
            node_attr_get_jid(to, "jid", &j) ? world_device_jid(&m->world, &j) : NULL;

        if (d && node_child(to, "enc") != NULL)
            (void)map_put(&k->holders, address(d, a), k);
    }
    flag_forgotten(m, from, label, g, k, n);
}

void strict_group_given(struct group *g, const struct device *from, const struct device *to)
{
    char a[JID_TEXT_MAX];
    struct group_key *k = map_get(&g->keys, address(from, a));

    if (k)
        (void)map_put(&k->holders, address(to, a), k);
}

void strict_keys_unknown(struct group *g)
{
    size_t at = 0;
    struct map_slot *s;

    while ((s = map_next(&g->keys, &at)) != NULL) {
        struct group_key *k = s->value;

        map_free(&k->holders, NULL);
        k->holders = (struct map){0};
    }
}

void strict_member_left(struct group *g)
{
    size_t at = 0;
    struct map_slot *s;

    while ((s = map_next(&g->keys, &at)) != NULL)
        ((struct group_key *)s->value)->stale = true;
}

/* ---- the rest ---- */

bool strict_device_identity(struct mock *m, const struct device *from, const char *label,
                            const struct node *n)
{
    struct span got = node_content_bytes(node_child(n, "device-identity"));
    struct span ours = buf_span(&from->adv);

    if (from->number == 0 || world_is_played(from)) /* what the mock plays is no client's fault */
        return true;
    if (!got.p) {
        mock_flag(m, label, "missing-device-identity", n, "pkmsg without device-identity");
        return false;
    }
    for (uint32_t field = 1; field <= 4; field++) {
        if (!span_eq(pb_bytes(got, field), pb_bytes(ours, field))) {
            mock_flag(m, label, "bad-device-identity", n, "field %u differs from the pairing",
                      field);
            return false;
        }
    }
    return true;
}

int strict_seen_id(struct mock *m, const struct device *from, const char *id, const struct node *n)
{
    char a[JID_TEXT_MAX], key[JID_TEXT_MAX + MOCK_ID_MAX + 8];
    struct buf packed = buf_new(MOCK_STANZA_BYTES);

    if (node_pack(n, &packed) != WB_OK) {
        buf_free(&packed);
        return 0;
    }
    void *value = as_value(map_hash(packed.p, packed.n));
    buf_free(&packed);
    (void)snprintf(key, sizeof key, "id|%s|%s", address(from, a), id);
    void *old = map_get(&m->used_keys, key);
    if (!old && m->used_keys.n < MOCK_USED_KEYS_MAX)
        (void)map_put(&m->used_keys, key, value);
    return old == NULL ? 0 : old == value ? 1 : 2;
}
