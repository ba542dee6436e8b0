#include "tools/mock/service/community.h"

#include "tools/mock/service/group.h"

void community_node(struct mock *m, struct node *group, const struct group *g)
{
    if (g->community)
        node_attr_text(&m->a, node_child_new(&m->a, group, "parent"),
                       "default_membership_approval_mode", "request_required");
    if (g->default_sub_group)
        (void)node_child_new(&m->a, group, "default_sub_group");
    if (g->general_chat)
        (void)node_child_new(&m->a, group, "general_chat");
    if (g->parent)
        node_attr_jid(&m->a, node_child_new(&m->a, group, "linked_parent"), "jid", &g->parent->jid);
}

/* Tells the members of `of`: <link link_type=> or <unlink unlink_type=>, with the other group
 * inside. */
static void tell(struct mock *m, struct group *of, const struct group *other, const char *type,
                 bool link)
{
    struct node *n = mock_node(m, link ? "link" : "unlink");
    struct node *one = node_child_new(&m->a, n, "group");

    node_attr_text(&m->a, n, link ? "link_type" : "unlink_type", type);
    if (!link)
        node_attr_text(&m->a, n, "unlink_reason", "unlink_group");
    node_attr_jid(&m->a, one, "jid", &other->jid);
    node_attr_text(&m->a, one, "subject", other->subject);
    if (other->default_sub_group)
        (void)node_child_new(&m->a, one, "default_sub_group");
    group_tell(m, of, NULL, n);
}

void community_link(struct mock *m, struct group *g, struct group *parent)
{
    struct group *community = parent != NULL ? parent : g->parent;

    if (!community)
        return;
    g->parent = parent;
    tell(m, g, community, "parent_group", parent != NULL);
    tell(m, community, g, "sub_group", parent != NULL);
}
