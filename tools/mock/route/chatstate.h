/* chatstate.h - 'is typing': only for devices that are online, or come back soon
 * (--chatstate-ttl-ms). */
#ifndef MOCK_ROUTE_CHATSTATE_H
#define MOCK_ROUTE_CHATSTATE_H

#include "tools/mock/wire/client.h"

void chatstate_from_client(struct client *c, const struct node *chatstate);
/* Sends what came while the device was away, unless it is too old. */
void chatstate_flush(struct mock *m, struct device *d);

#endif
