/* out_ack.h - the server's acks of what we sent. */
#ifndef BRIDGE_SEND_OUT_ACK_H
#define BRIDGE_SEND_OUT_ACK_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct bridge;

/* The server's <ack class=message> (P-SD-21..25). */
struct out_ack {
    struct span id;
    int64_t t;         /* unix seconds; 0: not said */
    uint32_t error;    /* 0: accepted */
    struct span phash; /* SPAN_NULL: the server agrees, or does not say */
};
/* Acks of stanzas that are no sends of ours (resends, requests to the phone) are passed over. What
 * an ack changes is in the open batch; callers are answered after its commit. */
enum wb_err out_ack_take(struct bridge *b, const struct out_ack *ack) WB_MUST_CHECK;
/* A recipient's receipt shows that the server has the message, so it counts as the ack when the ack
 * was lost (with its connection, say) or is late. t: unix seconds of the receipt, 0: not said. */
enum wb_err out_ack_delivered(struct bridge *b, struct span id, int64_t t) WB_MUST_CHECK;

#endif
