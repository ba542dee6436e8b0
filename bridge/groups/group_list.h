/* group_list.h - asks for the list of all our groups, at login and when the server says that it has
 * changed (P-GR-02, P-LG-20). */
#ifndef BRIDGE_GROUPS_GROUP_LIST_H
#define BRIDGE_GROUPS_GROUP_LIST_H

#include "proto/node.h"

struct bridge;
struct group_list;

/* Listens to the connection's events: the list is asked for when online and it was never read, or
 * after the offline queue when it is older than GROUP_LIST_AGE_S. */
enum wb_err group_list_new(struct bridge *b, struct group_list **ret_l) WB_MUST_CHECK;
void group_list_free(struct group_list *l); /* NULL-safe */

/* Asks now, unless we are not online or a question is under way. A failure is tried again after
 * GROUP_LIST_RETRY_MS, which grows up to GROUP_LIST_RETRY_MAX_MS, and from then until a restart
 * without members: one stanza may be too small for the members of all groups (NODE_MEMORY_MAX). */
void group_list_ask(struct bridge *b);
/* The same, but not when the list is younger than GROUP_LIST_AGE_S, nor before a planned retry: for
 * callers that may come as often as they like, while the answer may be megabytes. */
void group_list_renew(struct bridge *b);
/* <ib><dirty type= timestamp=>: for groups the list is asked for after the offline queue, then the
 * server is told that we are up to date. Other types: nothing. */
void group_list_dirty(struct bridge *b, const struct node *dirty);

#endif
