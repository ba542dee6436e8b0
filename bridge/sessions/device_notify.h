/* device_notify.h - takes over changed device lists and identities that notifications tell
 * (P-NT-04, P-NT-06..10). Their stanza handlers are in in_device_notification.c. */
#ifndef BRIDGE_SESSIONS_DEVICE_NOTIFY_H
#define BRIDGE_SESSIONS_DEVICE_NOTIFY_H

#include "proto/node.h"

struct bridge;

/* device_notify_changed(): a whole <notification type=devices>. device_notify_own_changed(): the
 * child <devices> of account_sync. Errors of class PEER: an odd stanza. */
enum wb_err device_notify_changed(struct bridge *b, const struct node *notification,
                                  struct arena *a) WB_MUST_CHECK;
enum wb_err device_notify_own_changed(struct bridge *b, const struct jid *from,
                                      const struct node *devices, struct arena *a) WB_MUST_CHECK;
/* <notification type=encrypt><identity/>: this person's phone was installed anew. Forgets the
 * person's identities, sessions, sender-key memory and device lists, under both addresses
 * (P-NT-04). at: unix seconds of the server. Nothing is forgotten of ourselves, and only the device
 * lists when a change of the phone's key at or after `at` is known already (enum reinstall). The
 * new installation is given our privacy token in any case. */
enum wb_err device_notify_reinstalled(struct bridge *b, const struct jid *who,
                                      int64_t at) WB_MUST_CHECK;

#endif
