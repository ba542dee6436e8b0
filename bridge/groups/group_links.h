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

/* What a <group> says of it: g->kind and g->parent. */
void group_links_parse(const struct node *group, struct store_group *g);

/* What a <link> or <unlink> says. */
struct group_link {
    bool link;      /* it begins; false: it ends */
    bool of_group;  /* the group that the notification is of came into, or left, the community
                       `other` */
    bool of_parent; /* ... is a community, and `other` came into it or left it; neither: nothing of
                       ours */
    struct jid other;
    bool announcement; /* other is the community's announcement group */
};
/* False: it names no other group. */
bool group_links_read(const struct node *n, struct arena *a, struct group_link *ret);

/* <link link_type=> and <unlink unlink_type=> of a notification of this group: with which other one
 * it is, or is not any more, in a community. An unknown group: nothing; it is told whole when we
 * come into it. MALFORMED; store errors. */
enum wb_err group_links_changed(struct bridge *b, const struct jid *group, const struct node *n,
                                struct arena *a) WB_MUST_CHECK;

/* Of a community: the group in it that everybody reads and its admins write to. JID_NONE when it is
 * not known (yet). groups: all that are known (store_groups_list). */
struct jid group_links_announcement(const struct jid *community, const struct store_group *groups,
                                    size_t n);

/* For the caller who wants to write to a community: that it cannot be written to, and what can.
 * When that is not known, the list of groups is asked for. Store errors. */
enum wb_err group_links_advice(struct bridge *b, const struct jid *community,
                               char ret_text[static GROUP_LINKS_TEXT_MAX]) WB_MUST_CHECK;

#endif
