/* own_message.h - a protocol message of one of our own devices: what its row sees of it. The rows
 * lie in the rooms that they are about; dispatch/own_messages.c has the table. */
#ifndef BRIDGE_CORE_OWN_MESSAGE_H
#define BRIDGE_CORE_OWN_MESSAGE_H

#include "proto/content.h"

struct bridge;
struct in_message;
struct stanza;

struct own_message {
    const struct stanza *stanza;
    struct in_message *m; /* for receive/ and the rooms above it */
    struct arena *arena;  /* of the stanza */
    struct span id;       /* of the stanza, as written */
    unsigned device;      /* of ours that sent it; 0: the phone */
    int64_t t;            /* unix seconds, the server's */
    int type;             /* PROTOCOL_... of content.h */
    struct span payload;
};

struct own_message_row {
    int type;
    bool from_phone_only;
    /* In the open batch. Errors of class PEER: it is logged as of no use. */
    enum wb_err (*apply)(struct bridge *b, const struct own_message *o);
};

#endif
