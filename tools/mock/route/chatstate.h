/* chatstate.h - 'is typing': it is for who is online, or comes back soon (--chatstate-ttl-ms). */
#ifndef MOCK_ROUTE_CHATSTATE_H
#define MOCK_ROUTE_CHATSTATE_H

#include "tools/mock/wire/conn.h"

void chatstate_from_client(struct conn *c, const struct node *chatstate);
/* Sends what came while the device was away, unless it is too old. */
void chatstate_flush(struct mock *m, struct device *d);

#endif
