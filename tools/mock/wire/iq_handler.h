/* iq_handler.h - the type of a function that answers a client's request: one row of the table in
 * iq.c. */
#ifndef MOCK_WIRE_IQ_HANDLER_H
#define MOCK_WIRE_IQ_HANDLER_H

#include "tools/mock/wire/client.h"

/* Fills result, or returns the code of the error to send (400, 403, 404, ...). */
typedef int iq_handler(struct client *c, const struct node *iq, struct node *result);

enum { IQ_SENT = -1 }; /* the handler sent its answer itself, or wants none sent */

#endif
