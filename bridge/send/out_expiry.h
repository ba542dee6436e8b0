/* out_expiry.h - what is over its time is failed (out_deadline.h). Private to send/. */
#ifndef BRIDGE_SEND_OUT_EXPIRY_H
#define BRIDGE_SEND_OUT_EXPIRY_H

#include "bridge/send/out_queue.h"

/* Fails what is over its time, and looks again when the next one will be. False: there is more of
 * it; nothing may be started before the next look. */
bool out_expiry_look(struct bridge *b) WB_MUST_CHECK;

#endif
