/* offline.h - the <ib> stanzas about what is queued, in both directions, and about the client's
 * version. */
#ifndef MOCK_DEVICES_OFFLINE_H
#define MOCK_DEVICES_OFFLINE_H

#include "proto/node.h"

struct client;

enum { OFFLINE_BATCH_MOST = 200 }; /* WhatsApp's own client asks for so many at a time */

/* The client asks for a part of its queue. */
void offline_asked(struct client *c, const struct node *batch);
/* Sends <ib><client_expiration t=/></ib>; t "" withdraws it. */
void offline_expiration(struct client *c, const char *t);

#endif
