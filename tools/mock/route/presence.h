/* presence.h - who is available, and who wants to know it of others. */
#ifndef MOCK_ROUTE_PRESENCE_H
#define MOCK_ROUTE_PRESENCE_H

#include "tools/mock/wire/client.h"

void presence_from_client(struct client *c, const struct node *presence);

#endif
