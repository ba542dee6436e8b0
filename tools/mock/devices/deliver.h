/* deliver.h - stanzas to devices: sent at once, or kept until the device is there, and in any case
 * kept until the device has acknowledged them (P-RC-30: all stanzas get an ack). */
#ifndef MOCK_DEVICES_DELIVER_H
#define MOCK_DEVICES_DELIVER_H

#include "tools/mock/core/mock.h"

/* Delivers a message, receipt, notification or call to one device. The stanza gets the attribute
 * `offline` when it has to wait. Devices that the mock plays get it soon, in order. */
void deliver(struct mock *m, struct device *d, struct node *n);
/* Sends the queued stanzas that were not yet sent on this connection. Returns how many. */
size_t deliver_queue(struct mock *m, struct device *d);
/* The same for at most `most` stanzas. Returns how many are left. */
size_t deliver_some(struct mock *m, struct device *d, size_t most);
size_t deliver_unsent(const struct device *d);
/* The device has acknowledged stanza id of class cls. False: no such stanza is or was outstanding.
 */
bool deliver_acked(struct device *d, const char *cls, const char *id);
/* A bare <ack> came for a copy of the account's own message. The server keeps the copy all the
 * same: only a receipt of type sender ends it (P-X2-08). False: no such copy waits. *ret_acks: how
 * many acks this copy has had by now; untouched when this ack is not counted. */
bool deliver_own_copy_acked(struct device *d, const char *id, unsigned *ret_acks);
/* Whether a stanza of that class and type, from that sender, is outstanding. */
bool deliver_waiting(const struct device *d, const char *cls, const char *type,
                     const struct jid *from);
/* Makes a notification node with id, from, type and t. */
struct node *deliver_notification(struct mock *m, const struct jid *from, const char *type);

#endif
