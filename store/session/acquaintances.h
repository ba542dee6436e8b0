/* acquaintances.h - with whom the phone has a chat of before we were linked, as its history says.
 * messages.db has nothing of them; a message to one is no first one all the same (P-SD-26). */
#ifndef STORE_SESSION_ACQUAINTANCES_H
#define STORE_SESSION_ACQUAINTANCES_H

#include "proto/jid.h"
#include "store/core/store.h"

/* A person, by either address. WB_OK also when that is noted. */
enum wb_err store_acquaintance_put(struct store *s, const struct jid *who) WB_MUST_CHECK;
/* Under both addresses. */
enum wb_err store_acquaintance_has(struct store *s, const struct jid *who,
                                   bool *ret_has) WB_MUST_CHECK;

#endif
