/* private_address.h - by which of a person's two addresses a private message goes (P-X2-01). The
 * account decides, not the person: the server refuses messages to LIDs (400) from an account whose
 * chats have not been moved to LIDs, and WhatsApp moves accounts one by one. The phone tells which
 * at pairing and when it moves its chats, and that is kept (store/session/private_address.h); until
 * it has told, the LID is tried first, and a refusal shows that the number is right. */
#ifndef BRIDGE_PEOPLE_PRIVATE_ADDRESS_H
#define BRIDGE_PEOPLE_PRIVATE_ADDRESS_H

#include "proto/jid.h"

struct bridge;

/* lid, pn: the person's two forms, bare; one of them may be JID_NONE, when it is not known, and
 * then the other one is taken. Errors of the store. */
enum wb_err private_address(struct bridge *b, const struct jid *lid, const struct jid *pn,
                            struct jid *ret_to) WB_MUST_CHECK;
/* The same for a person of whom one form is given, with or without device. */
enum wb_err private_address_of(struct bridge *b, const struct jid *person,
                               struct jid *ret_to) WB_MUST_CHECK;
/* The server has refused a private message for this address. *ret_how, unless 0: the person has
 * another address, which this and the next messages take from now on. The value is for
 * store_outbox_reopen(), and says which address was used until now. In the open batch; errors of
 * the store. */
enum wb_err private_address_refused(struct bridge *b, const struct jid *to,
                                    int64_t *ret_how) WB_MUST_CHECK;
/* A message reopened in this way was refused under the other address, too: the address was not the
 * reason, and messages take the earlier address again. how: *ret_how of private_address_refused().
 * Errors of the store. */
enum wb_err private_address_no_help(struct bridge *b, int64_t how) WB_MUST_CHECK;

#endif
