/* owner.h - whose messages stand in messages.db: one number per store. */
#ifndef STORE_SESSION_OWNER_H
#define STORE_SESSION_OWNER_H

#include "proto/jid.h"
#include "store/core/store.h"

/* Remembers the number (digits) in a messages.db that has none yet; part of the batch. EXISTS: it
 * has another one, which has no device in whatsapp.db either; ret_other says which. */
enum wb_err store_messages_owner(struct store *s, const char *phone_user,
                                 char ret_other[JID_USER_MAX + 1]) WB_MUST_CHECK;

#endif
