/* history_facts.h - what one part of the offered history says about people, taken out on a worker
 * and carried to the loop, where it is stored (P-HI-06, P-HI-11, P-X2-03). */
#ifndef BRIDGE_HISTORY_HISTORY_FACTS_H
#define BRIDGE_HISTORY_HISTORY_FACTS_H

#include "base/buf.h"
#include "base/err.h"

struct bridge;

/* On a worker, as history_work_fn. Errors of the stream and of the protobuf; when out is full the
 * rest is left out, which the first byte of out tells. */
enum wb_err history_facts_read(struct span packed, struct buf *out) WB_MUST_CHECK;

/* How far they are stored. Zero-initialised: not begun. */
struct history_facts_at {
    bool second;   /* addresses are learned in a first round, so that all else finds its person */
    size_t offset; /* in the buffer */
    size_t pairs, tokens, names;
};

/* Stores a slice of them in the open batch: HISTORY_SLICE_FACTS, or what HISTORY_SLICE_MS allow.
 * *ret_more: there is more. A fact of no use is passed over; errors of the store. Storing them
 * twice is the same as once. */
enum wb_err history_facts_apply(struct bridge *b, struct span facts, struct history_facts_at *at,
                                bool *ret_more) WB_MUST_CHECK;
/* Were some left out? */
bool history_facts_cut(struct span facts);

#endif
