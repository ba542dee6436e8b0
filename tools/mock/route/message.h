/* message.h - messages from devices to devices: checks, fan-out, ack (P-SD-*, P-RC-02..11). This
 * room passes on what one device sends to others. It knows nothing of requests (iq), nor of how
 * scripted people come to write; it never sees plaintext. */
#ifndef MOCK_ROUTE_MESSAGE_H
#define MOCK_ROUTE_MESSAGE_H

#include "tools/mock/wire/client.h"

/* What the ack tells the sender. */
struct message_verdict {
    int error;                   /* of the ack; 0: accepted */
    char phash[PHASH_CHARS + 1]; /* to put into the ack; "": none */
    bool bad_shape;              /* top-level <error code=479> was due as well */
};

/* Routes a message stanza of `from` (a client's device, or one that the mock plays). label names
 * the client in flags. */
void message_route(struct mock *m, struct device *from, const char *label, const struct node *n,
                   struct message_verdict *ret_v);
/* Routes a client's message and acknowledges it, unless a trouble of acks says otherwise. */
void message_from_client(struct client *c, const struct node *n);

#endif
