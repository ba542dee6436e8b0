/* deliver.h - stanzas to devices: at once, or kept until the device is there, and kept until it has
 * acknowledged them (P-RC-30). */
#ifndef MOCK_DEVICES_DELIVER_H
#define MOCK_DEVICES_DELIVER_H

#include "tools/mock/core/mock.h"

/* A message, receipt, notification or call for one device. Takes attributes `offline` where it has
 * to wait. Devices that the mock plays get it soon, in order. */
void deliver(struct mock *m, struct device *d, struct node *n);
/* Sends what is queued and was not yet sent on this connection; how many. */
size_t deliver_queue(struct mock *m, struct device *d);
/* At most so many of it; and how many are left. */
size_t deliver_some(struct mock *m, struct device *d, size_t most);
size_t deliver_unsent(const struct device *d);
/* The device has acknowledged stanza id of class cls. False: no such stanza is or was outstanding.
 */
bool deliver_acked(struct device *d, const char *cls, const char *id);
/* A bare <ack> for a copy of the account's own message: the server keeps it all the same, and only
 * a receipt of type sender ends it (P-X2-08). False: no such copy waits. *ret_acks: how many acks
 * one copy has had by now; untouched when this one is not counted. */
bool deliver_own_copy_acked(struct device *d, const char *id, unsigned *ret_acks);
/* Is a stanza of that class and type from there outstanding? */
bool deliver_waiting(const struct device *d, const char *cls, const char *type,
                     const struct jid *from);
/* A notification node with id, from, type and t. */
struct node *deliver_notification(struct mock *m, const struct jid *from, const char *type);

#endif
