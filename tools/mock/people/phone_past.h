/* phone_past.h - what a phone has lived through before it links a companion, and hands over then:
 * its name, tokens of its contacts, the NCT salt, old chats (P-HI-01..07, P-HI-11). */
#ifndef MOCK_PEOPLE_PHONE_PAST_H
#define MOCK_PEOPLE_PHONE_PAST_H

#include "tools/mock/core/mock.h"

enum { PAST_CHATS_MAX = 20000, PAST_MESSAGES_MAX = 100000 };

/* Sends INITIAL_BOOTSTRAP, and RECENT for the further parts. */
void phone_past_send(struct mock *m, struct device *d);
/* A companion's <receipt type=server-error>: the hosts do not have a file that the phone named. The
 * phone puts the file there anew and says so (P-HI-12). False: the receipt names no file that the
 * phone knows. A companion that asks for a part twice is flagged: it would ask for ever. */
bool phone_past_file_missing(struct mock *m, struct device *d, const char *label,
                             const struct node *receipt);

#endif
