#include "bridge/groups/group_links.h"

#include <stdio.h>

#include "bridge/core/context.h"
#include "bridge/groups/group_list.h"
#include "bridge/groups/limits.h"

void group_links_parse(const struct node *group, struct store_group *g)
{
    const struct node *linked = node_child(group, "linked_parent");
    struct jid parent;

    g->kind = node_child(group, "parent")              ? STORE_GROUP_COMMUNITY
              : node_child(group, "default_sub_group") ? STORE_GROUP_ANNOUNCEMENT
                                                       : STORE_GROUP_ORDINARY;
    g->parent = (struct jid){0};
    if (linked && node_attr_get_jid(linked, "jid", &parent) && parent.server == JID_GROUP &&
        parent.user[0])
        g->parent = jid_bare(parent);
}

/* ---- changes ---- */

/* The other group of a link: its address, or only its digits (P-GR-03). */
static bool read_other(const struct node *n, struct arena *a, struct jid *ret)
{
    struct jid j;

    if (!node_attr_get_jid(n, "jid", &j)) {
        struct span id = node_attr_str(n, "id", a);

        if (jid_make(id, JID_GROUP, 0, &j) != WB_OK && jid_parse(id, &j) != WB_OK)
            return false;
    }
    *ret = jid_bare(j);
    return j.server == JID_GROUP && j.user[0];
}

static enum wb_err set_kind(struct bridge *b, const struct jid *group, enum store_group_kind kind,
                            const struct jid *parent)
{
    struct store_group g;
    enum wb_err err = store_group_get_info(b->store, group, &g);

    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    g.kind = kind;
    g.parent = *parent;
    err = store_group_put_info(b->store, &g);
out:
    return err;
}

bool group_links_read(const struct node *n, struct arena *a, struct group_link *ret)
{
    struct group_link l = {.link = node_is(n, "link")};
    const char *const type = l.link ? "link_type" : "unlink_type";
    const struct node *other = node_child(n, "group");

    if (!other || !read_other(other, a, &l.other))
        return false;
    l.of_group = node_attr_is(n, type, "parent_group");
    l.of_parent = node_attr_is(n, type, "sub_group");
    l.announcement = node_child(other, "default_sub_group") != NULL;
    *ret = l;
    return true;
}

enum wb_err group_links_changed(struct bridge *b, const struct jid *group, const struct node *n,
                                struct arena *a)
{
    static const struct jid none = {0};
    struct group_link l;
    enum wb_err err = WB_OK;

    if (!group_links_read(n, a, &l))
        return WB_ERR_MALFORMED;
    if (l.of_group) {
        TRY(set_kind(b, group, STORE_GROUP_ORDINARY, l.link ? &l.other : &none));
    } else if (l.of_parent) {
        TRY(set_kind(b, group, STORE_GROUP_COMMUNITY, &none));
        TRY(set_kind(b, &l.other,
                     l.link && l.announcement ? STORE_GROUP_ANNOUNCEMENT : STORE_GROUP_ORDINARY,
                     l.link ? group : &none));
    }
out:
    return err;
}

/* ---- where to write ---- */

struct jid group_links_announcement(const struct jid *community, const struct store_group *groups,
                                    size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (groups[i].kind == STORE_GROUP_ANNOUNCEMENT && !groups[i].left &&
            jid_eq(&groups[i].parent, community))
            return groups[i].jid;
    return (struct jid){0};
}

enum wb_err group_links_advice(struct bridge *b, const struct jid *community,
                               char ret_text[static GROUP_LINKS_TEXT_MAX])
{
    struct arena a = arena_new(GROUP_ARENA_MAX);
    struct store_group *groups = NULL;
    char text[JID_TEXT_MAX];
    struct jid where;
    size_t n = 0;
    enum wb_err err;

    TRY(store_groups_list(b->store, &a, &groups, &n));
    where = group_links_announcement(community, groups, n);
    if (jid_is_none(&where)) {
        group_list_renew(b);
        snprintf(ret_text, GROUP_LINKS_TEXT_MAX,
                 "this is a community: nobody can write to it, only to its groups; see GET "
                 "/api/groups");
    } else {
        snprintf(ret_text, GROUP_LINKS_TEXT_MAX,
                 "this is a community: nobody can write to it; write to its announcement group, %s",
                 jid_text(&where, text));
    }
out:
    arena_free(&a);
    return err;
}
