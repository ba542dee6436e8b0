/* phone.h - what the phone of an account sends to a freshly linked companion: app state keys and a
 * first piece of history, as encrypted peer messages (P-AS-02, P-HI-01). */
#ifndef MOCK_PEOPLE_PHONE_H
#define MOCK_PEOPLE_PHONE_H

#include "tools/mock/core/mock.h"

/* Once per companion, when it is active for the first time. */
void phone_greet(struct mock *m, struct device *d);
/* History of the type PUSH_NAME: the account's own name, names and LID mappings of all contacts,
 * inline. */
void phone_send_names(struct mock *m, struct device *d);

/* Encrypted and laid on the media host; appends the notification's fields that say where. False: no
 * memory. */
bool phone_put_file(struct mock *m, struct span packed, struct buf *note);
/* A history notification, as an encrypted peer message. */
void phone_send_note(struct mock *m, struct device *phone, struct device *to,
                     const struct buf *note);

/* A companion's peer message to its phone. A question for older messages of a chat is answered, as
 * account->history says; one for messages by phone_resend.h, one for an app state key always. id:
 * of the stanza. */
void phone_asked(struct mock *m, struct device *phone, struct device *by, const char *id,
                 struct span plain);

#endif
