/* own_message.h - a protocol message of one of our own devices, as its handler sees it. Each
 * handler is a row that lies in the room that the message is about; dispatch/own_messages.c has the
 * table of rows. */
#ifndef BRIDGE_CORE_OWN_MESSAGE_H
#define BRIDGE_CORE_OWN_MESSAGE_H

#include "proto/content.h"

struct bridge;
struct in_message;
struct stanza;

struct own_message {
    const struct stanza *stanza;
    struct in_message
        *m; /* the message that brought this one; only receive/ and rooms above look inside */
    struct arena *arena; /* of the stanza */
    struct span id;      /* of the stanza, as written */
    unsigned device;     /* our device that sent the message; 0: the phone */
    int64_t t;           /* unix seconds, the server's */
    int type;            /* PROTOCOL_... of content.h */
    struct span payload;
};

struct own_message_row {
    int type;
    /* Called in the open batch, for messages of our phone only. An error of class PEER: the message
     * is logged as useless. */
    enum wb_err (*apply)(struct bridge *b, const struct own_message *o);
};

#endif
