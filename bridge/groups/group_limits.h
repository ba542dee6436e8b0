/* group_limits.h - how often a group may make us do something: answer requests for texts, look at
 * its members again. What is noted outlives a restart, but for what one person has. */
#ifndef BRIDGE_GROUPS_GROUP_LIMITS_H
#define BRIDGE_GROUPS_GROUP_LIMITS_H

#include "base/err.h"
#include "base/span.h"
#include "bridge/groups/limits.h"
#include "proto/jid.h"

struct bridge;
struct group_limits;

/* What is kept in memory only: each person's share of a group's resends. */
enum wb_err group_limits_new(struct group_limits **ret_l) WB_MUST_CHECK;
void group_limits_free(struct group_limits *l); /* NULL-safe */

/* One resend of a message to a device of this person (any form) in this group, now: may it leave
 * (P-X2-07)? A bucket of GROUP_RESEND_BURST that gets one more every GROUP_RESEND_S, of which each
 * person has GROUP_RESEND_SHARE and one more every GROUP_RESEND_SHARE_S. *ret_may false: one of the
 * two is empty; for the group's the log says so once, until it is full again, and /health counts.
 * Store errors. */
enum wb_err group_limit_resend(struct bridge *b, const struct jid *group, const struct jid *person,
                               bool *ret_may) WB_MUST_CHECK;

/* A message showed the group in another addressing than the known one: may that be believed now?
 * Once per GROUP_REFRESH_S. Store errors. */
enum wb_err group_limit_mode(struct bridge *b, const struct jid *group,
                             bool *ret_may) WB_MUST_CHECK;

/* An ack of a message to the group named this hash of its devices, which is not ours: may the group
 * be asked for now? Not when it was asked for because of the same hash within GROUP_REFRESH_S,
 * without explaining it: the server may go on naming it. Store errors. */
enum wb_err group_limit_refresh(struct bridge *b, const struct jid *group, struct span hash,
                                bool *ret_may) WB_MUST_CHECK;
/* The group was asked for because of that hash, which is noted. newcomers: it has people that we
 * did not know of, who explain it, the first time. Else *ret_may: the devices of all of them may be
 * asked for now; once per GROUP_REFRESH_S, whatever hash it is: for a large group that is many
 * questions. Store errors. */
enum wb_err group_limit_devices(struct bridge *b, const struct jid *group, struct span hash,
                                bool newcomers, bool *ret_may) WB_MUST_CHECK;

/* Were more than GROUP_RESEND_TRUSTING messages of the bucket of group_limit_resend() sent again?
 * Then each further one should be readable at the first try. Store errors. */
enum wb_err group_limit_scarce(struct bridge *b, const struct jid *group,
                               bool *ret_is) WB_MUST_CHECK;

#endif
