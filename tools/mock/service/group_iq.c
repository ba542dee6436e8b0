/* group_iq.c - w:g2 requests (P-GR-01..12). */
#include "tools/mock/service/community.h"
#include "tools/mock/service/group.h"
#include "tools/mock/service/service.h"

static struct group *target(struct client *c, const struct node *iq)
{
    struct jid to;

    return node_attr_get_jid(iq, "to", &to) ? world_group(&c->m->world, &to) : NULL;
}

static int participating(struct client *c, struct node *result)
{
    struct mock *m = c->m;
    struct node *list = node_child_new(&m->a, result, "groups");

    for (size_t i = 0; i < m->world.ngroups; i++) {
        const struct group *g = m->world.group_list[i];

        if (world_find_member(g, c->device->account) != NULL)
            (void)group_node(m, list, g);
    }
    return 0;
}

int iq_group_get(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;

    if (node_child(iq, "participating") != NULL)
        return participating(c, result);
    struct group *g = target(c, iq);
    if (!g)
        return 404;
    if (world_find_member(g, c->device->account) == NULL)
        return 403;
    if (node_child(iq, "query") != NULL) {
        (void)group_node(m, result, g);
        return 0;
    }
    if (node_child(iq, "invite") != NULL) {
        struct node *invite = node_child_new(&m->a, result, "invite");
        char code[24];

        (void)snprintf(code, sizeof code, "Mock%.17s", g->jid.user);
        node_attr_text(&m->a, invite, "code", code);
        return 0;
    }
    if (node_child(iq, "membership_approval_requests") != NULL) {
        (void)node_child_new(&m->a, result, "membership_approval_requests");
        return 0;
    }
    int code = community_get(c, iq, result, g);
    if (code != COMMUNITY_OTHER)
        return code;
    mock_flag(m, c->label, "unknown-iq", iq, "w:g2 get");
    return 501;
}

static int create(struct client *c, const struct node *create, struct node *result)
{
    struct mock *m = c->m;
    struct mock_account *members[1024];
    size_t n = 0;
    struct mock_account *own = c->device->account;
    const char *subject = mock_attr(m, create, "subject");

    for (const struct node *p = node_child(create, "participant"); p != NULL;
         p = node_next(p, "participant")) {
        struct jid j;

        if (!node_attr_get_jid(p, "jid", &j))
            return 400;
        struct mock_account *a = world_account(&m->world, &j);
        if (a && a != own && n < sizeof members / sizeof members[0])
            members[n++] = a;
    }
    if (subject[0] == '\0')
        return 400;
    const struct node *in = node_child(create, "linked_parent");
    struct group *g = node_child(create, "parent") != NULL
                          ? community_create(m, subject, own, members, n,
                                             node_child(create, "create_general_chat") != NULL)
                          : group_create(m, subject, !m->cfg.groups_pn, own, members, n);
    struct jid parent;
    if (!g)
        return 500;
    if (in && node_attr_get_jid(in, "jid", &parent))
        community_link(m, g, world_group(&m->world, &parent));
    (void)group_node(m, result, g);
    return 0;
}

static int change(struct client *c, const struct node *in, struct node *result, struct group *g,
                  enum group_change what)
{
    struct mock *m = c->m;
    static const char *const tags[] = {"add", "remove", "promote", "demote"};
    const struct member *me = world_find_member(g, c->device->account);

    if (!me || (me->rank == 0 && what != GROUP_ADD))
        return 403;
    struct node *out = node_child_new(&m->a, result, tags[what]);
    for (const struct node *p = node_child(in, "participant"); p != NULL;
         p = node_next(p, "participant")) {
        struct jid j;
        struct mock_account *a =
            node_attr_get_jid(p, "jid", &j) ? world_account(&m->world, &j) : NULL;
        int code = a != NULL ? group_change_member(m, g, c->device->account, a, what) : 404;
        struct node *one;

        if (a) {
            one = group_participant(m, out, g, a, 0);
        } else {
            one = node_child_new(&m->a, out, "participant");
            node_copy_attr(&m->a, one, p, "jid");
        }
        /* whatsapp-rust looks for this 200, others for the lack of an error */
        node_attr_u64(&m->a, one, code != 0 ? "error" : "type", code != 0 ? (uint64_t)code : 200);
    }
    return 0;
}

static int leave(struct client *c, const struct node *in, struct node *result)
{
    struct mock *m = c->m;
    struct node *out = node_child_new(&m->a, result, "leave");

    for (const struct node *k = node_child(in, "group"); k != NULL; k = node_next(k, "group")) {
        struct jid j;
        struct group *g = node_attr_get_jid(k, "id", &j) ? world_group(&m->world, &j) : NULL;
        int code = 404;

        if (g)
            code = group_change_member(m, g, c->device->account, c->device->account, GROUP_REMOVE);
        struct node *one = node_child_new(&m->a, out, "group");
        node_copy_attr(&m->a, one, k, "id");
        if (code != 0)
            node_attr_u64(&m->a, one, "error", (uint64_t)code);
    }
    return 0;
}

static void set_subject(struct client *c, const struct node *k, struct group *g)
{
    struct mock *m = c->m;
    struct span text = node_content_bytes(k);
    struct jid by = account_jid(c->device->account, g->lid);

    (void)snprintf(g->subject, sizeof g->subject, "%.*s", (int)text.n, (const char *)text.p);
    g->subject_s = mock_now_s(m);
    struct node *n = mock_node(m, "subject");
    node_attr_text(&m->a, n, "subject", g->subject);
    node_attr_u64(&m->a, n, "s_t", g->subject_s);
    node_attr_jid(&m->a, n, "s_o", &by);
    group_tell(m, g, c->device->account, n);
}

static void set_description(struct client *c, const struct node *k, struct group *g)
{
    struct mock *m = c->m;
    const struct node *body = node_child(k, "body");
    struct span text = node_content_bytes(body);

    (void)snprintf(g->topic, sizeof g->topic, "%.*s", (int)text.n,
                   text.p != NULL ? (const char *)text.p : "");
    (void)snprintf(g->topic_id, sizeof g->topic_id, "%s", mock_attr(m, k, "id"));
    struct node *n = mock_node(m, "description");
    node_attr_text(&m->a, n, "id", g->topic_id);
    if (!body)
        (void)node_child_new(&m->a, n, "delete");
    else
        node_set_bytes(&m->a, node_child_new(&m->a, n, "body"), text);
    group_tell(m, g, c->device->account, n);
}

/* Sets one switch of the group; the news repeats the request's own child. */
static bool set_switch(struct group *g, const struct node *k)
{
    uint64_t seconds = 0;

    if (node_is(k, "announcement") || node_is(k, "not_announcement"))
        g->announcement = node_is(k, "announcement");
    else if (node_is(k, "locked") || node_is(k, "unlocked"))
        g->locked = node_is(k, "locked");
    else if (node_is(k, "ephemeral") && node_attr_get_u64(k, "expiration", &seconds))
        g->ephemeral = (uint32_t)seconds;
    else if (node_is(k, "not_ephemeral"))
        g->ephemeral = 0;
    else if (node_is(k, "membership_approval_mode"))
        g->approval = node_attr_is(node_child(k, "group_join"), "state", "on");
    else
        return node_is(k, "member_add_mode");
    return true;
}

static void tell_switch(struct client *c, struct group *g, const struct node *k)
{
    struct mock *m = c->m;
    char *tag = arena_cstr(&m->a, k->tag);

    if (!tag)
        return;
    struct node *n = mock_node(m, tag);
    if (g->ephemeral > 0 && node_is(k, "ephemeral"))
        node_attr_u64(&m->a, n, "expiration", g->ephemeral);
    if (node_is(k, "announcement") || node_is(k, "not_announcement"))
        node_attr_u64(&m->a, n, "v_id", ++g->version);
    group_tell(m, g, c->device->account, n);
}

int iq_group_set(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;
    static const char *const changes[] = {"add", "remove", "promote", "demote"};
    const struct node *k = iq->content == NODE_CHILDREN ? iq->first : NULL;

    if (!k)
        return 400;
    if (node_is(k, "create"))
        return create(c, k, result);
    if (node_is(k, "leave"))
        return leave(c, k, result);
    struct group *g = target(c, iq);
    if (!g)
        return 404;
    for (size_t i = 0; i < 4; i++) {
        if (node_is(k, changes[i]))
            return change(c, k, result, g, (enum group_change)i);
    }
    int code = community_set(c, k, result, g);
    if (code != COMMUNITY_OTHER)
        return code;
    const struct member *me = world_find_member(g, c->device->account);
    if (!me || (g->locked && me->rank == 0))
        return 403;
    if (node_is(k, "subject"))
        set_subject(c, k, g);
    else if (node_is(k, "description"))
        set_description(c, k, g);
    else if (node_is(k, "invite"))
        return iq_group_get(c, iq, result);
    else if (set_switch(g, k))
        tell_switch(c, g, k);
    else {
        mock_flag(m, c->label, "unknown-iq", iq, "w:g2 set");
        return 501;
    }
    return 0;
}
