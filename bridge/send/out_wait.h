/* out_wait.h - callers that wait for what becomes of a send. */
#ifndef BRIDGE_SEND_OUT_WAIT_H
#define BRIDGE_SEND_OUT_WAIT_H

#include "bridge/send/out_queue.h"

struct out_wait {
    struct out_wait *next;
    struct out_item *item;
    uint64_t ticket;
    send_done_fn *done;
    void *ctx;
    bool keyed; /* the send has a key: at the end of the wait it stays queued */
    bool short_offline;
    int64_t until_ms; /* end of the wait (monotonic) */
    struct timer timer;
};

/* done is called once: at the end of the send or of the wait, which is as long as r says, r being
 * what the caller asked for. NOMEM. */
enum wb_err out_wait_add(struct out_item *it, bool keyed, const struct send_request *r,
                         send_done_fn *done, void *ctx, uint64_t ticket) WB_MUST_CHECK;
/* The connection is gone: who did not say how long to wait, and cannot have a message queued, is
 * told soon. */
void out_wait_offline(struct bridge *b);
/* Answers and forgets all who wait for the item. */
void out_wait_answer(struct out_item *it, const struct out_outcome *o);
/* The ack does not come: those without a key are told that the outcome is unknown. */
void out_wait_unknown(struct out_item *it);
/* The caller has gone away. A send without a key that is not sealed is cancelled. */
void out_wait_abandon(struct bridge *b, uint64_t ticket);
void out_wait_free(struct out_item *it);
/* How far it is, in the API's words: "queued" or "sealed". */
const char *out_wait_state(const struct out_item *it);

/* One answer. id: SPAN_NULL when the result has none. */
void out_wait_tell(send_done_fn *done, void *ctx, const char *id, const struct jid *chat,
                   const struct out_outcome *o);

#endif
