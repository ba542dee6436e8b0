/* own_messages.h - what a protocol message of one of our own devices means: a table by its type.
 * Who adds a kind of them writes one row (core/own_message.h) in its room and one line in the
 * table. */
#ifndef BRIDGE_DISPATCH_OWN_MESSAGES_H
#define BRIDGE_DISPATCH_OWN_MESSAGES_H

#include "bridge/core/own_message.h"

extern const struct own_message_row own_message_app_state_keys;
extern const struct own_message_row own_message_lid_mappings;
extern const struct own_message_row own_message_history;
extern const struct own_message_row own_message_resent;

/* What nobody has a row for is passed over. Errors: as of the row. */
enum wb_err own_message_dispatch(struct bridge *b, const struct own_message *o) WB_MUST_CHECK;

#endif
