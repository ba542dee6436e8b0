/* group_links.h - communities: a parent that nobody can write to, its announcement group, the
 * groups linked to it (P-X2-20). */
#ifndef BRIDGE_GROUPS_GROUP_LINKS_H
#define BRIDGE_GROUPS_GROUP_LINKS_H

#include "base/arena.h"
#include "base/text.h"
#include "proto/node.h"
#include "store/session/groups.h"

struct bridge;

enum { GROUP_LINKS_TEXT_MAX = 240 };

/* Reads from a <group> how it belongs to a community: sets g->kind and g->parent. */
void group_links_parse(const struct node *group, struct store_group *g);

/* The meaning of a <link> or <unlink>. */
struct group_link {
    bool link;      /* the link begins; false: it ends */
    bool of_group;  /* the notification's group came into, or left, the community `other` */
    bool of_parent; /* the notification's group is a community, which `other` came into or left;
                     * neither flag: no meaning for us */
    struct jid other;
    bool announcement; /* other is the community's announcement group */
};
/* Reads a <link> or <unlink>; false: it names no other group. */
bool group_links_read(const struct node *n, struct arena *a, struct group_link *ret);

/* n: <link link_type=> or <unlink unlink_type=> of a notification of this group, which links it to
 * another group of a community or ends that. Does nothing for an unknown group: the server tells
 * all of it when we come into it. MALFORMED; store errors. */
enum wb_err group_links_changed(struct bridge *b, const struct jid *group, const struct node *n,
                                struct arena *a) WB_MUST_CHECK;

/* A community's announcement group, which everybody reads and admins write to. JID_NONE when it is
 * not known (yet). groups: all known groups (store_groups_list). */
struct jid group_links_announcement(const struct jid *community, const struct store_group *groups,
                                    size_t n);

/* A text for the caller who wants to write to a community: that it cannot be written to, and which
 * group can. If that group is not known, the list of groups is asked for. Store errors. */
enum wb_err group_links_advice(struct bridge *b, const struct jid *community,
                               char ret_text[static GROUP_LINKS_TEXT_MAX]) WB_MUST_CHECK;

#endif
