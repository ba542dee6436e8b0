/* phone.h - what the phone of an account sends to a freshly linked companion: app state keys and a
 * first piece of history, as encrypted peer messages (P-AS-02, P-HI-01). */
#ifndef MOCK_PHONE_H
#define MOCK_PHONE_H

#include "tools/mock/mock.h"

/* Once per companion, when it is active for the first time. */
void phone_greet(struct mock *m, struct device *d);
/* An app state key share; the key stays the same for an account. */
void phone_send_appstate_key(struct mock *m, struct device *d);
/* History of the type PUSH_NAME: names and LID mappings of all contacts, inline. */
void phone_send_names(struct mock *m, struct device *d);

/* A companion's peer message to its phone. A question for older messages of a chat is answered, as
 * account->history says. id: of the stanza. */
void phone_asked(struct mock *m, struct device *phone, struct device *by, const char *id,
                 struct span plain);

#endif
