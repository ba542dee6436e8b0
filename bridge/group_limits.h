/* group_limits.h - how often a group may make us do something: answer requests for texts, look at
 * its members again. What is noted outlives a restart. */
#ifndef BRIDGE_GROUP_LIMITS_H
#define BRIDGE_GROUP_LIMITS_H

#include "base/err.h"
#include "proto/jid.h"

struct bridge;

/* One resend of a message to a device of this group, now: may it leave (P-X2-07)? A bucket of
 * GROUP_RESEND_BURST that gets one more every GROUP_RESEND_S. *ret_may false: the bucket is empty;
 * the log says so once, until it is full again, and /health counts. Store errors. */
enum wb_err group_limit_resend(struct bridge *b, const struct jid *group,
                               bool *ret_may) WB_MUST_CHECK;

/* A message showed the group in another addressing than the known one: may that be believed now?
 * Once per GROUP_REFRESH_S. Store errors. */
enum wb_err group_limit_mode(struct bridge *b, const struct jid *group,
                             bool *ret_may) WB_MUST_CHECK;

#endif
