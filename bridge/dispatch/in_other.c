/* Stanzas that are only acked, or just ignored. */
#include "bridge/dispatch/handlers.h"

const struct stanza_handler in_call_handler = {"call", STANZA_ACK_ALWAYS, NULL, NULL};
const struct stanza_handler in_presence_handler = {"presence", STANZA_ACK_NEVER, NULL, NULL};
const struct stanza_handler in_chatstate_handler = {"chatstate", STANZA_ACK_NEVER, NULL, NULL};
