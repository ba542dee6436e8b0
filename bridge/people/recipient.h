/* recipient.h - for whom a message of ours was: only these people may confirm it (in_receipt.c) or
 * have it again (out_retry.c). Anybody who has learnt an id can write a receipt that names it. */
#ifndef BRIDGE_PEOPLE_RECIPIENT_H
#define BRIDGE_PEOPLE_RECIPIENT_H

#include "base/err.h"
#include "base/span.h"
#include "proto/jid.h"
#include "store/session/groups.h"

struct bridge;

struct recipient {
    bool person;   /* the message was for this person (or is ours, and so is the device) */
    bool device;   /* it was sealed for this very device */
    struct jid as; /* the one form under which the person is counted; JID_NONE unless person */
};

/* chat: of the message, as the outbox has it; device: who writes the receipt. The people for whom a
 * message is sealed are noted at sealing (store/outbox/sealed.h). For a message without that note,
 * sent by an older bridge or another program on this store, the person of a private chat or the
 * members of the group are the recipients, and no device is known. Errors of the store. */
enum wb_err recipient_look(struct bridge *b, const struct jid *chat, struct span id,
                           const struct jid *device, struct recipient *ret) WB_MUST_CHECK;

/* The person's rank in the group, by our list of members. person and alt (may be NULL) may each be
 * in either form. NOT_FOUND: no member, or the group is not known. */
enum wb_err recipient_rank(struct bridge *b, const struct jid *group, const struct jid *person,
                           const struct jid *alt, enum store_group_rank *ret_rank) WB_MUST_CHECK;
/* Is the person a member of the group now, by that list? */
enum wb_err recipient_member(struct bridge *b, const struct jid *group, const struct jid *person,
                             bool *ret_member) WB_MUST_CHECK;

#endif
