/* <notification type=w:gp2>: changes of groups and their members (P-GR-14..17). */
#include "bridge/groups/in_group_notification.h"

#include "bridge/core/context.h"
#include "bridge/core/peer_time.h"
#include "bridge/groups/group_info.h"
#include "bridge/groups/group_links.h"
#include "bridge/groups/group_parse.h"
#include "bridge/groups/limits.h"
#include "bridge/people/identity.h"
#include "store/messages/messages.h"

struct group_news {
    struct jid group;
    uint64_t t;
};

static enum wb_err parse(const struct stanza *s, void **ret_parsed)
{
    struct group_news *news = ARENA_NEW(s->arena, struct group_news);

    if (!news)
        return WB_ERR_NOMEM;
    if (!node_attr_get_jid(s->node, "from", &news->group) || news->group.server != JID_GROUP ||
        !news->group.user[0])
        return WB_ERR_MALFORMED;
    news->group = jid_bare(news->group);
    if (!node_attr_get_u64(s->node, "t", &news->t))
        news->t = 0;
    *ret_parsed = news;
    return WB_OK;
}

/* ---- the row of the group ---- */

typedef void change_fn(struct store_group *g, const struct node *n, struct arena *a);

static void set_subject(struct store_group *g, const struct node *n, struct arena *a)
{
    group_parse_subject(node_attr_str(n, "subject", a), g->subject);
}

static void set_announce(struct store_group *g, const struct node *n, struct arena *a)
{
    (void)a;
    g->announce = node_is(n, "announcement");
}

static void set_ephemeral(struct store_group *g, const struct node *n, struct arena *a)
{
    (void)a;
    g->ephemeral_s = node_is(n, "ephemeral") ? group_parse_ephemeral(n) : 0;
}

static void set_joined(struct store_group *g, const struct node *n, struct arena *a)
{
    (void)n;
    (void)a;
    g->left = false;
    g->updated_at = 0; /* stale: we were not told who came and left meanwhile */
}

/* Members came or went. When the change builds on another version than ours, we have missed a
 * change, and the group is asked for before it is used. */
static void set_version(struct store_group *g, const struct node *n, struct arena *a)
{
    struct span before = node_attr_str(n, "prev_v_id", a), now = node_attr_str(n, "v_id", a);

    if (before.n && g->version[0] && !span_eq_cstr(before, g->version))
        g->updated_at = 0;
    if (now.n > 0 && now.n < sizeof g->version) {
        memset(g->version, 0, sizeof g->version);
        memcpy(g->version, now.p, now.n);
    }
}

static void set_stale(struct store_group *g, const struct node *n, struct arena *a)
{
    (void)n;
    (void)a;
    g->updated_at = 0;
}

/* Loads the group, lets fn change it and stores it. NOT_FOUND when the group is not known. */
static enum wb_err change(struct bridge *b, const struct jid *group, const struct node *n,
                          struct arena *a, change_fn *fn)
{
    struct arena scratch = arena_new(GROUP_ARENA_MAX);
    struct store_group g;
    enum wb_err err = store_group_get(b->store, group, &scratch, &g);

    if (err == WB_OK) {
        fn(&g, n, a);
        err = store_group_put_info(b->store, &g);
    }
    arena_free(&scratch);
    return err;
}

static enum wb_err rename_group(struct bridge *b, const struct jid *group, const struct node *n,
                                struct arena *a)
{
    char subject[STORE_NAME_MAX + 1];
    enum wb_err err = change(b, group, n, a, set_subject);

    if (err != WB_OK)
        return err;
    group_parse_subject(node_attr_str(n, "subject", a), subject);
    return store_chat_name(b->store, group, span_cstr(subject), true);
}

/* ---- members ---- */

static enum wb_err remove_member(struct bridge *b, const struct jid *group,
                                 const struct store_group_member *m)
{
    enum wb_err err = WB_OK;

    if (!jid_is_none(&m->lid))
        TRY(store_group_member_remove(b->store, group, &m->lid));
    if (!jid_is_none(&m->pn))
        TRY(store_group_member_remove(b->store, group, &m->pn));
    if (group_info_is_self(b, m))
        err = group_info_left(b, group, "we left or were removed");
out:
    return err;
}

static enum wb_err put_member(struct bridge *b, const struct jid *group,
                              const struct store_group_member *m, const struct node *n,
                              struct arena *a)
{
    enum wb_err err;

    TRY(store_group_member_put(b->store, group, m));
    if (node_is(n, "add") && group_info_is_self(b, m)) {
        log_info(b->log, "groups", "we are in %s", group->user);
        err = change(b, group, n, a, set_joined);
    }
out:
    return err;
}

static enum wb_err members_changed(struct bridge *b, const struct jid *group, const struct node *n,
                                   struct arena *a)
{
    struct store_group_member *members;
    size_t count, odd;
    enum wb_err err;

    TRY(group_parse_members(n, a, &members, &count, &odd));
    if (odd)
        log_debug(b->log, "groups", "%zu odd members in a change of %s", odd, group->user);
    TRY(change(b, group, n, a, node_is(n, "modify") ? set_stale : set_version));
    for (size_t i = 0; i < count; i++) {
        struct store_group_member *m = &members[i];

        TRY(identity_learn(b, &m->lid, &m->pn));
        if (node_is(n, "promote") && m->rank == STORE_MEMBER)
            m->rank = STORE_ADMIN;
        else if (node_is(n, "demote"))
            m->rank = STORE_MEMBER;
        if (node_is(n, "remove"))
            TRY(remove_member(b, group, m));
        else
            TRY(put_member(b, group, m, n, a));
    }
out:
    return err;
}

/* ---- the table of changes ---- */

static enum wb_err created(struct bridge *b, const struct jid *group, const struct node *n,
                           struct arena *a)
{
    const struct node *g = node_child(n, "group");
    struct jid told;
    enum wb_err err = g ? group_info_store(b, g, a, &told) : WB_ERR_MALFORMED;

    if (err == WB_OK && !jid_eq(&told, group))
        return WB_ERR_MALFORMED;
    if (err == WB_OK)
        log_info(b->log, "groups", "we are in %s", group->user);
    return err;
}

static enum wb_err announced(struct bridge *b, const struct jid *group, const struct node *n,
                             struct arena *a)
{
    return change(b, group, n, a, set_announce);
}

static enum wb_err timer_changed(struct bridge *b, const struct jid *group, const struct node *n,
                                 struct arena *a)
{
    return change(b, group, n, a, set_ephemeral);
}

static enum wb_err deleted(struct bridge *b, const struct jid *group, const struct node *n,
                           struct arena *a)
{
    (void)n;
    (void)a;
    return group_info_left(b, group, "it was deleted");
}

static const struct {
    const char *tag;
    enum wb_err (*apply)(struct bridge *b, const struct jid *group, const struct node *n,
                         struct arena *a);
} changes[] = {
    {"create", created},
    {"add", members_changed},
    {"remove", members_changed},
    {"promote", members_changed},
    {"demote", members_changed},
    {"modify", members_changed},
    {"subject", rename_group},
    {"announcement", announced},
    {"not_announcement", announced},
    {"ephemeral", timer_changed},
    {"not_ephemeral", timer_changed},
    {"delete", deleted},
    {"link", group_links_changed},
    {"unlink", group_links_changed},
};

static enum wb_err apply_child(struct bridge *b, const struct jid *group, const struct node *n,
                               struct arena *a)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (node_is(n, changes[i].tag))
            return changes[i].apply(b, group, n, a);
    log_debug(b->log, "groups", "%s: nothing to do for %.*s", group->user,
              (int)span_first(n->tag, 40).n, (const char *)n->tag.p);
    return WB_OK;
}

/* A change of a group that we do not know: the group was asked for. */
static void on_unknown(struct bridge *b, uint64_t key, const struct group_info_result *r)
{
    (void)key;
    if (r->err != WB_OK)
        log_debug(b->log, "groups", "a group that was unknown is still: %s", wb_err_text(r->err));
}

static enum wb_err apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    const struct group_news *news = parsed;
    bool unknown = false;
    enum wb_err err = WB_OK;

    if (s->node->content != NODE_CHILDREN)
        return WB_OK;
    for (const struct node *n = s->node->first; n; n = n->next) {
        err = apply_child(b, &news->group, n, s->arena);
        unknown |= err == WB_ERR_NOT_FOUND;
        if (err == WB_ERR_MALFORMED)
            log_debug(b->log, "groups", "%s: an odd %.*s", news->group.user,
                      (int)span_first(n->tag, 40).n, (const char *)n->tag.p);
        else if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
    }
    if (unknown)
        return group_info_get(b, &news->group, GROUP_INFO_FRESH, on_unknown, 0);
    return group_info_shown(b, &news->group, s->node, peer_time_stanza_s(b, news->t));
}

const struct stanza_handler in_notification_group_handler = {"w:gp2", STANZA_ACK_ALWAYS, parse,
                                                             apply};
