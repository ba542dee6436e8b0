/* prekey_parts.h - one question about prekeys, in parts: what one request each asks about. The
 * server refuses a whole request because of one device that it does not know (P-X2-12), so a part
 * may become two. Inside of prekey_fetch.c. */
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
                             size_t n) WB_MUST_CHECK; /* in front; nothing when n is 0. NOMEM */
void prekey_part_drop(struct prekey_part **list);     /* the first */
void prekey_part_free_all(struct prekey_part **list);
/* The halves of the first one, of two devices at least, in its place: before all others, so that
 * each request brings sessions or finds out who is gone, and few halves wait at a time. NOMEM: it
 * is gone. */
enum wb_err prekey_part_split(struct prekey_part **list) WB_MUST_CHECK;

/* Moves list, of a question that has ended early, behind what is in kept: PREKEY_KEPT_PARTS at
 * most, the oldest go. */
void prekey_parts_keep(struct prekey_part **kept, struct prekey_part **list);
/* The parts of a question about n sorted devices. Those that were together in a kept part are so
 * again, before the others: the halving goes on where it was. Each stale one is alone, behind all
 * others. *ret_halved: there was such a kept part. NOMEM. */
enum wb_err prekey_parts_make(struct prekey_part **kept, const struct prekey_stale *stale,
                              int64_t now_ms, const struct jid *devices, size_t n,
                              struct prekey_part **ret_list, bool *ret_halved) WB_MUST_CHECK;

#endif
