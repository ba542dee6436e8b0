/* out_wire.h - sealed messages go to the socket, in the order of sealing. Private to send/. */
#ifndef BRIDGE_SEND_OUT_WIRE_H
#define BRIDGE_SEND_OUT_WIRE_H

#include "bridge/send/out_queue.h"

/* The connection is up. */
void out_wire_online(struct bridge *b);
/* The connection is gone. */
void out_wire_offline(struct bridge *b);
/* The socket has taken bytes. */
void out_wire_room(struct bridge *b);
/* Sends as many of the sealed messages as there is room for. */
void out_wire_unsent(struct bridge *b);
/* Sends the newest sealed message, now or when its turn comes. packed: its bytes. */
void out_wire_sealed(struct out_item *it, struct span packed);

#endif
