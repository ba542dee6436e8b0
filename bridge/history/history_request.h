/* history_request.h - messages that nobody delivers any more are asked for from our phone, page by
 * page (P-HI-13): after a restore, or after a message was lost whose key is used up.
 *
 * The phone counts backwards from a message that we name, so a chat's gap is asked for as soon as a
 * message behind it is known: at once, or when the next one arrives. What comes is stored where
 * nothing is; a row that is there is never changed. The state is in store/messages/history_gaps.h
 * and outlives restarts: who finds a gap writes it there (store_history_gap_open()) and tells of it
 * (BRIDGE_EV_GAP); after a restore there is nothing to be told (store_history_gap_all()). */
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
 * first. Errors of class PEER: it is of no use. What nobody asked for is ignored. */
enum wb_err history_request_answer(struct bridge *b,
                                   const struct history_notification *n) WB_MUST_CHECK;

/* For /health: what may be missing now. */
enum wb_err history_request_sum(struct bridge *b, struct store_history_gaps *ret) WB_MUST_CHECK;

#endif
