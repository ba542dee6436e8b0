/* unheard.h - people and devices that were added without any notification, and clients that learn
 * of them only by another participant hash in an ack (P-X2-13). */
#ifndef MOCK_DEVICES_UNHEARD_H
#define MOCK_DEVICES_UNHEARD_H

#include "tools/mock/core/mock.h"

/* Nobody was told of a device of this account, or that the account is in a group now. A client that
 * leaves these out is not to blame until it asks for the account's devices. */
void unheard_came(struct mock_account *a);
/* Whether d does not know a's newest devices yet. */
bool unheard_is(const struct device *d, const struct mock_account *a);

/* Notes that the ack of a message to the group named another hash than the client's. */
void unheard_mismatch(struct mock *m, const struct device *from, struct group *g);
/* The client asks for the devices of these <user>s, and knows them from now on. Flags
 * `asks-the-world` when, because of a mismatch, it asks for most of a group more than once an
 * hour. */
void unheard_asked(struct mock *m, const char *label, const struct device *from,
                   const struct node *users);

#endif
