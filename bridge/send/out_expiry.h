/* out_expiry.h - queued sends that are over their time are failed (out_deadline.h). Private to
 * send/. */
#ifndef BRIDGE_SEND_OUT_EXPIRY_H
#define BRIDGE_SEND_OUT_EXPIRY_H

#include "bridge/send/out_queue.h"

/* Fails the items that are over their time, and sets a timer for the next deadline. False: more are
 * over their time; nothing may be started before the next call. */
bool out_expiry_look(struct bridge *b) WB_MUST_CHECK;

#endif
