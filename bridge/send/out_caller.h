/* out_caller.h - the callers that wait for the end of one send, and their answers. Private to
 * send/. */
#ifndef BRIDGE_SEND_OUT_CALLER_H
#define BRIDGE_SEND_OUT_CALLER_H

#include "bridge/send/out_queue.h"

struct out_caller {
    struct out_caller *next;
    struct out_item *item;
    uint64_t ticket;
    send_done_fn *done;
    void *ctx;
    bool keyed; /* the send has a key: at the end of the wait it stays queued */
    bool short_offline;
    int64_t until_ms; /* end of the wait (monotonic) */
    struct timer timer;
};

/* Answers and forgets all who wait for the item. */
void out_caller_answer(struct out_item *it, const struct out_outcome *o);
/* The ack does not come: callers without a key are told that the outcome is unknown. */
void out_caller_unknown(struct out_item *it);
/* Forgets all who wait for the item. */
void out_caller_free(struct out_item *it);
/* How far the send is, in the API's words: "queued" or "sealed". */
const char *out_caller_state(const struct out_item *it);

/* Gives one answer. id: SPAN_NULL when the result has none. */
void out_caller_tell(send_done_fn *done, void *ctx, const char *id, const struct jid *chat,
                     const struct out_outcome *o);
/* Answers one caller and frees it. */
void out_caller_end(struct out_caller *w, const struct out_outcome *o);
/* Takes one caller out of its item's list without an answer; the code that calls this frees it. */
void out_caller_remove(struct out_caller *w);
/* The answer for a caller while the server has not confirmed what was sent. */
struct out_outcome out_caller_unknown_outcome(void);
bool out_caller_is_sealed(const struct out_item *it);

#endif
