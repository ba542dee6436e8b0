/* handlers.h - the stanza handlers that dispatch/ itself has in the table by tag: two that lead on
 * to the other tables, and those of simple stanzas. Other rooms declare their own handlers. */
#ifndef BRIDGE_DISPATCH_HANDLERS_H
#define BRIDGE_DISPATCH_HANDLERS_H

#include "bridge/core/stanza.h"

extern const struct stanza_handler in_ack_handler;
extern const struct stanza_handler in_iq_handler;
extern const struct stanza_handler in_ib_handler;
extern const struct stanza_handler in_notification_handler;
extern const struct stanza_handler in_call_handler;
extern const struct stanza_handler in_presence_handler;
extern const struct stanza_handler in_chatstate_handler;

#endif
