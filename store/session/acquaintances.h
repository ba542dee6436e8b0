/* acquaintances.h - people with whom the phone had a chat before we were linked, as its history
 * says. messages.db has no such chat, but a message to one of these people is still no first
 * message (P-SD-26). */
#ifndef STORE_SESSION_ACQUAINTANCES_H
#define STORE_SESSION_ACQUAINTANCES_H

#include "proto/jid.h"
#include "store/core/store.h"

/* Notes a person, by either address. WB_OK also when the person is noted already. */
enum wb_err store_acquaintance_put(struct store *s, const struct jid *who) WB_MUST_CHECK;
/* Looks under both addresses. */
enum wb_err store_acquaintance_has(struct store *s, const struct jid *who,
                                   bool *ret_has) WB_MUST_CHECK;

#endif
