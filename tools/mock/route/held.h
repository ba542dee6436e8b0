/* held.h - messages that a scripted person has written and the server keeps back: they arrive when
 * a test says so: late, again, or under another id. */
#ifndef MOCK_ROUTE_HELD_H
#define MOCK_ROUTE_HELD_H

#include "tools/mock/core/mock.h"

/* Keeps a copy of the stanza, sealed as it is. False: no memory. */
bool held_add(struct device *from, const struct node *stanza);
/* Routes all messages of the account's devices that are kept, oldest first; under `id` if it is not
 * empty. again: they stay kept. Returns how many were accepted. */
size_t held_release(struct mock *m, struct mock_account *a, const char *id, bool again);

#endif
