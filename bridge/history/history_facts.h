/* history_facts.h - facts about people in one part of the offered history: read on a worker,
 * carried to the loop and stored there (P-HI-06, P-HI-11, P-X2-03: names, pairs, tokens, salt). */
#ifndef BRIDGE_HISTORY_HISTORY_FACTS_H
#define BRIDGE_HISTORY_HISTORY_FACTS_H

#include "base/buf.h"
#include "base/err.h"

struct bridge;

/* Runs on a worker, as a history_work_fn: reads the facts of a packed part into out. Errors of the
 * stream and of the protobuf. When out is full the rest is left out, and the first byte of out says
 * so. */
enum wb_err history_facts_read(struct span packed, struct buf *out) WB_MUST_CHECK;

/* How many of the facts are stored. Zero-initialised: not begun. */
struct history_facts_at {
    bool second;   /* addresses are learned in a first round, so that all else finds its person */
    size_t offset; /* in the buffer */
    size_t pairs, tokens, names;
};

/* Stores a slice of the facts in the open batch: HISTORY_SLICE_FACTS at most, within
 * HISTORY_SLICE_MS. *ret_more: more facts are left. Useless facts are passed over; errors of the
 * store. Facts may be stored twice without harm. */
enum wb_err history_facts_apply(struct bridge *b, struct span facts, struct history_facts_at *at,
                                bool *ret_more) WB_MUST_CHECK;
/* Were facts left out because the buffer was full? */
bool history_facts_cut(struct span facts);

#endif
