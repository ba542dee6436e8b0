/* iq.h - requests of clients, and their answers to the server's: one table from a request to the
 * function that answers it. */
#ifndef MOCK_IQ_H
#define MOCK_IQ_H

#include "tools/mock/wire/client.h"

/* Handles a client's request, or its answer to a request of the server. */
void iq_from_client(struct client *c, const struct node *iq);

#endif
