/* phone.h - what the phone of an account sends to a freshly linked companion: app state keys and a
 * first piece of history, as encrypted peer messages (P-AS-02, P-HI-01). */
#ifndef MOCK_PEOPLE_PHONE_H
#define MOCK_PEOPLE_PHONE_H

#include "tools/mock/core/mock.h"

/* Sends it once per companion, when the companion is active for the first time. */
void phone_greet(struct mock *m, struct device *d);
/* Sends history of the type PUSH_NAME, inline: the account's own name, names and LID mappings of
 * all contacts. */
void phone_send_names(struct mock *m, struct device *d);

/* Encrypts packed and puts it on the media host; appends the notification's fields that say where.
 * False: no memory. */
bool phone_put_file(struct mock *m, struct span packed, struct buf *note);
/* Sends a history notification, as an encrypted peer message. */
void phone_send_note(struct mock *m, struct device *phone, struct device *to,
                     const struct buf *note);

/* Handles a companion's peer message to its phone. A request for older messages of a chat is
 * answered as account->history says; a request for messages by phone_resend.h; a request for an app
 * state key always. id: of the stanza. */
void phone_asked(struct mock *m, struct device *phone, struct device *by, const char *id,
                 struct span plain);

#endif
