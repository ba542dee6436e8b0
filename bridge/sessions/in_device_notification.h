/* in_device_notification.h - handlers of notifications about our and other people's devices and
 * keys: rows for in_notification.c. */
#ifndef BRIDGE_SESSIONS_IN_DEVICE_NOTIFICATION_H
#define BRIDGE_SESSIONS_IN_DEVICE_NOTIFICATION_H

#include "bridge/core/stanza.h"

extern const struct stanza_handler in_notification_devices_handler;
extern const struct stanza_handler in_notification_account_handler;
extern const struct stanza_handler in_notification_encrypt_handler;

#endif
