#include "bridge/groups/group_list.h"

#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/shared_query.h"
#include "bridge/groups/group_info.h"
#include "bridge/groups/limits.h"
#include "store/core/meta.h"

enum { GROUP_LIST_ARENA_MAX = 32 << 20 };

struct group_list {
    struct bridge *b;
    struct timer retry;
    bool online, offline_done;
    bool asking;
    bool without_members; /* the list with members could not be had and is not asked for any more */
    unsigned failures;    /* in a row */
    bool dirty;
    uint64_t dirty_at; /* the server's timestamp, sent back in <clean> */
};

/* ---- the server is told that we are up to date ---- */

static void on_clean(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    (void)key;
    if (reply->err != WB_OK)
        log_debug(b->log, "groups", "the dirty mark stays: %s (%u)", wb_err_text(reply->err),
                  reply->code);
}

static void send_clean(struct group_list *l)
{
    struct bridge *b = l->b;
    struct arena a = arena_new(GROUP_ARENA_MAX);
    struct node *iq = iq_new(&a, "set", "urn:xmpp:whatsapp:dirty", NULL);
    struct node *clean = node_child_new(&a, iq, "clean");
    enum wb_err err;

    node_attr_text(&a, clean, "type", "groups");
    node_attr_u64(&a, clean, "timestamp", l->dirty_at);
    err = iq_send(&b->iq, &a, iq, 0, on_clean, 0);
    if (err != WB_OK)
        log_debug(b->log, "groups", "the dirty mark stays: %s", wb_err_text(err));
    arena_free(&a);
    l->dirty = false;
}

/* ---- the list ---- */

/* Known groups that are not in the list: we are not in them any more. */
static enum wb_err mark_left(struct bridge *b, const struct jid *listed, size_t nlisted)
{
    struct arena a = arena_new(GROUP_LIST_ARENA_MAX);
    struct store_group *known = NULL;
    size_t n = 0;
    enum wb_err err;

    TRY(store_groups_list(b->store, &a, &known, &n));
    for (size_t i = 0; i < n; i++)
        if (!known[i].left &&
            !bsearch(&known[i].jid, listed, nlisted, sizeof *listed, shared_query_cmp))
            TRY(group_info_left(b, &known[i].jid, "it is not in the list of our groups"));
out:
    arena_free(&a);
    return err;
}

/* Stores every group that can be read; *ret_complete is false when one could not, and then a
 * missing group proves nothing. Each group gets the arena anew: all members together would be more
 * than the frame's own arena has left. */
static enum wb_err take_groups(struct bridge *b, const struct node *groups, struct jid *listed,
                               size_t *ret_n, bool *ret_complete)
{
    struct arena a = arena_new(GROUP_ARENA_MAX);
    size_t got = 0;
    enum wb_err err = WB_OK;

    for (const struct node *g = node_child(groups, "group"); g; g = node_next(g, "group")) {
        arena_reset(&a);
        err = group_info_store(b, g, &a, &listed[got]);
        if (wb_err_is_ours(err))
            break;
        if (err == WB_OK) {
            got++;
        } else {
            *ret_complete = false;
            log_warn(b->log, "groups", "a group in the list is passed over: %s", wb_err_text(err));
            err = WB_OK;
        }
    }
    arena_free(&a);
    *ret_n = got;
    return err;
}

static void say_monitored(struct bridge *b, const struct jid *listed, size_t n)
{
    for (size_t i = 0; i < b->config->ngroups; i++) {
        const struct monitored_group *m = &b->config->groups[i];

        if (!bsearch(&m->jid, listed, n, sizeof *listed, shared_query_cmp))
            log_warn(b->log, "groups", "we are not a member of the monitored group %s %s",
                     m->jid.user, m->name);
    }
}

static enum wb_err take_list(struct bridge *b, const struct iq_reply *reply)
{
    const struct node *groups = node_child(reply->node, "groups");
    size_t n = node_child_count(groups), got = 0;
    bool complete = true;
    struct jid *listed;
    enum wb_err err;

    if (!groups)
        return WB_ERR_PROTOCOL;
    if (n > GROUP_LIST_MAX)
        return WB_ERR_TOO_LARGE;
    listed = arena_alloc(reply->arena, (n ? n : 1) * sizeof *listed);
    if (!listed)
        return WB_ERR_NOMEM;
    TRY(take_groups(b, groups, listed, &got, &complete));
    qsort(listed, got, sizeof *listed, shared_query_cmp);
    if (complete)
        TRY(mark_left(b, listed, got));
    say_monitored(b, listed, got);
    TRY(store_meta_put_int(b->store, STORE_META_GROUPS_AT, bridge_server_now_s(b)));
    log_info(b->log, "groups", "%zu groups", got);
out:
    return err;
}

static void on_retry(void *ctx)
{
    group_list_ask(ctx);
}

/* 1, 2, 4 ... minutes, at most an hour: the answer may be megabytes. */
static int64_t next_pause_ms(const struct group_list *l)
{
    int64_t ms = GROUP_LIST_RETRY_MS;

    for (unsigned i = 1; i < l->failures && ms < GROUP_LIST_RETRY_MAX_MS; i++)
        ms *= 2;
    return ms < GROUP_LIST_RETRY_MAX_MS ? ms : GROUP_LIST_RETRY_MAX_MS;
}

static void ask_later(struct group_list *l, int64_t ms)
{
    const int64_t pause = iq_pause_left_ms(&l->b->iq, IQ_KIND_GROUPS);

    timer_start(l->b->timers, &l->retry, ms > pause ? ms : pause, on_retry, l->b);
}

/* All groups and all their members come in one stanza. A stanza larger than a frame may be is
 * passed over, and we notice only a timeout: then the list is asked for without members, and each
 * group's members when they are used (group_info.h). A connection that ended proves nothing, unless
 * that happens twice. */
static void note_failure(struct group_list *l, enum wb_err err)
{
    const bool cut = err == WB_ERR_NET || err == WB_ERR_CANCELLED;

    l->failures++;
    if (l->without_members || (cut && l->failures < 2))
        return;
    l->without_members = true;
    log_info(l->b->log, "groups", "from now on the list is asked for without members");
}

static void on_list(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct group_list *l = b->group_list;
    enum wb_err err = reply->err;

    (void)key;
    if (!l)
        return;
    l->asking = false;
    if (err == WB_OK)
        err = take_list(b, reply);
    if (err == WB_OK) {
        l->failures = 0;
        if (l->dirty)
            send_clean(l);
        return;
    }
    if (err != WB_ERR_RATE_LIMITED) /* a rate limit says nothing about the list */
        note_failure(l, err);
    log_warn(b->log, "groups", "the list of groups was not read: %s (%u)", wb_err_text(err),
             reply->code);
    if (reply->node && wb_err_is_ours(err))
        batch_fail(b, err);
    else if (l->online)
        ask_later(l, next_pause_ms(l));
}

void group_list_ask(struct bridge *b)
{
    struct group_list *l = b->group_list;
    struct arena a = arena_new(GROUP_ARENA_MAX);
    struct jid server = jid_server_only(JID_GROUP);
    struct node *iq, *participating;
    enum wb_err err;

    if (!l || l->asking || !l->online)
        goto out;
    timer_stop(b->timers, &l->retry);
    iq = iq_new(&a, "get", "w:g2", &server);
    participating = node_child_new(&a, iq, "participating");
    if (!l->without_members)
        node_child_new(&a, participating, "participants");
    node_child_new(&a, participating, "description");
    err = iq_send(&b->iq, &a, iq, 0, on_list, 0);
    l->asking = err == WB_OK;
    if (err != WB_OK)
        ask_later(l, GROUP_LIST_RETRY_MS);
out:
    arena_free(&a);
}

/* ---- when ---- */

/* Is the list older than GROUP_LIST_AGE_S? *ret_never: it was never read. */
static bool is_old(struct bridge *b, bool *ret_never)
{
    const int64_t now = bridge_server_now_s(b);
    int64_t at = 0;

    *ret_never = store_meta_get_int(b->store, STORE_META_GROUPS_AT, &at) != WB_OK;
    return *ret_never || at > now + CLOCK_SLACK_S || now - at >= GROUP_LIST_AGE_S;
}

/* A list that was never read is asked for at once; a newer one only after the offline queue, so
 * that the notifications in the queue do not undo what the list says. */
static void consider(struct bridge *b)
{
    struct group_list *l = b->group_list;
    bool never;

    if (!l || !l->online)
        return;
    if (is_old(b, &never) || l->dirty) {
        if (never || l->offline_done)
            group_list_ask(b);
    }
}

void group_list_renew(struct bridge *b)
{
    bool never;

    if (b->group_list && !b->group_list->retry.armed && is_old(b, &never))
        group_list_ask(b);
}

void group_list_dirty(struct bridge *b, const struct node *dirty)
{
    struct group_list *l = b->group_list;
    uint64_t at;

    if (!l || !node_attr_is(dirty, "type", "groups"))
        return;
    l->dirty = true;
    l->dirty_at = node_attr_get_u64(dirty, "timestamp", &at) ? at : 0;
    consider(b);
}

static void on_event(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;
    struct group_list *l = b->group_list;

    if (!l)
        return;
    if (e->kind == BRIDGE_EV_ONLINE) {
        l->online = true;
    } else if (e->kind == BRIDGE_EV_OFFLINE_DONE) {
        l->offline_done = true;
    } else {
        l->online = l->offline_done = l->dirty = false;
        timer_stop(b->timers, &l->retry);
    }
    consider(b);
}

enum wb_err group_list_new(struct bridge *b, struct group_list **ret_l)
{
    struct group_list *l = calloc(1, sizeof *l);
    enum wb_err err = WB_ERR_NOMEM;

    if (!l)
        goto out;
    l->b = b;
    TRY(events_on(&b->events, BRIDGE_EV_ONLINE, on_event, b));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE_DONE, on_event, b));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE, on_event, b));
    *ret_l = l;
    l = NULL;
out:
    free(l);
    return err;
}

void group_list_free(struct group_list *l)
{
    if (!l)
        return;
    timer_stop(l->b->timers, &l->retry);
    free(l);
}
