/* prekey_parts.h - splits one question about prekeys into parts, one for each request. The server
 * refuses a whole request because of one device that it does not know (P-X2-12), so a part may
 * become two. Private to sessions/. */
#ifndef BRIDGE_SESSIONS_PREKEY_PARTS_H
#define BRIDGE_SESSIONS_PREKEY_PARTS_H

#include "base/err.h"
#include "bridge/sessions/prekey_stale.h"

struct prekey_part {
    struct prekey_part *next;
    size_t n;
    struct jid devices[]; /* sorted */
};

/* Lists, NULL when empty. */
enum wb_err prekey_part_push(struct prekey_part **list, const struct jid *devices,
                             size_t n) WB_MUST_CHECK; /* adds in front; nothing when n is 0.
                                                       * NOMEM */
void prekey_part_drop(struct prekey_part **list);     /* removes the first */
void prekey_part_free_all(struct prekey_part **list);
/* Replaces the first part, of two devices at least, by its two halves. They stay in front, so that
 * each request brings sessions or finds out which device is gone, and few halves wait at a time.
 * NOMEM: the part is lost. */
enum wb_err prekey_part_split(struct prekey_part **list) WB_MUST_CHECK;

/* Moves the list of a question that has ended early to the end of kept, which holds
 * PREKEY_KEPT_PARTS at most; the oldest are dropped. */
void prekey_parts_keep(struct prekey_part **kept, struct prekey_part **list);
/* Makes the parts of a question about n sorted devices. Devices that were together in a kept part
 * form a part again, before the others: the halving goes on where it was. Each stale device is a
 * part of its own, behind all others. *ret_halved: there was such a kept part. NOMEM. */
enum wb_err prekey_parts_make(struct prekey_part **kept, const struct prekey_stale *stale,
                              int64_t now_ms, const struct jid *devices, size_t n,
                              struct prekey_part **ret_list, bool *ret_halved) WB_MUST_CHECK;

#endif
