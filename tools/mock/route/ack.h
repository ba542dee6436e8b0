/* ack.h - what a client acknowledges (P-RC-30). */
#ifndef MOCK_ROUTE_ACK_H
#define MOCK_ROUTE_ACK_H

#include "tools/mock/wire/conn.h"

void ack_from_client(struct conn *c, const struct node *ack);

#endif
