/* addressing.h - groups whose members are called by LID or by phone number, and that change from
 * one to the other (P-X2-02). */
#ifndef MOCK_DEVICES_ADDRESSING_H
#define MOCK_DEVICES_ADDRESSING_H

#include "tools/mock/core/mock.h"

/* From now on the group is addressed so. Nobody is told; who has a sender key of somebody has it
 * under a name that is not used any more. */
void addressing_set(struct mock *m, struct group *g, bool lid);
/* A message to the group: 421 when it is not in the group's form (not delivered then), else 0.
 * Flags a client that repeats a message in a form in which it was refused, and one that was never
 * told another form than the right one. */
int addressing_refuses(struct mock *m, const char *label, const struct device *from,
                       struct group *g, const struct node *n);

#endif
