/* community.h - communities: a parent that takes messages and shows them to nobody, its
 * announcement group, and groups that are linked to it (P-X2-20, P-GR-13). */
#ifndef MOCK_COMMUNITY_H
#define MOCK_COMMUNITY_H

#include "tools/mock/mock.h"

/* The parts of a <group> that tell what it is: parent, default_sub_group, linked_parent. */
void community_node(struct mock *m, struct node *group, const struct group *g);
/* Is this the parent? Then the message ends here, accepted; flags `sent-to-community`. */
bool community_swallows(struct mock *m, const char *label, const struct group *g,
                        const struct node *n);
/* A group comes into the community, or leaves it (parent NULL); the members of both are told. */
void community_link(struct mock *m, struct group *g, struct group *parent);

#endif
