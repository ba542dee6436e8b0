/* group_info.h - the groups that we are in: listed at login, kept right by notifications, asked for
 * one by one when in doubt (P-GR-02..06). */
#ifndef BRIDGE_GROUP_INFO_H
#define BRIDGE_GROUP_INFO_H

#include "proto/node.h"
#include "store/groups.h"

struct bridge;
struct group_info;

enum group_info_how {
    GROUP_INFO_CACHED, /* what the store has will do, unless it is stale */
    GROUP_INFO_FRESH,  /* ask the server */
};

/* group: with members, until the callback returns; NULL unless err is WB_OK. `left` is set when we
 * are not in it any more.
 * err: NOT_FOUND (404: no such group), REFUSED (401, 403: we are not in it; code says it), STATE
 * (not connected and nothing cached), NET, TIMEOUT, PROTOCOL, store errors. */
struct group_info_result {
    enum wb_err err;
    const struct store_group *group;
    uint32_t code; /* the server's, 0: none */
};
typedef void group_info_fn(struct bridge *b, uint64_t key, const struct group_info_result *r);

/* Registers the `groups` command and listens to the connection's events. */
enum wb_err group_info_new(struct bridge *b, struct group_info **ret_g) WB_MUST_CHECK;
void group_info_free(struct group_info *g); /* NULL-safe; waiting callers are not told */

/* fn is called exactly once when this returned WB_OK, never from within. INVALID: no group; NOMEM.
 */
enum wb_err group_info_get(struct bridge *b, const struct jid *group, enum group_info_how how,
                           group_info_fn *fn, uint64_t key) WB_MUST_CHECK;

/* What is known of this group may be wrong: the next group_info_get() asks (phash mismatch,
 * P-SD-23). Its name stays. */
enum wb_err group_info_stale(struct bridge *b, const struct jid *group) WB_MUST_CHECK;

/* Asks for the list of all groups now (nothing when that is under way). */
void group_info_list(struct bridge *b);
/* <ib><dirty type=groups timestamp=>: the list is asked for, then the server is told that it is
 * clean (P-LG-20). Other types: nothing. */
void group_info_dirty(struct bridge *b, const struct node *dirty, struct arena *a);

/* Takes over a <group> of the server, with everything learned from it, in the open batch. */
enum wb_err group_info_store(struct bridge *b, const struct node *group,
                             struct arena *a) WB_MUST_CHECK;

/* Are we among the members / one of the admins, under either identity? */
bool group_info_has_self(const struct bridge *b, const struct store_group *g, bool *ret_admin);

#endif
