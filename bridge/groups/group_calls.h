/* group_calls.h - the groups that we are in, as api/ sees them. */
#ifndef BRIDGE_GROUPS_GROUP_CALLS_H
#define BRIDGE_GROUPS_GROUP_CALLS_H

#include "base/arena.h"
#include "proto/jid.h"

struct bridge;

struct group_summary {
    struct jid jid;
    const char *kind;        /* "group", "community" (nobody can write to it) or "announcement" */
    struct jid community;    /* the community that it belongs to; JID_NONE: none */
    struct jid announcement; /* of a community: the group to write to; JID_NONE: not known */
    struct span name;        /* in the caller's arena */
    size_t members;
    bool lid_addressing, announce_only, we_are_admin, monitored;
};
/* The groups known now (the list is filled at login), in the arena. NOMEM. */
enum wb_err bridge_groups(struct bridge *b, struct arena *a, struct group_summary **ret_groups,
                          size_t *ret_n) WB_MUST_CHECK;

#endif
