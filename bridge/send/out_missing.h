/* out_missing.h - a private message whose ack has another hash of devices than ours (P-SD-23): the
 * person, or we, have a device that we did not know of. It is given the message as well, under the
 * same id, once (P-X2-23). What the connection's end prevents is left: the list of devices is fresh
 * by then, and the next message goes to all of them. */
#ifndef BRIDGE_SEND_OUT_MISSING_H
#define BRIDGE_SEND_OUT_MISSING_H

#include "bridge/send/out_queue.h"

/* After the lists that it was sealed by were dropped: asks for the devices of both sides, and sends
 * what was sealed to those that lack it. Errors of the store. */
enum wb_err out_missing_start(struct out_item *it) WB_MUST_CHECK;
/* The account is gone, or the program ends. */
void out_missing_clear(struct out_message_state *s);

#endif
