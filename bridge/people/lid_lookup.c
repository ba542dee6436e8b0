#include "bridge/people/lid_lookup.h"

#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/shared_query.h"
#include "bridge/people/identity.h"
#include "bridge/people/limits.h"
#include "bridge/people/usync.h"
#include "store/session/lid_map.h"
#include "store/session/private_address.h"

enum { LID_LOOKUP_ARENA_MAX = 4 << 20 };

struct lid_wait {
    lid_lookup_fn *fn;
    uint64_t key;
    size_t n;
    struct jid jids[]; /* n phone numbers as asked, then room for n LIDs and n numbers */
};

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply);

static enum wb_err ask(struct bridge *b, const struct jid *pns, size_t n, uint64_t id)
{
    struct arena a = arena_new(LID_LOOKUP_ARENA_MAX);
    char sid[IQ_ID_MAX];
    enum wb_err err;

    iq_new_id(&b->iq, sid);
    err = iq_send(&b->iq, &a, usync_new(&a, USYNC_CONTACT, sid, pns, NULL, n), 0, on_answer, id);
    arena_free(&a);
    return err;
}

/* ---- answers ---- */

/* Which number that we asked for this <user> answers: the text that the answer repeats, or else the
 * number in its JID. False: none of those that we asked for. */
static bool asked_number(const struct usync_user *u, const struct jid *asked, size_t nasked,
                         struct jid *ret_typed)
{
    struct span text = u->contact_text;
    const uint8_t *at = text.n ? memchr(text.p, '@', text.n) : NULL;

    if (at)
        text = span_first(text, (size_t)(at - text.p));
    if (text.n && text.p[0] == '+')
        text = span_skip(text, 1);
    if (!text.n)
        *ret_typed = u->pn;
    else if (jid_make(text, JID_PN, 0, ret_typed) != WB_OK)
        return false;
    return bsearch(ret_typed, asked, nasked, sizeof *asked, shared_query_cmp) != NULL;
}

/* Does the number have an account? An answer with a LID or with devices says so, too. */
static bool is_somebody(const struct usync_user *u)
{
    return u->contact == USYNC_CONTACT_IN ||
           (u->contact == USYNC_CONTACT_UNKNOWN && !jid_is_none(&u->jid) &&
            (!jid_is_none(&u->lid) || (u->has_devices && u->devices.n > 0)));
}

/* The number of the account: as the answer says; if it names only the LID, the number that we know
 * for that LID, since the typed number may be another spelling; otherwise the typed number. */
static enum wb_err name_of(struct bridge *b, const struct jid *typed, const struct usync_user *u,
                           struct jid *ret_named)
{
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (!jid_is_none(&u->pn)) {
        *ret_named = u->pn;
        return WB_OK;
    }
    if (!jid_is_none(&u->lid))
        err = store_pn_of_lid(b->store, &u->lid, ret_named);
    if (err == WB_ERR_NOT_FOUND) {
        *ret_named = *typed;
        err = WB_OK;
    }
    return err;
}

/* Pairs of LID and number are learned; another spelling of the number, or a missing LID, is noted
 * separately. */
static enum wb_err take_user(struct bridge *b, const struct jid *typed, const struct usync_user *u)
{
    struct jid named;
    enum wb_err err;

    if (!is_somebody(u))
        return store_number_drop(b->store, typed);
    TRY(name_of(b, typed, u, &named));
    TRY(identity_learn(b, &u->lid, &named));
    if (jid_eq(&named, typed) && !jid_is_none(&u->lid))
        err = store_number_drop(b->store, typed);
    else
        err = store_number_put(b->store, typed, &named, bridge_server_now_s(b));
out:
    return err;
}

static enum wb_err take_answer(struct bridge *b, uint64_t id, const struct iq_reply *reply)
{
    size_t nasked = 0, failed = 0;
    const struct jid *asked = shared_query_jids(b->lids, id, &nasked);
    struct usync_answer ans;
    enum wb_err err;

    TRY(usync_read(b, USYNC_CONTACT, reply, &ans));
    for (size_t i = 0; asked && i < ans.n; i++) {
        const struct usync_user *u = &ans.users[i];
        struct jid typed;

        if (u->contact == USYNC_CONTACT_FAILED) { /* an error does not say that nobody is there */
            failed++;
            continue;
        }
        if (!asked_number(u, asked, nasked, &typed)) {
            ans.odd++;
            continue;
        }
        if (u->failed && jid_is_none(&u->lid)) /* an error does not say that there is no LID */
            continue;
        err = take_user(b, &typed, u);
        if (err != WB_OK) {
            batch_fail(b, err);
            return err;
        }
    }
    if (ans.odd)
        log_debug(b->log, "lid", "%zu odd entries in an answer about people", ans.odd);
    err = ans.err == WB_OK && failed ? WB_ERR_REFUSED : ans.err;
out:
    return err;
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    enum wb_err err = usync_failure(reply);

    if (!b->lids)
        return;
    if (err == WB_OK)
        err = take_answer(b, key, reply);
    if (err != WB_OK)
        log_debug(b->log, "lid", "the query about people failed: %s (%u)", wb_err_text(err),
                  reply->code);
    shared_query_end(b->lids, key, err);
}

/* ---- what is known ---- */

/* Looks in the map of pairs, then among answers that are not too old. NOT_FOUND. */
static enum wb_err known(struct bridge *b, const struct jid *pn, struct jid *ret_lid,
                         struct jid *ret_named)
{
    const int64_t now = bridge_server_now_s(b);
    int64_t at = 0;
    enum wb_err err = store_lid_of_pn(b->store, pn, ret_lid);

    if (err == WB_OK)
        *ret_named = *pn;
    if (err != WB_ERR_NOT_FOUND)
        return err;
    TRY(store_number_get(b->store, pn, ret_named, &at));
    if (at < now - NUMBER_AGE_S || at > now + CLOCK_SLACK_S)
        return WB_ERR_NOT_FOUND;
    err = store_lid_of_pn(b->store, ret_named, ret_lid);
    if (err == WB_ERR_NOT_FOUND) {
        *ret_lid = (struct jid){0};
        err = WB_OK;
    }
out:
    return err;
}

enum wb_err lid_lookup_named(struct bridge *b, const struct jid *pn, struct jid *ret_named)
{
    struct jid lid;
    enum wb_err err = known(b, pn, &lid, ret_named);

    return err == WB_OK && jid_eq(pn, ret_named) ? WB_ERR_NOT_FOUND : err;
}

enum wb_err lid_lookup_once_named(struct bridge *b, const struct jid *pn, struct jid *ret_named)
{
    struct jid named;
    enum wb_err err;

    if (pn->server != JID_PN || store_lid_of_pn(b->store, pn, &named) == WB_OK)
        return WB_ERR_NOT_FOUND;
    TRY(store_number_get(b->store, pn, &named, NULL));
    if (jid_eq(pn, &named))
        return WB_ERR_NOT_FOUND;
    *ret_named = named;
out:
    return err;
}

static void done(struct bridge *b, void *payload, enum wb_err err)
{
    struct lid_wait *w = payload;
    struct jid *lids = w->jids + w->n, *named = lids + w->n;
    bool all = true;

    for (size_t i = 0; i < w->n; i++) {
        enum wb_err e = known(b, &w->jids[i], &lids[i], &named[i]);

        if (e == WB_OK)
            continue;
        lids[i] = named[i] = (struct jid){0};
        all = false;
        if (e != WB_ERR_NOT_FOUND && err == WB_OK)
            err = e;
    }
    if (all)
        err = WB_OK; /* meanwhile another source told what was missing */
    else if (err == WB_OK)
        err = WB_ERR_NOT_FOUND;
    w->fn(b, w->key, &(struct lid_lookup_result){err, w->jids, lids, named, w->n});
    free(w);
}

static const struct shared_query_ops ops = {
    .chunk_max = USYNC_USERS_MAX, .ask = ask, .done = done, .drop = free};

static enum wb_err find_unknown(struct bridge *b, const struct lid_wait *w, struct jid *unknown,
                                size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++) {
        struct jid lid, named;
        enum wb_err err = known(b, &w->jids[i], &lid, &named);

        if (err == WB_ERR_NOT_FOUND)
            unknown[n++] = w->jids[i];
        else if (err != WB_OK)
            return err;
    }
    *ret_n = n;
    return WB_OK;
}

enum wb_err lid_lookup(struct bridge *b, const struct jid *pns, size_t n, lid_lookup_fn *fn,
                       uint64_t key)
{
    struct lid_wait *w = NULL;
    struct jid *unknown = NULL;
    size_t nunknown = 0;
    enum wb_err err = WB_ERR_NOMEM;

    if (n > DEVICE_SYNC_USERS_MAX)
        return WB_ERR_TOO_LARGE;
    for (size_t i = 0; i < n; i++)
        if (jid_unhosted(pns[i]).server != JID_PN || !pns[i].user[0])
            return WB_ERR_INVALID;
    w = calloc(1, sizeof *w + 3 * n * sizeof w->jids[0]);
    unknown = calloc(n ? n : 1, sizeof *unknown);
    if (!w || !unknown)
        goto out;
    w->fn = fn;
    w->key = key;
    w->n = n;
    for (size_t i = 0; i < n; i++)
        w->jids[i] = jid_bare(jid_unhosted(pns[i]));
    TRY(find_unknown(b, w, unknown, &nunknown));
    TRY(shared_query_add(b->lids, unknown, nunknown, w));
    w = NULL;
out:
    free(unknown);
    free(w);
    return err;
}

enum wb_err lid_lookup_new(struct bridge *b, struct shared_query **ret_q)
{
    return shared_query_new(b, &ops, ret_q);
}
