/* group_info.h - the room groups/: the groups that we are in, listed at login, kept right by
 * notifications, asked for one by one when in doubt (P-GR-02..06). It knows nothing of sessions and
 * messages. */
#ifndef BRIDGE_GROUPS_GROUP_INFO_H
#define BRIDGE_GROUPS_GROUP_INFO_H

#include "proto/node.h"
#include "store/session/groups.h"

struct bridge;
struct group_info;

enum group_info_how {
    GROUP_INFO_CACHED, /* the stored group is enough, unless it is stale */
    GROUP_INFO_FRESH,  /* ask the server */
};

/* group: with members, until the callback returns; NULL unless err is WB_OK. group->left is set
 * when we are not in the group any more. err: NOT_FOUND (404: no such group), REFUSED (401, 403: we
 * are not in it; code says it), STATE (not connected and nothing cached), NET, TIMEOUT, PROTOCOL,
 * store errors. */
struct group_info_result {
    enum wb_err err;
    const struct store_group *group;
    uint32_t code; /* the server's, 0: none */
};
typedef void group_info_fn(struct bridge *b, uint64_t key, const struct group_info_result *r);

/* For one group at a time; the list of all groups is asked for by group_list.h. NOMEM. */
enum wb_err group_info_new(struct bridge *b, struct group_info **ret_g) WB_MUST_CHECK;
void group_info_free(struct group_info *g); /* NULL-safe; waiting callers are not told */

/* fn is called exactly once when this returned WB_OK, never from within. INVALID: no group; NOMEM.
 */
enum wb_err group_info_get(struct bridge *b, const struct jid *group, enum group_info_how how,
                           group_info_fn *fn, uint64_t key) WB_MUST_CHECK;

/* What we know of this group may be wrong (P-SD-23: an ack has another hash of its devices): the
 * next group_info_get() asks. The known name stays. */
enum wb_err group_info_stale(struct bridge *b, const struct jid *group) WB_MUST_CHECK;

/* n: a stanza of this group, made at t (unix seconds of the server). If its addressing_mode differs
 * from the known one, and the group was not asked for since t, the group becomes stale as above.
 * Not more than once per GROUP_REFRESH_S: in announcement groups of communities some messages have
 * an addressing of their own (P-SD-38). Store errors. */
enum wb_err group_info_shown(struct bridge *b, const struct jid *group, const struct node *n,
                             int64_t t) WB_MUST_CHECK;

/* Takes over a <group> of the server, with everything learned from it, in the open batch. Errors of
 * group_parse() and of the store. ret_jid may be NULL. */
enum wb_err group_info_store(struct bridge *b, const struct node *group, struct arena *a,
                             struct jid *ret_jid) WB_MUST_CHECK;

/* We are not in the group any more: sending there stops, and /health says so of a monitored group.
 * why: a few words for the log. Does nothing for an unknown group. */
enum wb_err group_info_left(struct bridge *b, const struct jid *group,
                            const char *why) WB_MUST_CHECK;

/* Is this member us, under either identity? */
bool group_info_is_self(const struct bridge *b, const struct store_group_member *m);
/* Are we among the members / one of the admins, under either identity? */
bool group_info_has_self(const struct bridge *b, const struct store_group *g, bool *ret_admin);

#endif
