#include "bridge/people/usync.h"

#include <stdio.h>

#include "bridge/core/context.h"
#include "bridge/people/limits.h"
#include "proto/pair_wire.h"

enum { CODE_RATE = 429, CODE_SERVER = 500 };

static void add_protocols(struct arena *a, struct node *query, enum usync_kind kind)
{
    struct node *n;

    switch (kind) {
    case USYNC_DEVICES:
        n = node_child_new(a, query, "devices");
        node_attr_text(a, n, "version", "2");
        break;
    case USYNC_INFO:
        n = node_child_new(a, query, "business");
        node_child_new(a, n, "verified_name");
        node_child_new(a, query, "status");
        node_child_new(a, query, "picture");
        n = node_child_new(a, query, "devices");
        node_attr_text(a, n, "version", "2");
        node_child_new(a, query, "lid");
        break;
    case USYNC_CONTACT:
        n = node_child_new(a, query, "contact");
        node_attr_text(a, n, "addressing_mode", "lid");
        n = node_child_new(a, query, "business");
        node_child_new(a, n, "verified_name");
        node_child_new(a, query, "disappearing_mode");
        node_child_new(a, query, "username");
        node_child_new(a, query, "lid");
        break;
    }
}

static void add_user(struct arena *a, struct node *list, enum usync_kind kind,
                     const struct jid *who, struct span token)
{
    struct node *user = node_child_new(a, list, "user");
    struct jid bare = jid_bare(jid_unhosted(*who));

    if (kind == USYNC_CONTACT) {
        char text[JID_TEXT_MAX + 8];

        snprintf(text, sizeof text, "+%s@c.us", bare.user);
        node_set_text(a, node_child_new(a, user, "contact"), text);
        return;
    }
    node_attr_jid(a, user, "jid", &bare);
    if (kind == USYNC_INFO && token.n)
        node_set_bytes(a, node_child_new(a, user, "tctoken"), token);
}

struct node *usync_new(struct arena *a, enum usync_kind kind, const char *sid,
                       const struct jid *users, const struct span *tokens, size_t n)
{
    static const char *const modes[] = {"query", "full", "query"};
    static const char *const contexts[] = {"message", "background", "interactive"};
    struct node *iq = node_new(a, "iq"), *usync, *list;
    struct jid server = jid_server_only(JID_PN);

    if (!iq)
        return NULL;
    node_attr_jid(a, iq, "to", &server);
    node_attr_text(a, iq, "type", "get");
    node_attr_text(a, iq, "xmlns", "usync");
    usync = node_child_new(a, iq, "usync");
    node_attr_text(a, usync, "sid", sid);
    node_attr_text(a, usync, "mode", modes[kind]);
    node_attr_text(a, usync, "last", "true");
    node_attr_text(a, usync, "index", "0");
    node_attr_text(a, usync, "context", contexts[kind]);
    add_protocols(a, node_child_new(a, usync, "query"), kind);
    list = node_child_new(a, usync, "list");
    for (size_t i = 0; i < n; i++)
        add_user(a, list, kind, &users[i], tokens ? tokens[i] : SPAN_NULL);
    return iq;
}

/* ---- answers ---- */

/* The device indexes that the account has signed; false when there is no readable list, and then
 * every device counts, as in clients that ignore the list. */
static bool read_key_list(const struct node *devices, struct arena *a, struct adv_key_list *ret)
{
    struct span bytes = node_content_bytes(node_child(devices, "key-index-list"));
    struct adv_signed_key_list list;

    return bytes.n > 0 && adv_signed_key_list_decode(bytes, a, &list) == WB_OK &&
           adv_key_list_decode(list.details, a, ret) == WB_OK;
}

/* Alive are the phone, devices listed as valid, and devices newer than the list (P-US-07). A device
 * without an index cannot be judged. */
static bool device_alive(const struct store_device *d, bool has_index, const struct adv_key_list *k)
{
    if (d->id == 0 || d->hosted || !has_index || d->key_index > k->current_index)
        return true;
    for (size_t i = 0; i < k->nvalid; i++)
        if (k->valid[i] == d->key_index)
            return true;
    return false;
}

static bool read_device(const struct node *n, struct store_device *ret, bool *ret_has_index)
{
    uint64_t id, index = 0;

    if (!node_is(n, "device") || !node_attr_get_u64(n, "id", &id) || id > DEVICE_NUMBER_MAX)
        return false;
    *ret_has_index = node_attr_get_u64(n, "key-index", &index) && index <= UINT32_MAX;
    *ret = (struct store_device){.id = (uint16_t)id,
                                 .key_index = *ret_has_index ? (uint32_t)index : 0,
                                 .hosted = node_attr_is(n, "is_hosted", "true")};
    return true;
}

static bool has_device(const struct store_device_list *list, uint16_t id)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->devices[i].id == id)
            return true;
    return false;
}

enum wb_err usync_parse_devices(const struct node *devices, struct arena *a,
                                struct store_device_list *ret_list)
{
    const struct node *list = node_child(devices, "device-list");
    struct store_device_list out = {0};
    struct adv_key_list keys = {0};
    bool has_keys;
    struct span hash;
    size_t n;

    if (!list)
        return WB_ERR_NOT_FOUND;
    n = node_child_count(list);
    if (n > STORE_DEVICES_MAX)
        return WB_ERR_TOO_LARGE;
    out.devices = arena_alloc(a, (n ? n : 1) * sizeof *out.devices);
    if (!out.devices)
        return WB_ERR_NOMEM;
    has_keys = read_key_list(devices, a, &keys);
    for (const struct node *d = n ? list->first : NULL; d; d = d->next) {
        struct store_device v;
        bool has_index;

        if (!read_device(d, &v, &has_index) || has_device(&out, v.id) ||
            (has_keys && !device_alive(&v, has_index, &keys)))
            continue;
        out.devices[out.n++] = v;
    }
    hash = node_attr_str(list, "hash", a);
    if (hash.n < sizeof out.hash && hash.n > 0)
        memcpy(out.hash, hash.p, hash.n);
    *ret_list = out;
    return WB_OK;
}

static void read_identities(const struct node *n, struct usync_user *u)
{
    struct jid other;

    if (u->jid.server == JID_LID)
        u->lid = u->jid;
    else
        u->pn = u->jid;
    if (node_attr_get_jid(n, "pn_jid", &other) && jid_unhosted(other).server == JID_PN)
        u->pn = jid_bare(jid_unhosted(other));
    if (node_attr_get_jid(node_child(n, "lid"), "val", &other) && other.server == JID_LID)
        u->lid = jid_bare(other);
}

static void read_contact(const struct node *n, struct usync_user *u)
{
    const struct node *c = node_child(n, "contact");

    u->contact_text = node_content_bytes(c);
    if (node_child(c, "error"))
        u->contact = USYNC_CONTACT_FAILED;
    else if (node_attr_is(c, "type", "in"))
        u->contact = USYNC_CONTACT_IN;
    else if (node_attr_is(c, "type", "out"))
        u->contact = USYNC_CONTACT_OUT;
}

/* The protocols that a kind of question needs; its other protocols may fail. */
static const char *const *wanted(enum usync_kind kind)
{
    static const char *const devices[] = {"devices", NULL}, *const info[] = {"lid", NULL},
                             *const contact[] = {"contact", "lid", NULL};

    return kind == USYNC_DEVICES ? devices : kind == USYNC_INFO ? info : contact;
}

static bool is_worse(enum wb_err err, enum wb_err than)
{
    return than == WB_OK || err == WB_ERR_RATE_LIMITED ||
           (err == WB_ERR_TIMEOUT && than == WB_ERR_REFUSED);
}

/* The worst error of the protocols in n (a <user> or the <result>), or WB_OK. A plain refusal of
 * the LID is an answer, since people without a LID are written to by number (P-X2-25). */
static enum wb_err read_errors(const struct node *n, enum usync_kind kind, struct arena *a,
                               struct usync_answer *ans)
{
    enum wb_err worst = WB_OK;

    for (const char *const *name = wanted(kind); *name; name++) {
        const struct node *protocol = node_child(n, *name);
        enum wb_err err = WB_ERR_REFUSED;
        uint64_t backoff_s;
        struct span text;
        uint32_t code;

        if (!node_child(protocol, "error"))
            continue;
        iq_error_of(protocol, a, &code, &text, &backoff_s);
        if (code == CODE_RATE || (code >= CODE_SERVER && backoff_s > 0))
            err = WB_ERR_RATE_LIMITED;
        else if (code >= CODE_SERVER)
            err = WB_ERR_TIMEOUT;
        ans->pauses |= code == CODE_RATE || backoff_s > 0;
        if (backoff_s > ans->backoff_s)
            ans->backoff_s = backoff_s;
        if ((err != WB_ERR_REFUSED || strcmp(*name, "lid") != 0) && is_worse(err, worst))
            worst = err;
    }
    return worst;
}

/* NOMEM is the only failure that ends the whole answer. */
static enum wb_err read_user(const struct node *n, struct arena *a, struct usync_user *ret)
{
    struct usync_user u = {0};
    struct jid jid;
    enum wb_err err;

    if (!node_is(n, "user"))
        return WB_ERR_MALFORMED;
    read_contact(n, &u);
    if (node_attr_get_jid(n, "jid", &jid) || node_attr_get_jid(n, "pn_jid", &jid)) {
        u.jid = jid_bare(jid_unhosted(jid));
        if ((u.jid.server != JID_PN && u.jid.server != JID_LID) || !u.jid.user[0])
            return WB_ERR_MALFORMED;
        read_identities(n, &u);
    } else if (u.contact == USYNC_CONTACT_UNKNOWN) {
        return WB_ERR_MALFORMED;
    }
    err = usync_parse_devices(node_child(n, "devices"), a, &u.devices);
    if (err == WB_ERR_NOMEM)
        return err;
    u.has_devices = err == WB_OK;
    u.key_list = node_content_bytes(node_child(node_child(n, "devices"), "key-index-list"));
    *ret = u;
    return WB_OK;
}

enum wb_err usync_parse(const struct node *iq, enum usync_kind kind, struct arena *a,
                        struct usync_answer *ret)
{
    const struct node *usync = node_child(iq, "usync"), *list = node_child(usync, "list");
    struct usync_answer ans = {0};
    enum wb_err of_users = WB_OK;
    size_t n;

    ans.err = read_errors(node_child(usync, "result"), kind, a, &ans);
    if (!list && ans.err == WB_OK)
        return WB_ERR_PROTOCOL;
    n = list ? node_child_count(list) : 0;
    if (n > USYNC_ANSWER_USERS_MAX)
        return WB_ERR_TOO_LARGE;
    ans.users = arena_alloc(a, (n ? n : 1) * sizeof *ans.users);
    if (!ans.users)
        return WB_ERR_NOMEM;
    for (const struct node *u = n ? list->first : NULL; u; u = u->next) {
        struct usync_user *user = &ans.users[ans.n];
        enum wb_err err = read_user(u, a, user);

        if (err == WB_ERR_NOMEM)
            return err;
        if (err == WB_OK)
            ans.n++;
        else
            ans.odd++;
        if (err != WB_OK)
            continue;
        err = read_errors(u, kind, a, &ans);
        if (err == WB_ERR_REFUSED) /* a refusal is an answer about this person */
            err = WB_OK;
        user->failed = ans.err != WB_OK || err != WB_OK;
        if (err != WB_OK && is_worse(err, of_users))
            of_users = err;
    }
    if (of_users != WB_OK && is_worse(of_users, ans.err))
        ans.err = of_users;
    *ret = ans;
    return WB_OK;
}

enum wb_err usync_read(struct bridge *b, enum usync_kind kind, const struct iq_reply *reply,
                       struct usync_answer *ret)
{
    enum wb_err err = usync_parse(reply->node, kind, reply->arena, ret);

    if (err == WB_OK && ret->pauses)
        iq_refused_within(&b->iq, IQ_KIND_USYNC, reply, ret->backoff_s);
    return err;
}

enum wb_err usync_failure(const struct iq_reply *reply)
{
    return reply->err == WB_ERR_REFUSED && reply->code >= CODE_SERVER ? WB_ERR_TIMEOUT : reply->err;
}

struct jid usync_device_jid(const struct jid *user, const struct store_device *d)
{
    struct jid j = jid_with_device(jid_bare(jid_unhosted(*user)), d->id);

    if (d->hosted)
        j.server = j.server == JID_LID ? JID_HOSTED_LID : JID_HOSTED;
    return j;
}
