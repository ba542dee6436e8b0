/* batch.h - what arrived together commits together: messages.db first, then whatsapp.db, and only
 * then do acks and receipts leave (design rules 1 and 3). Writes of store/ open the batch by
 * themselves (store/core/batch.h). */
#ifndef BRIDGE_CORE_BATCH_H
#define BRIDGE_CORE_BATCH_H

#include <stdbool.h>

#include "base/err.h"

struct bridge;

/* Commits what is open (nothing open: OK) and lets the waiting acks and receipts leave. Who writes
 * to whatsapp.db outside a handler (a send, a retry) calls it first, then commits its own
 * transaction. On failure: the batch is rolled back, waiting stanzas are dropped, decoded caches
 * are dropped (BRIDGE_EV_BATCH_FAILED), the connection is closed, /health says store_error. */
enum wb_err batch_commit(struct bridge *b) WB_MUST_CHECK;
/* Rolls back and drops, with the same consequences as a failed commit: for a handler that found the
 * store failing. */
void batch_fail(struct bridge *b, enum wb_err why);
/* Remembers and logs why nothing can be stored; /health tells it until a commit works again. */
void batch_note_trouble(struct bridge *b, enum wb_err why);
/* Nothing failed, or a write works again: then that is committed, and said. Tried by itself every
 * STORE_PROBE_MS. */
bool batch_probe(struct bridge *b);
/* A lock of another program is waited for as long as it fits: not at all while writing fails (each
 * try would stop everybody for seconds), hardly when the end is near. */
void batch_set_wait(struct bridge *b);
bool batch_is_open(const struct bridge *b);

#endif
