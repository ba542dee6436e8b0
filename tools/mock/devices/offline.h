/* offline.h - <ib> in both directions that concerns what waited, and the client's version. */
#ifndef MOCK_DEVICES_OFFLINE_H
#define MOCK_DEVICES_OFFLINE_H

#include "proto/node.h"

struct client;

enum { OFFLINE_BATCH_MOST = 200 }; /* what WhatsApp's own client asks for at a time */

/* The client asks for a part of its queue. */
void offline_asked(struct client *c, const struct node *batch);
/* <ib><client_expiration t=/></ib>; t "": withdrawn. */
void offline_expiration(struct client *c, const char *t);

#endif
