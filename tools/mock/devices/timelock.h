/* timelock.h - an account that WhatsApp has restricted: for a time it may not write to people first
 * (P-X2-06). The server refuses such messages with 463, tells the clients by a notification, and
 * answers clients that ask. */
#ifndef MOCK_DEVICES_TIMELOCK_H
#define MOCK_DEVICES_TIMELOCK_H

#include "tools/mock/core/mock.h"

/* Sets or lifts the restriction and, if tell is set, tells the account's clients. ends_s: unix
 * seconds, 0: no end is named. */
void timelock_set(struct mock *m, struct mock_account *a, bool active, int64_t ends_s,
                  const char *type, bool tell);
/* 463 for a message to a person who neither knows the sender nor gave the sender a token, else 0.
 * Flags a client that was told of the restriction and still writes. */
int timelock_refuses(struct mock *m, struct device *from, struct mock_account *to,
                     const char *label, const struct node *message);
/* Notes that a message between the two was accepted: from now on they know each other. */
void timelock_met(struct mock_account *a, struct mock_account *b);
/* The answer to the stored query of that number, in the arena; SPAN_NULL for other queries. */
struct span timelock_answer(struct mock *m, const struct mock_account *a, const char *query_id);

#endif
