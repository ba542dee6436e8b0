/* handshake.h - the responder's half of Noise XX and the ClientPayload behind it (P-HS-05..21). */
#ifndef MOCK_WIRE_HANDSHAKE_H
#define MOCK_WIRE_HANDSHAKE_H

#include "tools/mock/wire/client.h"

void handshake_hello(struct client *c, struct span frame);
void handshake_finish(struct client *c, struct span frame);

#endif
