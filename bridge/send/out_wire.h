/* out_wire.h - sealed messages go to the socket, in the order of sealing. Private to send/. */
#ifndef BRIDGE_SEND_OUT_WIRE_H
#define BRIDGE_SEND_OUT_WIRE_H

#include "bridge/send/out_queue.h"

/* The connection came and went; there is more room in the socket. */
void out_wire_online(struct bridge *b);
void out_wire_offline(struct bridge *b);
void out_wire_room(struct bridge *b);
/* Sends as many of the sealed messages as there is room for. */
void out_wire_unsent(struct bridge *b);
/* Sends the newest sealed message, now or when its turn comes. packed: its bytes. */
void out_wire_sealed(struct out_item *it, struct span packed);

#endif
