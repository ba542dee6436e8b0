/* out_expiry.h - until when a send may stay queued, whatever the wall clock does. Inside of
 * out_message*.c.
 *
 * In memory the deadline is monotonic. In the row it is an instant of server time (of our wall
 * clock as long as the server has not told its own), so that it holds over a restart; a row whose
 * instant turns out to be wrong, because the wall clock jumped or the server told its time, is
 * written again. What comes from an earlier run is not judged by a wall clock before we are
 * connected: it cannot leave earlier, and that clock may have been wrong then, or be wrong now.
 * Until then it may wait for its whole time once more, not for longer. */
#ifndef BRIDGE_SEND_OUT_EXPIRY_H
#define BRIDGE_SEND_OUT_EXPIRY_H

#include "bridge/send/out_queue.h"

/* The item's deadline from its row. */
void out_expiry_set(struct out_item *it, const struct store_outbox_row *row);
/* The row is from before this process: nobody waits for it any more, and time has passed. */
void out_expiry_earlier_run(struct out_item *it);
/* The same of a sealed one: its bytes go out in any case, but they may be refused for their form.
 */
void out_expiry_earlier_seal(struct out_item *it);
/* It was sealed at it->sealed_at, and goes back to those that are not. What has no time of its own,
 * since its caller has it while they wait, has the rest of what sealed bytes have. */
void out_expiry_reopened(struct out_item *it);
/* Fails what is over its time, and looks again when the next one will be. False: there is more of
 * it; nothing may be started before the next look. */
bool out_expiry_look(struct bridge *b) WB_MUST_CHECK;

#endif
