/* resends.h - how much a client sends to a group again: WhatsApp locks accounts that do it too
 * often (P-X2-07). */
#ifndef MOCK_DEVICES_RESENDS_H
#define MOCK_DEVICES_RESENDS_H

#include "tools/mock/core/mock.h"

/* Notes that this client sends a message to one device of the group once more. Flags `resend-flood`
 * beyond 20 at once and 10 a minute, counted over all devices, messages and connections. */
void resends_note(struct mock *m, const char *label, const struct device *from, struct group *g,
                  const struct node *n);

#endif
