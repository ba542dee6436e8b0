/* addressing.h - groups that call their members by LID or by phone number, and that change from one
 * form to the other (P-X2-02). */
#ifndef MOCK_DEVICES_ADDRESSING_H
#define MOCK_DEVICES_ADDRESSING_H

#include "tools/mock/core/mock.h"

/* From now on the group calls its members in this form. Nobody is told; sender keys that devices
 * have of each other stay under a name that is no longer used. */
void addressing_set(struct mock *m, struct group *g, bool lid);
/* 421 for a message to the group that is not in the group's form (it is not delivered then), else
 * 0. Flags a client that repeats a message in a form in which it was refused, and a client that
 * uses a wrong form in a group that has never changed its form. */
int addressing_refuses(struct mock *m, const char *label, const struct device *from,
                       struct group *g, const struct node *n);

#endif
