/* group_limits.h - how often a group may make us do something: answer requests for texts, look at
 * its members again. The notes outlive a restart, except each person's share. The caller acts. */
#ifndef BRIDGE_GROUPS_GROUP_LIMITS_H
#define BRIDGE_GROUPS_GROUP_LIMITS_H

#include "base/err.h"
#include "base/span.h"
#include "bridge/groups/limits.h"
#include "proto/jid.h"

struct bridge;
struct group_limits;

/* Makes the table that is kept in memory only: each person's share of a group's resends. NOMEM. */
enum wb_err group_limits_new(struct group_limits **ret_l) WB_MUST_CHECK;
void group_limits_free(struct group_limits *l); /* NULL-safe */

/* One resend of a message to a device of this person (any form) in this group, now: may it leave
 * (P-X2-07)? A bucket of GROUP_RESEND_BURST that gets one more every GROUP_RESEND_S, of which each
 * person has GROUP_RESEND_SHARE and one more every GROUP_RESEND_SHARE_S. *ret_may false: one of the
 * two buckets is empty; an empty group bucket is logged once until it is full again, and /health
 * counts. Store errors. */
enum wb_err group_limit_resend(struct bridge *b, const struct jid *group, const struct jid *person,
                               bool *ret_may) WB_MUST_CHECK;

/* A message showed another addressing of the group than the known one: may the group become stale
 * because of that now? Once per GROUP_REFRESH_S. Store errors. */
enum wb_err group_limit_mode(struct bridge *b, const struct jid *group,
                             bool *ret_may) WB_MUST_CHECK;

/* An ack of a message to the group has this hash of its devices, which is not ours: may the group
 * be asked for now? Not if the group was asked for because of the same hash within GROUP_REFRESH_S
 * and the answer did not explain it: the server may go on naming that hash. Store errors. */
enum wb_err group_limit_refresh(struct bridge *b, const struct jid *group, struct span hash,
                                bool *ret_may) WB_MUST_CHECK;
/* Notes that the group was asked for because of that hash. newcomers: the answer has members that
 * we did not know, who explain the hash the first time. If nothing explains it, *ret_may says
 * whether the devices of all members may be asked for now: once per GROUP_REFRESH_S for all hashes
 * together, as that is many questions for a large group. Store errors. */
enum wb_err group_limit_devices(struct bridge *b, const struct jid *group, struct span hash,
                                bool newcomers, bool *ret_may) WB_MUST_CHECK;

/* Have more than GROUP_RESEND_TRUSTING resends been taken from the bucket of group_limit_resend()?
 * Then each further resend should be readable at the first try. Store errors. */
enum wb_err group_limit_scarce(struct bridge *b, const struct jid *group,
                               bool *ret_is) WB_MUST_CHECK;

#endif
