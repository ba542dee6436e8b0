/* iq_pause_keep.h - the pauses of iq_pause.h over a restart, in bridge_meta (query_pauses).
 *
 * WhatsApp counts what an account asks, whichever process asks: a bridge that forgot its pauses at
 * a restart would ask at once what it was told not to ask, and each refusal makes the next pause
 * longer. Kept of each pause: its end (Unix seconds), how many refusals came in a row, and the
 * kind. */
#ifndef BRIDGE_CORE_IQ_PAUSE_KEEP_H
#define BRIDGE_CORE_IQ_PAUSE_KEEP_H

#include "base/buf.h"
#include "bridge/core/iq_pause.h"

struct bridge;

/* Writes "<until> <refusals> <kind>\n" for each pause; now_s is the wall clock's time, now_ms the
 * monotonic time of the pauses. */
void iq_pauses_write(const struct iq_pauses *p, int64_t now_s, int64_t now_ms, struct buf *out);
/* Reads the text of iq_pauses_write() into an empty list; other lines are passed over. A clock that
 * was set back makes no pause longer than the longest that WhatsApp may ask for. */
void iq_pauses_read(struct iq_pauses *p, struct span text, int64_t now_s, int64_t now_ms);

/* Loads the pauses at the start; from a store that cannot be read it loads none. */
void iq_pauses_load(struct bridge *b);
/* The pauses have changed: writes them in the open batch, and again in the next ones until a batch
 * is committed, because a rollback undoes the write. An error is only logged: it costs one request
 * that WhatsApp refuses after a restart, which is no reason to fail a stanza. */
void iq_pauses_keep(struct bridge *b);

#endif
