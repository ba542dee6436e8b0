/* community.h - communities: a parent that takes messages and shows them to nobody, its
 * announcement group, and groups that are linked to it (P-X2-20, P-GR-13). */
#ifndef MOCK_SERVICE_COMMUNITY_H
#define MOCK_SERVICE_COMMUNITY_H

#include "tools/mock/core/mock.h"

/* Adds the parts of a <group> that say what it is: parent, default_sub_group, linked_parent. */
void community_node(struct mock *m, struct node *group, const struct group *g);
/* Moves a group into the community, or out of it (parent NULL); the members of both are told. */
void community_link(struct mock *m, struct group *g, struct group *parent);

/* What clients ask (community_iq.c). */

/* Makes a community with its announcement group and perhaps a general chat; their members are told.
 * NULL: no memory. */
struct group *community_create(struct mock *m, const char *subject, struct mock_account *creator,
                               struct mock_account **members, size_t n, bool general_chat);
enum { COMMUNITY_OTHER = -2 }; /* not about communities */
/* Handles a w:g2 request about group g. Returns 0, the error code, or COMMUNITY_OTHER. */
int community_set(struct client *c, const struct node *k, struct node *result, struct group *g);
int community_get(struct client *c, const struct node *iq, struct node *result, struct group *g);
/* The JSON that answers the query of that id (w:mex), in the arena; SPAN_NULL for other queries,
 * and for communities that this client is not in. */
struct span community_answer(struct client *c, const char *query_id, struct span text);

#endif
