/* private_address.h - by which of a person's two addresses this account writes to people
 * (P-X2-01), and what the server says of numbers (P-X2-22, P-X2-25). */
#ifndef STORE_SESSION_PRIVATE_ADDRESS_H
#define STORE_SESSION_PRIVATE_ADDRESS_H

#include "proto/jid.h"
#include "store/core/store.h"

/* How long a refusal by the server outweighs what the phone has said: the message may have been
 * refused for a reason of its own, and one more refusal a day costs little. */
enum { STORE_PRIVATE_DOUBT_S = 24 * 3600 };

/* WhatsApp moves its accounts from phone numbers to LIDs, each account as a whole. Before that the
 * server refuses a private message to a LID, after it one to a number may not arrive. */
enum store_private_by {
    STORE_PRIVATE_UNKNOWN, /* nobody has said it yet */
    STORE_PRIVATE_BY_LID,
    STORE_PRIVATE_BY_NUMBER,
};

/* What the phone or the server said last; if neither said anything, BY_LID when the phone has told
 * the time of its migration (whatsmeow's lid_migration_ts, also of a Go bridge before us). That the
 * server wants numbers although the phone has moved to LIDs may be a mistake about one message: it
 * holds for STORE_PRIVATE_DOUBT_S. now: unix seconds. */
enum wb_err store_private_by_get(struct store *s, int64_t now,
                                 enum store_private_by *ret_by) WB_MUST_CHECK;
/* Notes what the phone says, at pairing and when it moves its chats; UNKNOWN: it does not say. */
enum wb_err store_private_by_phone(struct store *s, enum store_private_by by,
                                   int64_t now) WB_MUST_CHECK;
/* Notes what the server accepts, as its refusals show; UNKNOWN: the refusal had another reason, and
 * the phone's word holds. */
enum wb_err store_private_by_server(struct store *s, enum store_private_by by,
                                    int64_t now) WB_MUST_CHECK;

/* The server's answer about a number that somebody typed, where it cannot be seen from the pairs of
 * LIDs and numbers: the account has another number (`named`), or has no LID that we are told
 * (named is typed itself). Bare numbers both. INVALID. */
enum wb_err store_number_put(struct store *s, const struct jid *typed, const struct jid *named,
                             int64_t now) WB_MUST_CHECK;
/* *ret_at (may be NULL): unix seconds of the answer. NOT_FOUND. */
enum wb_err store_number_get(struct store *s, const struct jid *typed, struct jid *ret_named,
                             int64_t *ret_at) WB_MUST_CHECK;
/* The number is not on WhatsApp (any more). WB_OK when nothing was noted. */
enum wb_err store_number_drop(struct store *s, const struct jid *typed) WB_MUST_CHECK;

/* Forgets what was answered before that time, at most STORE_PRUNE_ROWS at once. */
enum wb_err store_number_prune(struct store *s, int64_t before, bool *ret_more) WB_MUST_CHECK;

#endif
