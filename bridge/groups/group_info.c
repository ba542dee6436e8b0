#include "bridge/groups/group_info.h"

#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/shared_query.h"
#include "bridge/groups/group_calls.h"
#include "bridge/groups/group_limits.h"
#include "bridge/groups/group_links.h"
#include "bridge/groups/group_parse.h"
#include "bridge/people/identity.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"
#include "store/session/devices.h"

enum { HTTP_UNAUTHORIZED = 401, HTTP_FORBIDDEN = 403, HTTP_NOT_FOUND = 404 };

struct group_info {
    struct shared_query query;
    uint32_t code; /* error code of the answer that is passed on */
};

struct group_wait {
    group_info_fn *fn;
    uint64_t key;
    struct jid group;
};

/* ---- taking over what the server says ---- */

/* Learns pairs of LID and number, and stores the shortened number for display with which a member
 * known by LID only comes (P-GR-05). */
static enum wb_err learn_members(struct bridge *b, const struct store_group *g,
                                 const struct node *group, struct arena *a)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < g->nmembers; i++)
        TRY(identity_learn(b, &g->members[i].lid, &g->members[i].pn));
    for (const struct node *p = node_child(group, "participant"); p;
         p = node_next(p, "participant")) {
        struct span shown = node_attr_str(p, "display_name", a);
        struct store_group_member m;

        if (shown.n && group_parse_member(p, &m) == WB_OK && jid_is_none(&m.pn))
            TRY(store_contact_redacted_phone(b->store, &m.lid, shown));
    }
out:
    return err;
}

/* A <group> without members: the known members stay, but are asked for before they are used. */
static enum wb_err store_without_members(struct bridge *b, struct store_group *g)
{
    enum wb_err err;

    g->updated_at = 0;
    err = store_group_put_info(b->store, g);
    return err == WB_ERR_NOT_FOUND ? store_group_put(b->store, g) : err;
}

/* When the group's addressing changes, members look for our sender key under our other address
 * (P-SG-31): everybody is given the key again. */
static enum wb_err note_addressing(struct bridge *b, const struct store_group *g)
{
    struct store_group old;
    enum wb_err err = store_group_get_info(b->store, &g->jid, &old);

    if (err == WB_ERR_NOT_FOUND || (err == WB_OK && old.addressing == g->addressing))
        return WB_OK;
    TRY(err);
    log_info(b->log, "groups", "%s is addressed by %s now", g->jid.user,
             g->addressing == STORE_ADDRESSING_LID ? "LID" : "phone number");
    err = store_skdm_doubt_group(b->store, &g->jid);
out:
    return err;
}

static enum wb_err tell_list(struct bridge *b, const struct jid *group, bool none)
{
    return b->on_group_list ? b->on_group_list(b, group, none) : WB_OK;
}

enum wb_err group_info_store(struct bridge *b, const struct node *group, struct arena *a,
                             struct jid *ret_jid)
{
    struct store_group g;
    size_t odd;
    enum wb_err err;

    TRY(group_parse(group, a, &g, &odd));
    if (odd)
        log_debug(b->log, "groups", "%zu odd members in %s", odd, g.jid.user);
    g.updated_at = bridge_server_now_s(b);
    TRY(note_addressing(b, &g));
    if (g.nmembers == 0)
        TRY(store_without_members(b, &g));
    else
        TRY(store_group_put(b->store, &g));
    TRY(learn_members(b, &g, group, a));
    TRY(store_chat_name(b->store, &g.jid, span_cstr(g.subject), true));
    TRY(tell_list(b, &g.jid, false));
    if (ret_jid)
        *ret_jid = g.jid;
out:
    return err;
}

enum wb_err group_info_left(struct bridge *b, const struct jid *group, const char *why)
{
    struct arena a = arena_new(GROUP_ARENA_MAX);
    struct store_group g;
    enum wb_err err = store_group_get(b->store, group, &a, &g);

    if (err == WB_OK && !g.left) {
        bool monitored = config_group(b->config, group) != NULL;

        g.left = true;
        err = store_group_put_info(b->store, &g);
        log_write(b->log, monitored ? LOG_WARN : LOG_INFO, "groups", "we are not in %s%s: %s",
                  monitored ? "the monitored group " : "", group->user, why);
    }
    arena_free(&a);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

enum wb_err group_info_stale(struct bridge *b, const struct jid *group)
{
    struct arena a = arena_new(GROUP_ARENA_MAX);
    struct store_group g;
    enum wb_err err = store_group_get(b->store, group, &a, &g);

    if (err == WB_OK && g.updated_at != 0) {
        g.updated_at = 0;
        err = store_group_put_info(b->store, &g);
    }
    arena_free(&a);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* The group's addressing that a stanza of the server names; false: it names none. */
static bool told_addressing(const struct node *n, enum store_addressing *ret)
{
    if (node_attr_is(n, "addressing_mode", "lid"))
        *ret = STORE_ADDRESSING_LID;
    else if (node_attr_is(n, "addressing_mode", "pn"))
        *ret = STORE_ADDRESSING_PN;
    else
        return false;
    return true;
}

enum wb_err group_info_shown(struct bridge *b, const struct jid *group, const struct node *n,
                             int64_t t)
{
    enum store_addressing shown;
    struct store_group g;
    bool may = false;
    enum wb_err err;

    if (group->server != JID_GROUP || !told_addressing(n, &shown))
        return WB_OK;
    err = store_group_get_info(b->store, group, &g);
    if (err == WB_ERR_NOT_FOUND ||
        (err == WB_OK && (g.addressing == shown || g.updated_at == 0 || t < g.updated_at)))
        return WB_OK;
    TRY(err);
    TRY(group_limit_mode(b, group, &may));
    if (!may)
        return WB_OK;
    log_info(b->log, "groups",
             "%s seems to have changed its addressing; it is asked for before it "
             "is written to",
             group->user);
    g.updated_at = 0;
    err = store_group_put_info(b->store, &g);
out:
    return err;
}

/* ---- one group ---- */

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply);

static enum wb_err ask(struct bridge *b, const struct jid *groups, size_t n, uint64_t id)
{
    struct arena a = arena_new(GROUP_ARENA_MAX);
    struct node *iq = iq_new(&a, "get", "w:g2", &groups[0]);
    enum wb_err err;

    (void)n; /* always 1: chunk_max */
    node_attr_text(&a, node_child_new(&a, iq, "query"), "request", "interactive");
    err = iq_send(&b->iq, &a, iq, 0, on_answer, id);
    arena_free(&a);
    return err;
}

static enum wb_err take_answer(struct bridge *b, const struct jid *asked,
                               const struct iq_reply *reply)
{
    const struct node *group = node_child(reply->node, "group");
    struct store_group g;
    size_t odd;
    enum wb_err err = group_parse(group, reply->arena, &g, &odd);

    if (err != WB_OK || !jid_same_user(&g.jid, asked))
        return err == WB_ERR_NOMEM ? err : WB_ERR_PROTOCOL;
    return group_info_store(b, group, reply->arena, NULL);
}

static enum wb_err take_refusal(struct bridge *b, const struct jid *group, uint32_t code)
{
    enum wb_err err;

    if (code == HTTP_NOT_FOUND || code == HTTP_FORBIDDEN || code == HTTP_UNAUTHORIZED)
        TRY(tell_list(b, group, true));
    if (code == HTTP_NOT_FOUND) {
        err = group_info_left(b, group, "it does not exist");
        return err == WB_OK ? WB_ERR_NOT_FOUND : err;
    }
    if (code == HTTP_FORBIDDEN || code == HTTP_UNAUTHORIZED) {
        err = group_info_left(b, group, "the server says that we are no member");
        return err == WB_OK ? WB_ERR_REFUSED : err;
    }
    return WB_ERR_REFUSED;
out:
    return err;
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    enum wb_err err = reply->err;
    const struct jid *asked;
    size_t n;

    if (!b->groups)
        return;
    asked = shared_query_jids(&b->groups->query, key, &n);
    if (!asked)
        return;
    if (err == WB_OK)
        err = take_answer(b, asked, reply);
    else if (err == WB_ERR_REFUSED)
        err = take_refusal(b, asked, reply->code);
    if (err != WB_OK && wb_err_class(err) == WB_CLASS_LOCAL && reply->node)
        batch_fail(b, err);
    if (err != WB_OK)
        log_debug(b->log, "groups", "the query for %s failed: %s (%u)", asked->user,
                  wb_err_text(err), reply->code);
    b->groups->code = reply->code;
    shared_query_end(&b->groups->query, key, err);
    if (b->groups)
        b->groups->code = 0;
}

static void done(struct bridge *b, void *payload, enum wb_err err)
{
    struct group_wait *w = payload;
    struct group_info_result r = {.err = err, .code = b->groups->code};
    struct arena a = arena_new(GROUP_ARENA_MAX);
    struct store_group g;

    if (r.err == WB_OK)
        r.err = store_group_get(b->store, &w->group, &a, &g);
    if (r.err == WB_OK)
        r.group = &g;
    w->fn(b, w->key, &r);
    arena_free(&a);
    free(w);
}

static const struct shared_query_ops ops = {.chunk_max = 1, .ask = ask, .done = done, .drop = free};

static enum wb_err is_cached(struct bridge *b, const struct jid *group, bool *ret_cached)
{
    const int64_t now = bridge_server_now_s(b);
    struct arena a = arena_new(GROUP_ARENA_MAX);
    struct store_group g;
    enum wb_err err = store_group_get(b->store, group, &a, &g);

    if (err == WB_OK)
        *ret_cached = !g.left && g.nmembers > 0 && g.updated_at >= now - GROUP_AGE_S &&
                      g.updated_at <= now + CLOCK_SLACK_S;
    arena_free(&a);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

enum wb_err group_info_get(struct bridge *b, const struct jid *group, enum group_info_how how,
                           group_info_fn *fn, uint64_t key)
{
    struct jid wanted = jid_bare(*group);
    struct group_wait *w;
    bool cached = false;
    enum wb_err err;

    if (group->server != JID_GROUP || !group->user[0])
        return WB_ERR_INVALID;
    if (how == GROUP_INFO_CACHED) {
        err = is_cached(b, group, &cached);
        if (err != WB_OK)
            return err;
    }
    w = calloc(1, sizeof *w);
    if (!w)
        return WB_ERR_NOMEM;
    *w = (struct group_wait){fn, key, wanted};
    err = shared_query_add(&b->groups->query, &wanted, cached ? 0 : 1, w);
    if (err != WB_OK)
        free(w);
    return err;
}

/* ---- who we are in it ---- */

bool group_info_is_self(const struct bridge *b, const struct store_group_member *m)
{
    return (!jid_is_none(&m->lid) && bridge_is_self(b, &m->lid)) ||
           (!jid_is_none(&m->pn) && bridge_is_self(b, &m->pn));
}

bool group_info_has_self(const struct bridge *b, const struct store_group *g, bool *ret_admin)
{
    for (size_t i = 0; i < g->nmembers; i++)
        if (group_info_is_self(b, &g->members[i])) {
            *ret_admin = g->members[i].rank != STORE_MEMBER;
            return true;
        }
    return false;
}

static enum wb_err own_rank(struct bridge *b, const struct jid *group, enum store_group_rank *ret)
{
    struct store_group_member m = {.rank = STORE_MEMBER};
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (!jid_is_none(&b->own_lid))
        err = store_group_member_get(b->store, group, &b->own_lid, &m);
    if (err == WB_ERR_NOT_FOUND && !jid_is_none(&b->own_pn))
        err = store_group_member_get(b->store, group, &b->own_pn, &m);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    if (err == WB_OK)
        *ret = m.rank;
    return err;
}

static const char *kind_word(enum store_group_kind kind)
{
    switch (kind) {
    case STORE_GROUP_COMMUNITY:
        return "community";
    case STORE_GROUP_ANNOUNCEMENT:
        return "announcement";
    case STORE_GROUP_ORDINARY:
        break;
    }
    return "group";
}

enum wb_err bridge_groups(struct bridge *b, struct arena *a, struct group_summary **ret_groups,
                          size_t *ret_n)
{
    struct store_group *groups = NULL;
    struct group_summary *out;
    size_t n = 0, got = 0;
    enum wb_err err = store_groups_list(b->store, a, &groups, &n);

    if (err == WB_ERR_STATE) /* not paired: no groups */
        n = 0;
    else if (err != WB_OK)
        return err;
    out = arena_alloc(a, (n ? n : 1) * sizeof *out);
    if (!out)
        return WB_ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        enum store_group_rank rank = STORE_MEMBER;

        if (groups[i].left)
            continue;
        err = own_rank(b, &groups[i].jid, &rank);
        if (err != WB_OK)
            return err;
        out[got++] = (struct group_summary){
            .jid = groups[i].jid,
            .kind = kind_word(groups[i].kind),
            .community = groups[i].parent,
            .name = span_cstr(groups[i].subject),
            .members = groups[i].nmembers,
            .lid_addressing = groups[i].addressing == STORE_ADDRESSING_LID,
            .announce_only = groups[i].announce,
            .we_are_admin = rank != STORE_MEMBER,
            .monitored = config_group(b->config, &groups[i].jid) != NULL,
        };
        if (groups[i].kind == STORE_GROUP_COMMUNITY)
            out[got - 1].announcement = group_links_announcement(&groups[i].jid, groups, n);
    }
    *ret_groups = out;
    *ret_n = got;
    return WB_OK;
}

enum wb_err group_info_new(struct bridge *b, struct group_info **ret_g)
{
    struct group_info *g = calloc(1, sizeof *g);

    if (!g)
        return WB_ERR_NOMEM;
    shared_query_init(&g->query, b, &ops);
    *ret_g = g;
    return WB_OK;
}

void group_info_free(struct group_info *g)
{
    if (!g)
        return;
    shared_query_free(&g->query);
    free(g);
}
