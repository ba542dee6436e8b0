/* handlers.h - the rows of the three stanza tables: who adds a kind of stanza declares it here and
 * puts it into its table (dispatch.c by tag, in_notification.c by type, in_iq.c by child). */
#ifndef BRIDGE_DISPATCH_HANDLERS_H
#define BRIDGE_DISPATCH_HANDLERS_H

#include "bridge/dispatch/dispatch.h"

/* By tag. */
extern const struct stanza_handler in_ack_handler;
extern const struct stanza_handler in_iq_handler;
extern const struct stanza_handler in_success_handler;
extern const struct stanza_handler in_failure_handler;
extern const struct stanza_handler in_stream_error_handler;
extern const struct stanza_handler in_xmlstreamend_handler;
extern const struct stanza_handler in_error_handler;
extern const struct stanza_handler in_ib_handler;
extern const struct stanza_handler in_notification_handler;
extern const struct stanza_handler in_call_handler;
extern const struct stanza_handler in_receipt_handler;
extern const struct stanza_handler in_message_handler;
extern const struct stanza_handler in_appdata_handler;
extern const struct stanza_handler in_status_handler;
extern const struct stanza_handler in_presence_handler;
extern const struct stanza_handler in_chatstate_handler;

/* <iq type=get|set> of the server, by child. */
extern const struct stanza_handler in_iq_pair_device_handler;
extern const struct stanza_handler in_iq_pair_success_handler;

/* <notification>, by type. The frame acks all of them. */
extern const struct stanza_handler in_notification_encrypt_handler;
extern const struct stanza_handler in_notification_link_code_handler;
extern const struct stanza_handler in_notification_reg_refresh_handler;
extern const struct stanza_handler in_notification_server_sync_handler;
extern const struct stanza_handler in_notification_passkey_handler;
extern const struct stanza_handler in_notification_passkey_phone_handler;
extern const struct stanza_handler in_notification_group_handler;
extern const struct stanza_handler in_notification_devices_handler;
extern const struct stanza_handler in_notification_account_handler;
extern const struct stanza_handler in_notification_token_handler;
extern const struct stanza_handler in_notification_contacts_handler;
extern const struct stanza_handler in_notification_mex_handler;

#endif
