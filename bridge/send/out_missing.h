/* out_missing.h - a private message whose ack has another hash of devices than ours (P-SD-23): the
 * person, or we, have a device that we did not know of. That device is given the message, too,
 * under the same id, once (P-X2-23). If the connection ends first, the device does not get this
 * message: the list of devices is fresh by then, and the next message goes to all of them. */
#ifndef BRIDGE_SEND_OUT_MISSING_H
#define BRIDGE_SEND_OUT_MISSING_H

#include "bridge/send/out_queue.h"

/* To be called after the device lists by which the message was sealed were dropped: asks for the
 * devices of both sides, and sends the sealed message to those that lack it. Errors of the
 * store. */
enum wb_err out_missing_start(struct out_item *it) WB_MUST_CHECK;
/* Drops all of this: the account is gone, or the program ends. */
void out_missing_clear(struct out_message_state *s);

#endif
