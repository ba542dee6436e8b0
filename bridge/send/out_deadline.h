/* out_deadline.h - until when one send may stay queued, whatever the wall clock does. Private to
 * send/.
 *
 * In memory the deadline is monotonic. In the row it is an instant of server time (of our wall
 * clock as long as the server has not told its own), so that it holds over a restart; a row whose
 * instant turns out to be wrong, because the wall clock jumped or the server told its time, is
 * written again. What comes from an earlier run is not judged by a wall clock before we are
 * connected: it cannot leave earlier, and that clock may have been wrong then, or be wrong now.
 * Until then it may wait for its whole time once more, not for longer. */
#ifndef BRIDGE_SEND_OUT_DEADLINE_H
#define BRIDGE_SEND_OUT_DEADLINE_H

#include "bridge/send/out_queue.h"

#define OUT_NEVER INT64_MAX /* the deadline of an item that has none */

/* One reading of both clocks, so that all decisions of one pass agree. */
struct out_instant {
    int64_t mono_ms, server_s;
};
struct out_instant out_deadline_clocks(const struct bridge *b);

/* The item's deadline from its row. */
void out_deadline_set(struct out_item *it, const struct store_outbox_row *row);
/* The row is from before this process: no caller waits for it any more, and time has passed. */
void out_deadline_earlier_run(struct out_item *it);
/* The same for a sealed item: its bytes go out in any case, but the server may refuse their form,
 * and then its deadline counts again. */
void out_deadline_earlier_seal(struct out_item *it);
/* The item was sealed at it->sealed_at and goes back to the unsealed ones. An item without a
 * deadline of its own (its caller waits for it) gets the rest of the time that sealed bytes
 * have. */
void out_deadline_reopened(struct out_item *it);
/* Did the item's caller give it a time to live? */
bool out_deadline_is_own(const struct out_item *it);
/* Sets how much of its time the earlier run has left the item, once the server's time is known. */
void out_deadline_prove(struct out_item *it, struct out_instant now);
/* Seconds by which the row's instants are off. */
int64_t out_deadline_row_off_s(const struct out_item *it, struct out_instant now);

#endif
