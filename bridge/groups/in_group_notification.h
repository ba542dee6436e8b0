/* in_group_notification.h - handlers of notifications about groups: rows for in_notification.c. */
#ifndef BRIDGE_GROUPS_IN_GROUP_NOTIFICATION_H
#define BRIDGE_GROUPS_IN_GROUP_NOTIFICATION_H

#include "bridge/core/stanza.h"

extern const struct stanza_handler in_notification_group_handler;
/* type=mex: handled in in_mex_notification.c. */
extern const struct stanza_handler in_notification_mex_handler;

#endif
