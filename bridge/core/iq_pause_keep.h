/* iq_pause_keep.h - the pauses of iq_pause.h over a restart, in bridge_meta (query_pauses).
 *
 * WhatsApp counts what an account asks, whichever process does it: a bridge that forgot its pauses
 * whenever it is restarted would ask at once what it was told not to ask, and each refusal of that
 * makes the next pause longer. What is kept of each: until when (Unix seconds), how many refusals
 * came in a row, and the kind. */
#ifndef BRIDGE_CORE_IQ_PAUSE_KEEP_H
#define BRIDGE_CORE_IQ_PAUSE_KEEP_H

#include "base/buf.h"
#include "bridge/core/iq_pause.h"

struct bridge;

/* "<until> <refusals> <kind>\n" for each; now_s is the wall clock's, now_ms that of the pauses. */
void iq_pauses_write(const struct iq_pauses *p, int64_t now_s, int64_t now_ms, struct buf *out);
/* What iq_pauses_write() wrote, into an empty list; lines that it did not write are passed over. A
 * clock that was set back makes no pause longer than the longest that WhatsApp may ask for. */
void iq_pauses_read(struct iq_pauses *p, struct span text, int64_t now_s, int64_t now_ms);

/* At the start; a store that cannot be read has none. */
void iq_pauses_load(struct bridge *b);
/* They have changed: part of the open batch, and of the next one until one is committed, because a
 * batch that is rolled back takes them with it. What cannot be written down costs a request that
 * WhatsApp refuses after a restart: no reason to fail a stanza. */
void iq_pauses_keep(struct bridge *b);

#endif
