#include "bridge/lid_lookup.h"

#include <stdlib.h>

#include "bridge/batch.h"
#include "bridge/bridge.h"
#include "bridge/identity.h"
#include "bridge/shared_query.h"
#include "bridge/usync.h"
#include "store/lid_map.h"
#include "store/tokens.h"

enum { LID_LOOKUP_ARENA_MAX = 4 << 20 };

struct lid_wait {
    lid_lookup_fn *fn;
    uint64_t key;
    size_t n;
    struct jid jids[]; /* n phone numbers as asked, then room for n LIDs */
};

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply);

/* The token that a contact gave us proves that we may ask (P-US-03). */
static enum wb_err token_of(struct bridge *b, const struct jid *pn, struct arena *a,
                            struct span *ret_token)
{
    struct buf token = buf_new(STORE_TOKEN_MAX);
    enum wb_err err = store_token_get(b->store, pn, bridge_server_now_s(b), &token);

    *ret_token = SPAN_NULL;
    if (err == WB_OK) {
        *ret_token = arena_copy(a, buf_span(&token));
        if (!ret_token->p)
            err = WB_ERR_NOMEM;
    } else if (err == WB_ERR_NOT_FOUND) {
        err = WB_OK;
    }
    buf_free(&token);
    return err;
}

static enum wb_err ask(struct bridge *b, const struct jid *pns, size_t n, uint64_t id)
{
    struct arena a = arena_new(LID_LOOKUP_ARENA_MAX);
    struct span *tokens = arena_alloc(&a, n * sizeof *tokens);
    char sid[IQ_ID_MAX];
    enum wb_err err = tokens ? WB_OK : WB_ERR_NOMEM;

    for (size_t i = 0; i < n && err == WB_OK; i++)
        err = token_of(b, &pns[i], &a, &tokens[i]);
    TRY(err);
    iq_new_id(&b->iq, sid);
    err = iq_send(&b->iq, &a, usync_new(&a, USYNC_INFO, sid, pns, tokens, n), 0, on_answer, id);
out:
    arena_free(&a);
    return err;
}

static enum wb_err take_answer(struct bridge *b, const struct iq_reply *reply)
{
    struct usync_user *users;
    size_t n, odd;
    enum wb_err err;

    TRY(usync_parse(reply->node, reply->arena, &users, &n, &odd));
    if (odd)
        log_debug(b->log, "lid", "%zu odd entries in an answer about people", odd);
    for (size_t i = 0; i < n; i++) {
        err = identity_learn(b, &users[i].lid, &users[i].pn);
        if (err != WB_OK) {
            batch_fail(b, err);
            return err;
        }
    }
out:
    return err;
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    enum wb_err err = reply->err;

    if (!b->lids)
        return;
    if (err == WB_OK)
        err = take_answer(b, reply);
    if (err != WB_OK)
        log_debug(b->log, "lid", "the query about people failed: %s (%u)", wb_err_text(err),
                  reply->code);
    shared_query_end(b->lids, key, err);
}

static void done(struct bridge *b, void *payload, enum wb_err err)
{
    struct lid_wait *w = payload;
    struct jid *lids = w->jids + w->n;
    bool all = true;

    for (size_t i = 0; i < w->n; i++) {
        enum wb_err e = store_lid_of_pn(b->store, &w->jids[i], &lids[i]);

        if (e == WB_ERR_NOT_FOUND) {
            lids[i] = (struct jid){0};
            all = false;
        } else if (err == WB_OK) {
            err = e;
        }
    }
    if (all)
        err = WB_OK; /* another source told the rest meanwhile */
    else if (err == WB_OK)
        err = WB_ERR_NOT_FOUND;
    w->fn(b, w->key, &(struct lid_lookup_result){err, w->jids, lids, w->n});
    free(w);
}

static const struct shared_query_ops ops = {
    .chunk_max = USYNC_USERS_MAX, .ask = ask, .done = done, .drop = free};

static enum wb_err find_unknown(struct bridge *b, const struct lid_wait *w, struct jid *unknown,
                                size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++) {
        struct jid lid;
        enum wb_err err = store_lid_of_pn(b->store, &w->jids[i], &lid);

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
    w = calloc(1, sizeof *w + 2 * n * sizeof w->jids[0]);
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
