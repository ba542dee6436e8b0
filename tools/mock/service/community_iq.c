/* community_iq.c - what clients ask of communities: to make, link, join and dissolve them (w:g2),
 * and what is in them (w:mex). The forms are those of whatsapp-rust. */
#include <jansson.h>
#include <stdlib.h>

#include "tools/mock/service/community.h"
#include "tools/mock/service/group.h"
#include "tools/mock/wire/client.h"

/* Ids of persisted GraphQL queries: the groups of a community, and how many people are in each. */
#define QUERY_SUB_GROUPS "9935467776504344"
#define QUERY_COUNTS     "24079399904996141"

struct group *community_create(struct mock *m, const char *subject, struct mock_account *creator,
                               struct mock_account **members, size_t n, bool general_chat)
{
    bool lid = !m->cfg.groups_pn;
    struct group *parent = group_make(m, subject, lid, creator, members, n);
    struct group *news = group_make(m, subject, lid, creator, members, n);
    struct group *chat = general_chat ? group_make(m, "General", lid, creator, members, n) : NULL;

    if (!parent || !news || (general_chat && !chat))
        return NULL;
    parent->community = true;
    news->announcement = news->default_sub_group = true;
    news->parent = parent;
    group_tell_created(m, parent, creator);
    group_tell_created(m, news, creator);
    if (chat) {
        chat->general_chat = true;
        chat->parent = parent;
        group_tell_created(m, chat, creator);
    }
    return parent;
}

/* The group of this community that an attribute names; NULL when it is not in the community. */
static struct group *sub_group(struct mock *m, const struct node *n, const struct group *parent)
{
    struct jid j;
    struct group *g = node_attr_get_jid(n, "jid", &j) ? world_group(&m->world, &j) : NULL;

    return g != NULL && g->parent == parent ? g : NULL;
}

static int link_one(struct client *c, const struct node *k, struct group *parent, bool link)
{
    struct mock *m = c->m;
    struct jid j;
    struct group *g = node_attr_get_jid(k, "jid", &j) ? world_group(&m->world, &j) : NULL;
    const struct member *me = g != NULL ? world_find_member(g, c->device->account) : NULL;

    if (!g || (!link && g->parent != parent))
        return 404;
    if (!me || me->rank == 0)
        return 403;
    if (link && (g->parent || g->community))
        return 409;
    community_link(m, g, link ? parent : NULL);
    return 0;
}

static void link_all(struct client *c, const struct node *in, struct node *out,
                     struct group *parent, bool link)
{
    struct mock *m = c->m;

    for (const struct node *k = node_child(in, "group"); k != NULL; k = node_next(k, "group")) {
        struct node *one = node_child_new(&m->a, out, "group");
        int code = link_one(c, k, parent, link);

        node_copy_attr(&m->a, one, k, "jid");
        if (code != 0)
            node_attr_u64(&m->a, one, "error", (uint64_t)code);
    }
}

static void dissolve(struct client *c, struct group *parent)
{
    struct mock *m = c->m;

    for (size_t i = 0; i < m->world.ngroups; i++) {
        if (m->world.group_list[i]->parent == parent)
            community_link(m, m->world.group_list[i], NULL);
    }
    group_tell(m, parent, c->device->account, mock_node(m, "delete"));
    parent->community = false;
    parent->nmembers = 0;
}

static int join(struct client *c, const struct node *k, struct node *result,
                const struct group *parent)
{
    struct mock *m = c->m;
    struct group *g = sub_group(m, k, parent);

    if (!g)
        return 404;
    if (world_find_member(g, c->device->account) == NULL) {
        int code = group_change_member(m, g, NULL, c->device->account, GROUP_ADD);

        if (code != 0)
            return code;
    }
    (void)group_node(m, node_child_new(&m->a, result, "linked_group"), g);
    return 0;
}

int community_set(struct client *c, const struct node *k, struct node *result, struct group *g)
{
    struct mock *m = c->m;
    const struct member *me = world_find_member(g, c->device->account);
    const struct node *link = node_is(k, "links") ? node_child(k, "link") : NULL;

    if (node_is(k, "join_linked_group"))
        return me != NULL ? join(c, k, result, g) : 403;
    bool unlink = node_is(k, "unlink"), ends = node_is(k, "delete_parent");
    if (!link && !unlink && !ends)
        return COMMUNITY_OTHER;
    if (!g->community || !me || me->rank == 0)
        return 403;
    if (link) {
        struct node *out = node_child_new(&m->a, node_child_new(&m->a, result, "links"), "link");

        node_attr_text(&m->a, out, "link_type", "sub_group");
        link_all(c, link, out, g, true);
    } else if (unlink) {
        struct node *out = node_child_new(&m->a, result, "unlink");

        node_attr_text(&m->a, out, "unlink_type", "sub_group");
        link_all(c, k, out, g, false);
    } else {
        dissolve(c, g);
    }
    return 0;
}

int community_get(struct client *c, const struct node *iq, struct node *result, struct group *g)
{
    struct mock *m = c->m;
    const struct node *linked = node_child(iq, "query_linked");

    if (linked) {
        const struct group *sub = sub_group(m, linked, g);

        if (!sub)
            return 404;
        (void)group_node(m, node_child_new(&m->a, result, "linked_group"), sub);
        return 0;
    }
    if (node_child(iq, "linked_groups_participants") == NULL)
        return COMMUNITY_OTHER;
    struct node *all = node_child_new(&m->a, result, "linked_groups_participants");
    for (size_t i = 0; i < m->world.ngroups; i++) {
        const struct group *sub = m->world.group_list[i];

        if (sub->parent != g)
            continue;
        struct node *one = node_child_new(&m->a, all, "group");
        node_attr_jid(&m->a, one, "jid", &sub->jid);
        for (size_t k = 0; k < sub->nmembers; k++)
            (void)group_participant(m, one, sub, sub->members[k].account, sub->members[k].rank);
    }
    return 0;
}

/* ---- w:mex ---- */

static json_t *shown(const struct group *g)
{
    char jid[JID_TEXT_MAX];

    return json_pack("{s:s,s:{s:s,s:I},s:I,s:I,s:{s:b}}", "id", jid_text(&g->jid, jid), "subject",
                     "value", g->subject, "creation_time", (json_int_t)g->created_s,
                     "participants_count", (json_int_t)g->nmembers, "total_participants_count",
                     (json_int_t)g->nmembers, "properties", "general_chat", g->general_chat);
}

static json_t *contents(const struct mock *m, const struct group *parent)
{
    json_t *news = NULL, *edges = json_array();

    for (size_t i = 0; i < m->world.ngroups; i++) {
        const struct group *g = m->world.group_list[i];

        if (g->parent != parent)
            continue;
        if (g->default_sub_group && !news)
            news = shown(g);
        else
            (void)json_array_append_new(edges, json_pack("{s:o}", "node", shown(g)));
    }
    return json_pack("{s:{s:{s:o,s:{s:o}}}}", "data", "xwa2_group_query_by_id", "default_sub_group",
                     news != NULL ? news : json_null(), "sub_groups", "edges", edges);
}

struct span community_answer(struct client *c, const char *query_id, struct span text)
{
    struct mock *m = c->m;
    struct span answer = SPAN_NULL;
    struct jid j;
    bool groups = strcmp(query_id, QUERY_SUB_GROUPS) == 0;

    if (!groups && strcmp(query_id, QUERY_COUNTS) != 0)
        return SPAN_NULL;
    json_t *q = json_loadb((const char *)text.p, text.n, 0, NULL);
    const json_t *variables = json_object_get(q, "variables");
    const char *id = json_string_value(
        groups ? json_object_get(variables, "group_id")
               : json_object_get(json_object_get(variables, "input"), "group_jid"));
    const struct group *g =
        id != NULL && jid_parse_cstr(id, &j) == WB_OK ? world_group(&m->world, &j) : NULL;
    if (g && g->community && world_find_member(g, c->device->account) != NULL) {
        json_t *out = contents(m, g);
        char *dump = json_dumps(out, JSON_COMPACT);

        if (dump)
            answer = arena_copy(&m->a, span_cstr(dump));
        free(dump);
        json_decref(out);
    }
    json_decref(q);
    return answer;
}
