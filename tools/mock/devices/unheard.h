/* unheard.h - people and devices that came without a word, and clients that are told by another
 * participant hash that there is something (P-X2-13). */
#ifndef MOCK_DEVICES_UNHEARD_H
#define MOCK_DEVICES_UNHEARD_H

#include "tools/mock/core/mock.h"

/* Nobody was told of a device of this account, or that it is in a group now: until a client asks
 * for its devices, it is not to blame for leaving them out. */
void unheard_came(struct mock_account *a);
/* Does d not know of a's newest devices yet? */
bool unheard_is(const struct device *d, const struct mock_account *a);

/* The ack of a message to the group named another hash than the client's. */
void unheard_mismatch(struct mock *m, const struct device *from, struct group *g);
/* The client asks for the devices of these <user>s: it knows them now. Flags `asks-the-world` when
 * it asks for most of a group because of a mismatch more than once an hour. */
void unheard_asked(struct mock *m, const char *label, const struct device *from,
                   const struct node *users);

#endif
