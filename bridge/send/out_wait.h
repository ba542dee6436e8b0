/* out_wait.h - how long callers wait, and what becomes of a send whose caller has stopped waiting.
 * Private to send/. */
#ifndef BRIDGE_SEND_OUT_WAIT_H
#define BRIDGE_SEND_OUT_WAIT_H

#include "bridge/send/out_queue.h"

/* Makes a caller wait for the item. done is called once: at the end of the send, or of the wait
 * that the request r allows. NOMEM. */
enum wb_err out_wait_add(struct out_item *it, bool keyed, const struct send_request *r,
                         send_done_fn *done, void *ctx, uint64_t ticket) WB_MUST_CHECK;
/* The connection is gone: callers that did not say how long to wait, and whose message cannot stay
 * queued, are told soon. */
void out_wait_offline(struct bridge *b);
/* The caller has gone away. A send without a key that is not sealed is cancelled. */
void out_wait_abandon(struct bridge *b, uint64_t ticket);
/* The program ends: callers get up to `ms` longer while there is a connection, then the answer of a
 * wait that is over. done is called once, not from within this. */
void out_wait_finish(struct bridge *b, int64_t ms, void (*done)(struct bridge *b));

#endif
