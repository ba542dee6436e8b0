/* history_offered.h - the history that our phone offers when this device is linked, and at later
 * logins (P-HI-01..06, P-HI-11, P-X2-03). Only the privacy tokens of all chats, the NCT salt,
 * LID/PN pairs, names, and our own name are read: without the tokens WhatsApp refuses (463)
 * messages of a restricted account in old chats, too. Messages are not stored.
 *
 * A part is noted in whatsapp.db (store/messages/history_files.h) before the phone hears that we
 * have it. Parts are fetched and read on a worker, one after the other, and their facts are stored
 * in slices, so that the loop does nothing for long. Parts come in any order. A failed part is
 * tried again, later each time, and at each login; the phone is asked for a file that no host has
 * (P-HI-12). */
#ifndef BRIDGE_HISTORY_HISTORY_OFFERED_H
#define BRIDGE_HISTORY_HISTORY_OFFERED_H

#include "bridge/core/own_message.h"
#include "proto/peer_wire.h"

struct bridge;
struct history_offered;

enum wb_err history_offered_new(struct bridge *b, struct history_offered **ret) WB_MUST_CHECK;
void history_offered_free(struct history_offered *h); /* NULL-safe */

/* Takes a notification of any kind but ON_DEMAND, in the open batch; payload: its encoded bytes. A
 * useless one is logged and passed over. *ret_taken false: too many parts wait; the phone must not
 * get a receipt for this one, so that it offers the part again. Errors of the store. */
enum wb_err history_offered(struct bridge *b, struct span message_id,
                            const struct history_notification *n, struct span payload,
                            bool *ret_taken) WB_MUST_CHECK;

/* Notices of history from our phone (in_history.c): a row of own_messages.c. */
extern const struct own_message_row own_message_history;

#endif
