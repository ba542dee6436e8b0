/* sealed.h - for which devices each message of ours was sealed. Only these people may confirm it,
 * and only these devices may ask for it again without further questions. Kept as long as the
 * plaintexts of sent messages (store/session/retry.h).
 *
 * Messages of one chat mostly go to the same devices: the list of them is stored once
 * (bridge_sealed_lists, found by its hash), a message has only a reference (bridge_sealed). A group
 * of 1,000 members costs some 25 kB whenever its devices change, and 100 bytes per message. */
#ifndef STORE_OUTBOX_SEALED_H
#define STORE_OUTBOX_SEALED_H

#include "proto/jid.h"
#include "store/core/store.h"

/* What the list of a message says of one device. */
struct store_sealed_match {
    bool person;   /* it was sealed for a device of this person */
    bool device;   /* for this very device */
    struct jid as; /* the person as the list calls them first; JID_NONE unless person */
};

/* devices: those of each person stand together (device_sync.h); hosted forms count as plain ones.
 * In the batch that seals the message. INVALID: no id; TOO_LARGE: over STORE_SEALED_LIST_MAX. */
enum wb_err store_sealed_put(struct store *s, struct span id, const struct jid *devices, size_t n,
                             int64_t now) WB_MUST_CHECK;
/* The message went to these devices, too. NOT_FOUND: nothing is noted of it. Else as above. */
enum wb_err store_sealed_add(struct store *s, struct span id, const struct jid *devices, size_t n,
                             int64_t now) WB_MUST_CHECK;
/* The person is looked for under both of their forms. NOT_FOUND: nothing is noted of this message
 * (it was sent by an older bridge, or another program, or too long ago). */
enum wb_err store_sealed_find(struct store *s, struct span id, const struct jid *device,
                              struct store_sealed_match *ret) WB_MUST_CHECK;
/* The list of one message, for a caller that asks about many devices: a large group has 15,000, and
 * store_sealed_find() goes through the whole list for each. */
struct store_sealed_list;
/* NOT_FOUND: as above. The caller frees it, before the store. */
enum wb_err store_sealed_load(struct store *s, struct span id,
                              struct store_sealed_list **ret) WB_MUST_CHECK;
/* Was it sealed for a device of this person, and for this very one? Under both forms. */
enum wb_err store_sealed_has(struct store_sealed_list *list, const struct jid *device,
                             bool *ret_person, bool *ret_device) WB_MUST_CHECK;
void store_sealed_free(struct store_sealed_list *list); /* NULL-safe */
/* Forgets messages that were sealed more than keep_s ago and lists that none of the others needs,
 * STORE_PRUNE_ROWS of each at most; *ret_more: there may be more. A message that was sealed in the
 * future was noted by a wrong clock, and counts from now. */
enum wb_err store_sealed_prune(struct store *s, int64_t now, int64_t keep_s,
                               bool *ret_more) WB_MUST_CHECK;

#endif
