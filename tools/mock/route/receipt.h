/* receipt.h - receipts between devices (P-RC-23..25, P-RC-33, P-RC-47..51). */
#ifndef MOCK_ROUTE_RECEIPT_H
#define MOCK_ROUTE_RECEIPT_H

#include "tools/mock/wire/client.h"

/* Passes a device's receipt on. label names the client in flags. False: a receipt of a wrong
 * kind. */
bool receipt_route(struct mock *m, struct device *from, const char *label,
                   const struct node *receipt);
/* Passes a client's receipt on and acknowledges it. */
void receipt_from_client(struct client *c, const struct node *receipt);

#endif
