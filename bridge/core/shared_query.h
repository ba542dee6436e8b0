/* shared_query.h - many askers, one question: an asker waits for questions about its JIDs that are
 * on their way already, and a question about the other JIDs goes out in chunks (P-US-09: large
 * lists are split). Used by device_sync, lid_lookup, prekey_fetch and group_info, each with its own
 * question. */
#ifndef BRIDGE_CORE_SHARED_QUERY_H
#define BRIDGE_CORE_SHARED_QUERY_H

#include "bridge/platform/timers.h"
#include "proto/jid.h"

struct bridge;
struct shared_question; /* a question on its way, with its JIDs, sorted */
struct shared_wait;     /* an asker, with the questions that it waits for */

struct shared_query_ops {
    size_t chunk_max; /* JIDs of one question */
    /* Sends the question; its end is told by shared_query_end(id). An error: nothing was sent. */
    enum wb_err (*ask)(struct bridge *b, const struct jid *jids, size_t n, uint64_t id);
    /* All answers are there. err: WB_OK or the first failure. Takes over payload. */
    void (*done)(struct bridge *b, void *payload, enum wb_err err);
    /* The bridge is being freed: only free the payload. */
    void (*drop)(void *payload);
};

struct shared_query {
    struct bridge *b;
    const struct shared_query_ops *ops;
    struct shared_question *questions;
    struct shared_wait *waits;
    struct timer timer; /* for waits that are complete at once: done is never called from within
                           shared_query_add() */
    uint64_t last_id;
};

void shared_query_init(struct shared_query *q, struct bridge *b,
                       const struct shared_query_ops *ops);
void shared_query_free(struct shared_query *q);
/* Allocates and initialises one that is no member of another struct. NOMEM. */
enum wb_err shared_query_new(struct bridge *b, const struct shared_query_ops *ops,
                             struct shared_query **ret_q) WB_MUST_CHECK;
void shared_query_delete(struct shared_query *q); /* NULL-safe; waiting callers are not told */

/* done(payload) comes exactly once, never from within this call, when everything about jids (n may
 * be 0) was answered. jids is sorted in place and changed; doubles are fine. The payload is taken
 * over only on WB_OK. NOMEM. */
enum wb_err shared_query_add(struct shared_query *q, struct jid *jids, size_t n,
                             void *payload) WB_MUST_CHECK;

/* The JIDs of a question on its way (sorted, without doubles), to judge an answer by. NULL when
 * there is no such question (any more). */
const struct jid *shared_query_jids(const struct shared_query *q, uint64_t id, size_t *ret_n);
/* The question is answered or has failed, and its answer is stored: waits that need no other answer
 * are told. */
void shared_query_end(struct shared_query *q, uint64_t id, enum wb_err err);

/* jid_cmp() for qsort and bsearch. */
int shared_query_cmp(const void *a, const void *b);

#endif
