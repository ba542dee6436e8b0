/* ack.h - the stanzas that a client acknowledges (P-RC-30: every one that it is sent). */
#ifndef MOCK_ROUTE_ACK_H
#define MOCK_ROUTE_ACK_H

#include "tools/mock/wire/client.h"

void ack_from_client(struct client *c, const struct node *ack);

#endif
