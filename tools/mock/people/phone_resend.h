/* phone_resend.h - the phone hands a message on to a client that could not read it (P-RC-45). */
#ifndef MOCK_PEOPLE_PHONE_RESEND_H
#define MOCK_PEOPLE_PHONE_RESEND_H

#include "tools/mock/core/mock.h"

/* Handles a companion's peer message to its phone: when it asks for messages and account->resends
 * is set, the phone sends those that it has read. id: of the stanza. */
void phone_resend_asked(struct mock *m, struct device *phone, struct device *by, const char *id,
                        struct span plain);

#endif
