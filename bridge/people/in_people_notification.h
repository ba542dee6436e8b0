/* in_people_notification.h - what the server tells of people: rows for
 * in_notification.c. */
#ifndef BRIDGE_PEOPLE_IN_PEOPLE_NOTIFICATION_H
#define BRIDGE_PEOPLE_IN_PEOPLE_NOTIFICATION_H

#include "bridge/core/own_message.h"
#include "bridge/core/stanza.h"

extern const struct stanza_handler in_notification_token_handler;
extern const struct stanza_handler in_notification_contacts_handler;

/* Pairs of LID and number that our phone tells (in_lid_mappings.c): a row of own_messages.c. */
extern const struct own_message_row own_message_lid_mappings;

#endif
