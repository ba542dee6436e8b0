/* own_messages.h - leads protocol messages of our own devices to their handlers, by a table of
 * types. To add a type, write one row (core/own_message.h) in its room, which a header of that
 * room declares, and one line in the table. */
#ifndef BRIDGE_DISPATCH_OWN_MESSAGES_H
#define BRIDGE_DISPATCH_OWN_MESSAGES_H

#include "bridge/core/own_message.h"

/* A type without a row is passed over. Errors: those of the handler. */
enum wb_err own_message_dispatch(struct bridge *b, const struct own_message *o) WB_MUST_CHECK;

#endif
