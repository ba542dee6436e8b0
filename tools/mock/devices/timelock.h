/* timelock.h - an account that WhatsApp has restricted: for a time it may not write to people first
 * (P-X2-06). The server refuses such messages with 463, tells the clients by a notification, and
 * answers who asks. */
#ifndef MOCK_DEVICES_TIMELOCK_H
#define MOCK_DEVICES_TIMELOCK_H

#include "tools/mock/core/mock.h"

/* Sets it and, if tell, tells the account's clients. ends_s: unix seconds, 0: no end is named. */
void timelock_set(struct mock *m, struct mock_account *a, bool active, int64_t ends_s,
                  const char *type, bool tell);
/* 463 for a message to somebody who neither knows the sender nor gave them a token, else 0. A
 * client that has been told and writes all the same is flagged. */
int timelock_refuses(struct mock *m, struct device *from, struct mock_account *to,
                     const char *label, const struct node *message);
/* A message between them was accepted: from now on they know each other. */
void timelock_met(struct mock_account *a, struct mock_account *b);
/* The answer to the stored query with that number; SPAN_NULL: it is another one. In the arena. */
struct span timelock_answer(struct mock *m, const struct mock_account *a, const char *query_id);

#endif
