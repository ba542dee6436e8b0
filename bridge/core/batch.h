/* batch.h - what arrived together commits together: messages.db first, then whatsapp.db, and only
 * then do acks and receipts leave (design rules 1 and 3: nothing is acknowledged before it is
 * durable; one commit per batch). Writes of store/ open the batch by themselves
 * (store/core/batch.h). */
#ifndef BRIDGE_CORE_BATCH_H
#define BRIDGE_CORE_BATCH_H

#include <stdbool.h>

#include "base/err.h"

struct bridge;

/* Commits the open batch (none: OK) and lets the waiting acks and receipts leave. Code that writes
 * to whatsapp.db outside a handler (a send, a retry) calls this first, then commits its own
 * transaction. On failure: the batch is rolled back, waiting stanzas are dropped, decoded caches
 * are dropped (BRIDGE_EV_BATCH_FAILED), the connection is closed, /health says store_error. */
enum wb_err batch_commit(struct bridge *b) WB_MUST_CHECK;
/* For a handler that found the store failing: rolls the batch back, with the same consequences as a
 * failed commit. */
void batch_fail(struct bridge *b, enum wb_err why);
/* Remembers and logs why nothing can be stored; /health shows the reason until a commit works
 * again. */
void batch_note_trouble(struct bridge *b, enum wb_err why);
/* True when no write has failed, or when a test write works again; the recovery is committed and
 * logged. While writing fails a timer calls this every STORE_PROBE_MS. */
bool batch_probe(struct bridge *b);
/* Sets how long SQLite waits for another program's lock: not at all while writing fails (each try
 * would stop the loop for seconds), and hardly when the bridge is about to stop. */
void batch_set_wait(struct bridge *b);
bool batch_is_open(const struct bridge *b);

#endif
