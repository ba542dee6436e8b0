#include "bridge/people/device_sync.h"

#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/shared_query.h"
#include "bridge/people/identity.h"
#include "bridge/people/limits.h"
#include "bridge/people/trust.h"
#include "bridge/people/usync.h"
#include "store/session/lid_map.h"

enum { DEVICE_SYNC_ARENA_MAX = 64 << 20 };

struct device_sync {
    struct shared_query query;
};

/* A caller of device_sync_get(). */
struct device_wait {
    device_sync_fn *fn;
    uint64_t key;
    bool *asked; /* per user: the server was asked, so its answer is taken */
    size_t n;
    struct jid users[]; /* bare, sorted, without doubles */
};

static void free_wait(void *payload)
{
    struct device_wait *w = payload;

    if (w)
        free(w->asked);
    free(w);
}

/* ---- asking ---- */

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply);

static enum wb_err ask(struct bridge *b, const struct jid *users, size_t n, uint64_t id)
{
    struct arena a = arena_new(DEVICE_SYNC_ARENA_MAX);
    char sid[IQ_ID_MAX];
    enum wb_err err;

    iq_new_id(&b->iq, sid);
    err = iq_send(&b->iq, &a, usync_new(&a, USYNC_DEVICES, sid, users, NULL, n), 0, on_answer, id);
    arena_free(&a);
    return err;
}

/* An answer that says nothing of the user's devices means no change (P-US-05): the old list counts
 * as checked now. */
static enum wb_err keep_old(struct bridge *b, const struct jid *user, struct arena *a)
{
    struct store_device_list old;
    enum wb_err err = store_devices_get(b->store, user, a, &old);

    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    old.checked_at = bridge_server_now_s(b);
    err = store_devices_put(b->store, user, &old);
out:
    return err;
}

/* Of a list without a valid signature only the phone is kept: the phone needs no list. */
static enum wb_err keep_phone(struct store_device_list *list, struct arena *a)
{
    list->n = 0;
    list->devices = ARENA_NEW(a, struct store_device);
    if (!list->devices)
        return WB_ERR_NOMEM;
    list->devices[list->n++] = (struct store_device){.id = 0};
    list->hash[0] = '\0';
    return WB_OK;
}

static enum wb_err take_user(struct bridge *b, const struct usync_user *u, struct arena *a)
{
    struct store_device_list list = u->devices;
    enum wb_err err;

    TRY(identity_learn(b, &u->lid, &u->pn));
    if (!u->has_devices && u->failed) /* the next caller asks again */
        return WB_OK;
    if (!u->has_devices)
        return keep_old(b, &u->jid, a);
    err = trust_device_list(b, &u->jid, u->key_list);
    if (err == WB_ERR_NOT_VOUCHED)
        err = keep_phone(&list, a);
    TRY(err);
    if (list.n == 0) /* an empty list is never kept (P-SD-07) */
        return store_devices_drop(b->store, &u->jid);
    list.checked_at = bridge_server_now_s(b);
    err = store_devices_put(b->store, &u->jid, &list);
out:
    return err;
}

static enum wb_err take_answer(struct bridge *b, uint64_t id, const struct iq_reply *reply)
{
    size_t nasked = 0;
    const struct jid *asked = shared_query_jids(&b->devices->query, id, &nasked);
    struct usync_answer ans;
    enum wb_err err;

    TRY(usync_read(b, USYNC_DEVICES, reply, &ans));
    for (size_t i = 0; i < ans.n; i++) {
        if (!asked || !bsearch(&ans.users[i].jid, asked, nasked, sizeof *asked, shared_query_cmp)) {
            ans.odd++; /* lists that nobody asked for are ignored */
            continue;
        }
        err = take_user(b, &ans.users[i], reply->arena);
        if (err != WB_OK) {
            batch_fail(b, err);
            return err;
        }
    }
    if (ans.odd)
        log_debug(b->log, "devices", "%zu odd entries in a device answer", ans.odd);
    err = ans.err;
out:
    return err;
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    enum wb_err err = usync_failure(reply);

    if (!b->devices)
        return;
    if (err == WB_OK)
        err = take_answer(b, key, reply);
    if (err != WB_OK)
        log_debug(b->log, "devices", "the device query failed: %s (%u)", wb_err_text(err),
                  reply->code);
    shared_query_end(&b->devices->query, key, err);
}

/* ---- answering ---- */

static bool is_this_device(const struct bridge *b, const struct jid *j)
{
    struct jid plain = jid_unhosted(*j);

    return jid_eq(&plain, &b->own_pn) || jid_eq(&plain, &b->own_lid);
}

struct jid_list {
    struct jid *p;
    size_t n, cap;
};

static enum wb_err add_devices(struct bridge *b, const struct jid *user, struct arena *a,
                               struct jid_list *out)
{
    struct store_device_list list;
    enum wb_err err = store_devices_get(b->store, user, a, &list);

    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    if (out->cap - out->n < list.n) {
        size_t cap = (out->n + list.n) * 2;
        struct jid *more = realloc(out->p, cap * sizeof *more);

        if (!more)
            return WB_ERR_NOMEM;
        out->p = more;
        out->cap = cap;
    }
    for (size_t i = 0; i < list.n; i++) {
        struct jid j = usync_device_jid(user, &list.devices[i]);

        if (!is_this_device(b, &j))
            out->p[out->n++] = j;
    }
out:
    return err;
}

/* The users whose lists are not cached, or (at first) have been for too long. */
static enum wb_err find_unknown(struct bridge *b, struct device_wait *w, bool at_first,
                                struct jid *unknown, size_t *ret_n)
{
    struct arena a = arena_new(DEVICE_SYNC_ARENA_MAX);
    const int64_t now = bridge_server_now_s(b), oldest = now - DEVICE_LIST_AGE_S;
    size_t n = 0;
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < w->n && err == WB_OK; i++) {
        struct store_device_list list;

        if (w->asked[i])
            continue;
        err = store_devices_get(b->store, &w->users[i], &a, &list);
        if (err == WB_ERR_NOT_FOUND ||
            (err == WB_OK && at_first &&
             (list.checked_at < oldest || list.checked_at > now + CLOCK_SLACK_S))) {
            unknown[n++] = w->users[i];
            w->asked[i] = true;
        }
        if (err == WB_ERR_NOT_FOUND)
            err = WB_OK;
        arena_reset(&a);
    }
    arena_free(&a);
    *ret_n = n;
    return err;
}

/* Asks for the unknown lists. At first it also starts a query about nobody, as the caller's answer
 * may not come from within the call. *ret_asked: done() is called again and owns w. */
static enum wb_err ask_unknown(struct bridge *b, struct device_wait *w, bool at_first,
                               bool *ret_asked)
{
    struct jid *unknown = calloc(w->n + 1, sizeof *unknown);
    size_t n = 0;
    enum wb_err err = unknown ? WB_OK : WB_ERR_NOMEM;

    *ret_asked = false;
    TRY(err);
    TRY(find_unknown(b, w, at_first, unknown, &n));
    if (n == 0 && !at_first)
        goto out;
    TRY(shared_query_add(&b->devices->query, unknown, n, w));
    *ret_asked = true;
out:
    free(unknown);
    return err;
}

static void done(struct bridge *b, void *payload, enum wb_err err)
{
    struct device_wait *w = payload;
    struct jid_list list = {0};
    struct arena a = arena_new(DEVICE_SYNC_ARENA_MAX);
    bool asked = false;

    /* While the query was under way, a known list may have been dropped (by an ack with another
     * hash or a notification): without that list somebody would be left out. */
    if (err == WB_OK)
        err = ask_unknown(b, w, false, &asked);
    if (asked)
        goto out;
    for (size_t i = 0; i < w->n; i++) {
        enum wb_err e = add_devices(b, &w->users[i], &a, &list);

        if (err == WB_OK)
            err = e;
        arena_reset(&a);
    }
    w->fn(b, w->key, &(struct device_sync_result){err, list.p, list.n});
    free_wait(w);
out:
    arena_free(&a);
    free(list.p);
}

static const struct shared_query_ops ops = {
    .chunk_max = USYNC_USERS_MAX, .ask = ask, .done = done, .drop = free_wait};

static size_t collect_users(const struct bridge *b, const struct jid *users, size_t n,
                            bool with_self, struct jid *out)
{
    size_t got = 0, kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct jid j = jid_bare(jid_unhosted(users[i]));

        if ((j.server == JID_PN || j.server == JID_LID) && j.user[0])
            out[got++] = j; /* bots and the like have no devices */
    }
    /* Our own devices take the form (number or LID) of the others: the server refuses a stanza that
     * mixes both forms (P-X2-01). */
    if (with_self) {
        bool number = jid_is_none(&b->own_lid) || (got > 0 && out[0].server == JID_PN);

        out[got++] = jid_bare(number ? b->own_pn : b->own_lid);
    }
    qsort(out, got, sizeof *out, shared_query_cmp);
    for (size_t i = 0; i < got; i++)
        if (kept == 0 || !jid_eq(&out[kept - 1], &out[i]))
            out[kept++] = out[i];
    return kept;
}

enum wb_err device_sync_get(struct bridge *b, const struct jid *users, size_t n, bool with_self,
                            device_sync_fn *fn, uint64_t key)
{
    struct device_wait *w;
    bool asked = false;
    enum wb_err err = WB_ERR_NOMEM;

    if (n > DEVICE_SYNC_USERS_MAX)
        return WB_ERR_TOO_LARGE;
    w = calloc(1, sizeof *w + (n + 1) * sizeof w->users[0]);
    if (!w)
        goto out;
    w->asked = calloc(n + 1, sizeof *w->asked);
    if (!w->asked)
        goto out;
    w->fn = fn;
    w->key = key;
    w->n = collect_users(b, users, n, with_self, w->users);
    TRY(ask_unknown(b, w, true, &asked));
out:
    if (!asked)
        free_wait(w);
    return err;
}

enum wb_err device_sync_drop(struct bridge *b, const struct jid *users, size_t n)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < n; i++) {
        struct jid user = jid_bare(jid_unhosted(users[i])), other;

        TRY(store_devices_drop(b->store, &user));
        err = store_other_form(b->store, &user, &other);
        if (err == WB_OK)
            err = store_devices_drop(b->store, &other);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND && err != WB_ERR_INVALID)
            goto out;
        err = WB_OK;
    }
out:
    return err;
}

enum wb_err device_sync_new(struct bridge *b, struct device_sync **ret_d)
{
    struct device_sync *d = calloc(1, sizeof *d);

    if (!d)
        return WB_ERR_NOMEM;
    shared_query_init(&d->query, b, &ops);
    *ret_d = d;
    return WB_OK;
}

void device_sync_free(struct device_sync *d)
{
    if (!d)
        return;
    shared_query_free(&d->query);
    free(d);
}
