/* dispatch.h - which part of the bridge understands an incoming stanza: tables, and nothing of what
 * the stanzas mean. dispatch.c has the table by tag, in_notification.c that of notifications by
 * type, in_iq.c that of the server's requests (<iq type=get|set>) by child. */
#ifndef BRIDGE_DISPATCH_DISPATCH_H
#define BRIDGE_DISPATCH_DISPATCH_H

#include "bridge/core/stanza.h"

/* The whole way of one decoded stanza. An error means that the connection cannot go on (the caller
 * closes it): a stanza that is merely odd is logged and answered, and gives WB_OK. */
enum wb_err dispatch_stanza(struct bridge *b, const struct stanza *s) WB_MUST_CHECK;

#endif
