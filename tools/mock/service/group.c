#include "tools/mock/service/group.h"

#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/strict.h"
#include "tools/mock/service/community.h"

struct node *group_participant(struct mock *m, struct node *parent, const struct group *g,
                               const struct mock_account *a, uint8_t rank)
{
    static const char *const ranks[] = {NULL, "admin", "superadmin"};
    struct jid j = account_jid(a, g->lid), other = account_jid(a, !g->lid);
    struct node *p = node_child_new(&m->a, parent, "participant");

    node_attr_jid(&m->a, p, "jid", &j);
    node_attr_jid(&m->a, p, g->lid ? "phone_number" : "lid", &other);
    node_attr_text(&m->a, p, "type", ranks[rank]);
    return p;
}

struct node *group_node(struct mock *m, struct node *parent, const struct group *g)
{
    struct node *n = node_child_new(&m->a, parent, "group");

    node_attr_text(&m->a, n, "id", g->jid.user);
    node_attr_text(&m->a, n, "subject", g->subject);

    node_attr_u64(&m->a, n, "s_t", g->subject_s);
    node_attr_u64(&m->a, n, "creation", g->created_s);
    if (!jid_is_none(&g->creator)) {
        const struct mock_account *a = world_account(&m->world, &g->creator);

        node_attr_jid(&m->a, n, "creator", &g->creator);
        node_attr_jid(&m->a, n, "s_o", &g->creator);
        if (g->lid && a) {
            node_attr_jid(&m->a, n, "creator_pn", &a->pn);
            node_attr_jid(&m->a, n, "s_o_pn", &a->pn);
        }
    }
    node_attr_text(&m->a, n, "addressing_mode", g->lid ? "lid" : "pn");
    node_attr_u64(&m->a, n, "size", g->nmembers);
    node_attr_u64(&m->a, n, "p_v_id", g->version);
    node_attr_u64(&m->a, n, "a_v_id", g->created_s * 1000000);
    if (g->topic[0] != '\0') {
        struct node *d = node_child_new(&m->a, n, "description");

        node_attr_text(&m->a, d, "id", g->topic_id);

        node_attr_u64(&m->a, d, "t", g->subject_s);
        node_attr_jid(&m->a, d, "participant", &g->creator);
        node_set_bytes(&m->a, node_child_new(&m->a, d, "body"), span_cstr(g->topic));
    }
    for (size_t i = 0; i < g->nmembers; i++)
        (void)group_participant(m, n, g, g->members[i].account, g->members[i].rank);
    if (g->announcement)
        (void)node_child_new(&m->a, n, "announcement");
    if (g->locked)
        (void)node_child_new(&m->a, n, "locked");
    if (g->approval) {
        struct node *mode = node_child_new(&m->a, n, "membership_approval_mode");

        node_attr_text(&m->a, node_child_new(&m->a, mode, "group_join"), "state", "on");
    }
    community_node(m, n, g);
    if (g->ephemeral > 0) {
        struct node *e = node_child_new(&m->a, n, "ephemeral");

        node_attr_u64(&m->a, e, "expiration", g->ephemeral);
    }
    node_set_bytes(&m->a, node_child_new(&m->a, n, "member_add_mode"), SPAN_LIT("all_member_add"));
    return n;
}

static struct node *news(struct mock *m, const struct group *g, const struct mock_account *by,
                         struct node *child)
{
    struct node *n = deliver_notification(m, &g->jid, "w:gp2");

    if (by) {
        struct jid j = account_jid(by, g->lid);

        node_attr_jid(&m->a, n, "participant", &j);
        if (g->lid)
            node_attr_jid(&m->a, n, "participant_pn", &by->pn);
        node_attr_text(&m->a, n, "notify", by->name);
    }
    node_attr_text(&m->a, n, "addressing_mode", g->lid ? "lid" : "pn");
    struct node *copy = ARENA_NEW(&m->a, struct node);
    if (copy) {
        *copy = *child;
        copy->next = NULL;
        node_add(n, copy);
    }
    return n;
}

static void tell_one(struct mock *m, const struct group *g, const struct mock_account *by,
                     struct mock_account *to, struct node *child)
{
    for (size_t i = 0; i < to->ndevices; i++) {
        if (!world_is_played(to->devices[i]))
            deliver(m, to->devices[i], news(m, g, by, child));
    }
}

/* The <create> news of a group, for people who find themselves in it. */
static struct node *create_node(struct mock *m, const struct group *g, bool fresh)
{
    struct node *create = mock_node(m, "create");

    if (fresh)
        node_attr_text(&m->a, create, "type", "new");
    node_attr_text(&m->a, create, "reason", "invite");
    node_attr_text(&m->a, create, "key", mock_id(m));
    (void)group_node(m, create, g);
    return create;
}

/* Tells of an added member, who gets the whole group (P-GR-15); the others get the name only. */
static void tell_added(struct mock *m, const struct group *g, const struct mock_account *by,
                       struct mock_account *added, struct node *child)
{
    struct node *create = create_node(m, g, false);

    for (size_t i = 0; i < g->nmembers; i++) {
        struct mock_account *a = g->members[i].account;

        tell_one(m, g, by, a, a == added ? create : child);
    }
}

void group_tell(struct mock *m, struct group *g, struct mock_account *by, struct node *child)
{
    for (size_t i = 0; i < g->nmembers; i++)
        tell_one(m, g, by, g->members[i].account, child);
}

int group_change_member(struct mock *m, struct group *g, struct mock_account *by,
                        struct mock_account *who, enum group_change change)
{
    static const char *const tags[] = {"add", "remove", "promote", "demote"};
    struct member *me = by != NULL ? world_find_member(g, by) : NULL;
    bool leaves = change == GROUP_REMOVE && by == who;
    uint64_t before = g->version;

    if (by && (!me || (me->rank == 0 && change != GROUP_ADD && !leaves)))
        return 403;
    struct member *target = world_find_member(g, who);
    if (change == GROUP_ADD ? target != NULL : target == NULL)
        return change == GROUP_ADD ? 409 : 404;
    if (change == GROUP_ADD && !world_add_member(g, who, 0))
        return 500;
    if (change == GROUP_PROMOTE || change == GROUP_DEMOTE) {
        target->rank = change == GROUP_PROMOTE ? 1 : 0;
        g->version++;
    }
    struct node *child = mock_node(m, tags[change]);
    node_attr_u64(&m->a, child, "prev_v_id", before);
    node_attr_u64(&m->a, child, "v_id", before + 1);
    if (change == GROUP_ADD)
        node_attr_text(&m->a, child, "reason", "invite");
    (void)group_participant(m, child, g, who, 0);
    if (change == GROUP_ADD)
        tell_added(m, g, by, who, child);
    else
        group_tell(m, g, by, child);
    if (change == GROUP_REMOVE) {
        (void)world_remove_member(g, who);
        strict_member_left(g);
    }
    return 0;
}

struct group *group_make(struct mock *m, const char *subject, bool lid,
                         struct mock_account *creator, struct mock_account **members, size_t n)
{
    struct group *g = world_add_group(m, subject, lid);

    if (!g)
        return NULL;
    if (creator) {
        g->creator = account_jid(creator, lid);
        if (!world_add_member(g, creator, 2))
            return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!world_add_member(g, members[i], 0))
            return NULL;
    }
    return g;
}

void group_tell_created(struct mock *m, struct group *g, struct mock_account *creator)
{
    group_tell(m, g, creator, create_node(m, g, true));
}

struct group *group_create(struct mock *m, const char *subject, bool lid,
                           struct mock_account *creator, struct mock_account **members, size_t n)
{
    struct group *g = group_make(m, subject, lid, creator, members, n);

    if (g)
        group_tell_created(m, g, creator);
    return g;
}

void group_welcome(struct mock *m, struct mock_account *a)
{
    size_t n = m->cfg.groups < m->world.ngroups ? m->cfg.groups : m->world.ngroups;

    for (size_t i = 0; i < n; i++)
        (void)world_add_member(m->world.group_list[i], a, 0);
}
