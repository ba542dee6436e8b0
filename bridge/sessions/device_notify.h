/* device_notify.h - device lists and identities that change, as notifications tell (P-NT-04,
 * P-NT-06..10). The rows of these are in in_device_notification.c. */
#ifndef BRIDGE_SESSIONS_DEVICE_NOTIFY_H
#define BRIDGE_SESSIONS_DEVICE_NOTIFY_H

#include "proto/node.h"

struct bridge;

/* <notification type=devices> and <devices> of account_sync. The whole
 * notification / the child; class PEER errors are odd stanzas. */
enum wb_err device_sync_changed(struct bridge *b, const struct node *notification,
                                struct arena *a) WB_MUST_CHECK;
enum wb_err device_sync_own_changed(struct bridge *b, const struct jid *from,
                                    const struct node *devices, struct arena *a) WB_MUST_CHECK;
/* <notification type=encrypt><identity/>: this person's phone was installed anew. Identities,
 * sessions, sender-key memory and device lists go, under both identities (P-NT-04). at: unix
 * seconds of the server. Of ourselves nothing goes, and nothing but the device lists when a change
 * of the phone's key of that time is known already (enum reinstall). Our privacy token goes to the
 * new installation in any case. */
enum wb_err device_sync_reinstalled(struct bridge *b, const struct jid *who,
                                    int64_t at) WB_MUST_CHECK;

#endif
