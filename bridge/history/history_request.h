/* history_request.h - asks our phone, page by page (P-HI-13), for messages that nobody delivers any
 * more: after a restore, or after a message was lost whose key is used up. The room history/ knows
 * nothing of how messages are sent.
 *
 * The phone counts backwards from a message that we name, so a chat's gap is asked for as soon as a
 * message behind it is known: at once, or when the next one arrives. A message that comes is stored
 * only where there is none; existing rows are never changed. The state is in
 * store/messages/history_gaps.h and outlives restarts: the code that finds a gap notes it there
 * (store_history_gap_open()) and emits BRIDGE_EV_GAP; after a restore no event is needed
 * (store_history_gap_all()). */
#ifndef BRIDGE_HISTORY_HISTORY_REQUEST_H
#define BRIDGE_HISTORY_HISTORY_REQUEST_H

#include "proto/jid.h"
#include "proto/peer_wire.h"
#include "store/messages/history_gaps.h"

struct bridge;
struct history_request;

enum wb_err history_request_new(struct bridge *b, struct history_request **ret) WB_MUST_CHECK;
void history_request_free(struct history_request *h); /* NULL-safe */

/* A notification of the kind ON_DEMAND: its messages are stored in the open batch, or fetched
 * first. Errors of class PEER: the notification is of no use. Messages that nobody asked for are
 * ignored. */
enum wb_err history_request_answer(struct bridge *b,
                                   const struct history_notification *n) WB_MUST_CHECK;

/* For /health: sums up the gaps in which messages may be missing now. */
enum wb_err history_request_sum(struct bridge *b, struct store_history_gaps *ret) WB_MUST_CHECK;

#endif
