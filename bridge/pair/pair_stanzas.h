/* pair_stanzas.h - the stanzas that belong to pairing, as rows for the tables of dispatch/. */
#ifndef BRIDGE_PAIR_PAIR_STANZAS_H
#define BRIDGE_PAIR_PAIR_STANZAS_H

#include "bridge/core/stanza.h"

/* <iq type=set> of the server, by child (in_iq.c). */
extern const struct stanza_handler in_iq_pair_device_handler;
extern const struct stanza_handler in_iq_pair_success_handler;

/* <notification>, by type (in_notification.c). */
extern const struct stanza_handler in_notification_link_code_handler;
extern const struct stanza_handler in_notification_reg_refresh_handler;
extern const struct stanza_handler in_notification_passkey_handler;
extern const struct stanza_handler in_notification_passkey_phone_handler;

#endif
