/* group_limits.h - what was done for a group lately and must not be done too often: also a restart
 * does not forget it. */
#ifndef STORE_SESSION_GROUP_LIMITS_H
#define STORE_SESSION_GROUP_LIMITS_H

#include "proto/jid.h"
#include "store/core/store.h"

enum { STORE_GROUP_HASH_MAX = 31 }; /* characters of a participant hash that are kept */

/* All times are unix seconds of the server; 0: never. */
struct store_group_limits {
    int64_t resend_due;    /* until then the resends of the group have used up their rate */
    uint32_t resends_held; /* requests that were not answered since the bucket was last full */
    int64_t refreshed_at;  /* the group was asked for after a hash that differed, ... */
    char refreshed_for[STORE_GROUP_HASH_MAX + 1]; /* ... and this was the server's hash */
    int64_t devices_at; /* all device lists of its members were asked for because of one */
    int64_t mode_at;    /* a message showed another addressing than ours */
};

/* All zeros for a group of which nothing is noted. */
enum wb_err store_group_limits_get(struct store *s, const struct jid *group,
                                   struct store_group_limits *ret) WB_MUST_CHECK;
enum wb_err store_group_limits_put(struct store *s, const struct jid *group,
                                   const struct store_group_limits *l) WB_MUST_CHECK;

#endif
