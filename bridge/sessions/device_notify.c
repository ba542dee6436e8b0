#include "bridge/sessions/device_notify.h"

#include "bridge/core/context.h"
#include "bridge/people/device_sync.h"
#include "bridge/people/identity.h"
#include "bridge/people/identity_change.h"
#include "bridge/people/phash.h"
#include "bridge/people/tctoken.h"
#include "bridge/people/trust.h"
#include "bridge/people/usync.h"
#include "bridge/sessions/prekey_fetch.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"
#include "store/session/signal_store.h"

/* A device is gone: its session is deleted, and the sender keys that it was given have to
 * change. */
static enum wb_err device_gone(struct bridge *b, const struct jid *device)
{
    struct jid address;
    enum wb_err err;

    TRY(identity_session_address(b, device, &address));
    TRY(store_skdm_retire_device(b->store, &address));
    err = store_signal_forget_device(b->store, &address);
out:
    return err;
}

static enum wb_err hash_of(const struct jid *user, const struct store_device_list *list,
                           char ret_hash[static PHASH_TEXT_BYTES])
{
    struct jid devices[STORE_DEVICES_MAX];

    for (size_t i = 0; i < list->n; i++)
        devices[i] = usync_device_jid(user, &list->devices[i]);
    return phash_of(devices, list->n, ret_hash);
}

/* Keeps the list when it fits the server's hash (P-NT-08); otherwise drops it, so that the next
 * send asks. */
static enum wb_err put_if(struct bridge *b, const struct jid *user, struct store_device_list *list,
                          struct span hash)
{
    char ours[PHASH_TEXT_BYTES];
    char text[JID_TEXT_MAX], shown[LOG_PHONE_BYTES];
    enum wb_err err = hash_of(user, list, ours);

    if (err != WB_OK)
        return err;
    log_phone(shown, jid_text(user, text));
    if (list->n == 0 || !span_eq_cstr(hash, ours)) {
        log_debug(b->log, "devices", "%s: the list is asked for again (%.*s, ours %s)", shown,
                  (int)span_first(hash, 20).n, hash.p ? (const char *)hash.p : "", ours);
        return store_devices_drop(b->store, user);
    }
    log_debug(b->log, "devices", "%s: %zu devices", shown, list->n);
    memcpy(list->hash, ours, sizeof ours);
    list->checked_at = bridge_server_now_s(b);
    return store_devices_put(b->store, user, list);
}

/* ---- one device comes or goes ---- */

static void remove_device(struct store_device_list *list, uint16_t id)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->n; i++)
        if (list->devices[i].id != id)
            list->devices[kept++] = list->devices[i];
    list->n = kept;
}

/* Adds one device to the list; false when there is no room or no memory. */
static bool add_device(struct arena *a, struct store_device_list *list, struct store_device d)
{
    struct store_device *more = arena_alloc(a, (list->n + 1) * sizeof *more);

    if (!more || list->n >= STORE_DEVICES_MAX)
        return false;
    remove_device(list, d.id);
    if (list->n)
        memcpy(more, list->devices, list->n * sizeof *more);
    more[list->n++] = d;
    list->devices = more;
    return true;
}

/* One of the person's two identities, and the attributes that tell of it. */
struct form {
    struct jid user;
    const char *device_attr; /* of <device> */
    const char *hash_attr;   /* of <add> and <remove> */
};

static enum wb_err change_list(struct bridge *b, const struct form *f, const struct node *change,
                               struct arena *a)
{
    struct store_device_list list;
    enum wb_err err = store_devices_get(b->store, &f->user, a, &list);

    if (err != WB_OK) /* the list is not cached: nothing to update */
        return err == WB_ERR_NOT_FOUND ? WB_OK : err;
    for (const struct node *d = node_child(change, "device"); d; d = node_next(d, "device")) {
        struct jid jid;
        uint64_t index = 0;

        if (!node_attr_get_jid(d, f->device_attr, &jid) || jid.device > DEVICE_NUMBER_MAX)
            continue;
        if (!node_attr_get_u64(d, "key-index", &index) || index > UINT32_MAX)
            index = 0;
        if (node_is(change, "remove"))
            remove_device(&list, jid.device);
        else if (!add_device(a, &list,
                             (struct store_device){.id = jid.device,
                                                   .key_index = (uint32_t)index,
                                                   .hosted = jid.server == JID_HOSTED ||
                                                             jid.server == JID_HOSTED_LID}))
            return store_devices_drop(b->store, &f->user);
    }
    return put_if(b, &f->user, &list, node_attr_str(change, f->hash_attr, a));
}

/* Forgets the removed devices, but only those of the person whom the notification is about. */
static enum wb_err forget_removed(struct bridge *b, const struct form *f, const struct node *change)
{
    enum wb_err err = WB_OK;

    for (const struct node *d = node_child(change, "device"); d; d = node_next(d, "device")) {
        struct jid jid, plain;

        if (!node_attr_get_jid(d, f->device_attr, &jid))
            continue;
        plain = jid_unhosted(jid);
        if (jid_same_user(&plain, &f->user) && plain.device != 0)
            TRY(device_gone(b, &plain));
    }
out:
    return err;
}

static enum wb_err apply_change(struct bridge *b, const struct form *forms, size_t n,
                                const struct node *change, struct arena *a)
{
    enum wb_err err = WB_OK;

    if (node_is(change, "update")) /* an update brings no list (P-NT-09) */
        return device_sync_drop(b, &forms[0].user, 1);
    if (!node_is(change, "add") && !node_is(change, "remove"))
        return WB_OK;
    err = trust_device_list(b, &forms[0].user,
                            node_content_bytes(node_child(change, "key-index-list")));
    if (err == WB_ERR_NOT_VOUCHED) /* nobody has signed this change; the next send asks */
        return device_sync_drop(b, &forms[0].user, 1);
    TRY(err);
    if (node_is(change, "add"))
        prekey_fetch_back(b, &forms[0].user);
    for (size_t i = 0; i < n; i++) {
        if (node_is(change, "remove"))
            TRY(forget_removed(b, &forms[i], change));
        TRY(change_list(b, &forms[i], change, a));
    }
out:
    return err;
}

enum wb_err device_notify_changed(struct bridge *b, const struct node *notification,
                                  struct arena *a)
{
    struct form forms[2] = {{.device_attr = "jid", .hash_attr = "device_hash"},
                            {.device_attr = "lid", .hash_attr = "device_lid_hash"}};
    size_t n = 1;
    struct jid jid;
    enum wb_err err = WB_OK;

    if (!node_attr_get_jid(notification, "from", &jid) || !jid_is_person(&jid) || !jid.user[0])
        return WB_ERR_MALFORMED;
    forms[0].user = jid_bare(jid_unhosted(jid));
    if (node_attr_get_jid(notification, "lid", &jid) && jid.server == JID_LID) {
        forms[1].user = jid_bare(jid);
        n = 2;
        TRY(identity_learn(b, &forms[0].user, &forms[1].user));
    }
    if (notification->content != NODE_CHILDREN)
        return WB_OK;
    for (const struct node *c = notification->first; c; c = c->next)
        TRY(apply_change(b, forms, n, c, a));
out:
    return err;
}

/* ---- our own devices ---- */

static enum wb_err read_own(const struct node *devices, struct arena *a,
                            struct store_device_list *ret_list)
{
    struct store_device_list list = {0};
    size_t n = node_child_count(devices);

    if (n > STORE_DEVICES_MAX)
        return WB_ERR_TOO_LARGE;
    list.devices = arena_alloc(a, (n ? n : 1) * sizeof *list.devices);
    if (!list.devices)
        return WB_ERR_NOMEM;
    for (const struct node *d = node_child(devices, "device"); d; d = node_next(d, "device")) {
        struct jid jid;
        uint64_t index;

        if (!node_attr_get_jid(d, "jid", &jid) || jid.device > DEVICE_NUMBER_MAX)
            continue;
        remove_device(&list, jid.device);
        list.devices[list.n++] = (struct store_device){
            .id = jid.device,
            .key_index = node_attr_get_u64(d, "key-index", &index) && index <= UINT32_MAX
                             ? (uint32_t)index
                             : 0,
            .hosted = jid.server == JID_HOSTED || jid.server == JID_HOSTED_LID};
    }
    *ret_list = list;
    return WB_OK;
}

static bool in_list(const struct store_device_list *list, uint16_t id)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->devices[i].id == id)
            return true;
    return false;
}

static enum wb_err forget_unlinked(struct bridge *b, const struct jid *user,
                                   const struct store_device_list *now, struct arena *a)
{
    struct store_device_list before;
    enum wb_err err = store_devices_get(b->store, user, a, &before);

    if (err != WB_OK)
        return err == WB_ERR_NOT_FOUND ? WB_OK : err;
    for (size_t i = 0; i < before.n; i++) {
        struct jid device = jid_with_device(*user, before.devices[i].id);

        if (before.devices[i].id != 0 && !in_list(now, before.devices[i].id))
            TRY(device_gone(b, &device));
    }
out:
    return err;
}

/* The list holds for both of our identities; the hash is over the one that it was sent for. */
static enum wb_err put_own(struct bridge *b, const struct jid *user, struct store_device_list *list,
                           struct arena *a)
{
    char hash[PHASH_TEXT_BYTES];
    enum wb_err err;

    if (jid_is_none(user))
        return WB_OK;
    TRY(forget_unlinked(b, user, list, a));
    TRY(hash_of(user, list, hash));
    err = put_if(b, user, list, span_cstr(hash));
out:
    return err;
}

/* Which of our addresses the list is for. The notification's sender is either our account, which
 * names it, or the server without a user: then the first device names it (JID_NONE: it does not).
 * False: the list is somebody else's. */
static bool own_user(const struct bridge *b, const struct jid *from, const struct node *devices,
                     struct jid *ret_user)
{
    struct jid user = jid_bare(jid_unhosted(*from));

    if (!user.user[0]) {
        const struct node *first = node_child(devices, "device");

        if (user.server != JID_PN)
            return false;
        user = (struct jid){0};
        if (first && node_attr_get_jid(first, "jid", &user))
            user = jid_bare(jid_unhosted(user));
        if (!bridge_is_self(b, &user))
            user = (struct jid){0};
        *ret_user = user;
        return true;
    }
    *ret_user = user;
    return bridge_is_self(b, &user);
}

enum wb_err device_notify_own_changed(struct bridge *b, const struct jid *from,
                                      const struct node *devices, struct arena *a)
{
    struct jid own_pn = jid_bare(b->own_pn), own_lid = jid_bare(b->own_lid), user;
    struct store_device_list list;
    char hash[PHASH_TEXT_BYTES] = "";
    enum wb_err err;

    if (!own_user(b, from, devices, &user))
        return WB_ERR_MALFORMED;
    TRY(read_own(devices, a, &list));
    if (!jid_is_none(&user))
        TRY(hash_of(&user, &list, hash));
    if (list.n == 0 || !hash[0] || !node_attr_is(devices, "dhash", hash)) {
        log_debug(b->log, "devices", "our own list is asked for again (ours %s)", hash);
        TRY(device_sync_drop(b, &own_pn, 1));
        return jid_is_none(&own_lid) ? WB_OK : device_sync_drop(b, &own_lid, 1);
    }
    if (!in_list(&list, b->own_pn.device)) /* that alone is no logout (P-NT-07) */
        log_warn(b->log, "devices", "the list of our linked devices is without us");
    TRY(put_own(b, &own_pn, &list, a));
    err = put_own(b, &own_lid, &list, a);
out:
    return err;
}

/* ---- a phone that was installed anew ---- */

static enum wb_err forget_form(struct bridge *b, const struct jid *user, enum reinstall what)
{
    enum wb_err err;

    if (what == REINSTALL_OF_PHONE)
        TRY(store_signal_forget_device(b->store, user));
    else
        TRY(store_signal_forget_user(b->store, user));
    err = store_skdm_doubt_user(b->store, user);
out:
    return err;
}

/* forms: the person's addresses; the second one is JID_NONE when it is not known. */
static enum wb_err forget_installation(struct bridge *b, const struct jid forms[static 2],
                                       enum reinstall what)
{
    char text[JID_TEXT_MAX], shown[LOG_PHONE_BYTES];
    enum wb_err err;

    log_info(b->log, "signal", "security code changed: %s has WhatsApp installed anew",
             log_phone(shown, jid_text(&forms[0], text)));
    TRY(forget_form(b, &forms[0], what));
    if (!jid_is_none(&forms[1]))
        err = forget_form(b, &forms[1], what);
out:
    return err;
}

enum wb_err device_notify_reinstalled(struct bridge *b, const struct jid *who, int64_t at)
{
    struct jid forms[2] = {jid_bare(jid_unhosted(*who)), {0}};
    const struct jid *user = &forms[0];
    enum reinstall what = REINSTALL_NEW;
    enum wb_err err;

    /* If our own phone was installed anew, that has unlinked us: the server ends our session, and
     * nothing needs to be forgotten before. */
    if (bridge_is_self(b, user)) {
        b->trust.foreign_keys++;
        log_warn(b->log, "trust", "the server says that our own phone has another key: ignored");
        return WB_OK;
    }
    err = store_other_form(b->store, user, &forms[1]);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    TRY(identity_note_reinstalled(b, user, at, &what));
    if (what != REINSTALL_KNOWN)
        TRY(forget_installation(b, forms, what));
    TRY(device_sync_drop(b, user, 1));
    prekey_fetch_back(b, &forms[0]);
    prekey_fetch_back(b, &forms[1]);
    /* The new installation has no token of ours, even if its key was known before this
     * notification. */
    tctoken_reissue(b->tokens, forms[1].server == JID_LID ? &forms[1] : user);
out:
    return err;
}
