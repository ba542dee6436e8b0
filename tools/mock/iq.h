/* iq.h - requests of clients, and their answers to ours: one table from a request to the function
 * that answers it. */
#ifndef MOCK_IQ_H
#define MOCK_IQ_H

#include "tools/mock/wire/client.h"

/* A request, or the answer to one of ours. */
void iq_from_client(struct client *c, const struct node *iq);

#endif
