/* lid_lookup.h - finds the LIDs of phone numbers, in the stored map or by asking the server
 * (P-SD-04). The server is asked like by a person who types a number: it may know the account under
 * another number (Brazil's ninth digit, Mexico's 1, Argentina's 9: P-X2-22), and may tell no LID
 * (P-X2-25). */
#ifndef BRIDGE_PEOPLE_LID_LOOKUP_H
#define BRIDGE_PEOPLE_LID_LOOKUP_H

#include "proto/jid.h"

struct bridge;
struct shared_query;

/* lids[i] and named[i] belong to pns[i] (bare, in the caller's order). named[i]: the number under
 * which the server knows that account, mostly pns[i] itself; JID_NONE: not on WhatsApp, or not
 * known because the query failed. lids[i]: JID_NONE also when the server tells none. The arrays
 * live until the callback returns. err: WB_OK: every number has an account. NOT_FOUND: at least one
 * number has none. Else why the query failed (STATE not connected, NET, TIMEOUT, REFUSED,
 * PROTOCOL). */
struct lid_lookup_result {
    enum wb_err err;
    const struct jid *pns;
    const struct jid *lids;
    const struct jid *named;
    size_t n;
};
typedef void lid_lookup_fn(struct bridge *b, uint64_t key, const struct lid_lookup_result *r);

/* The caller ends it with shared_query_delete(). NOMEM. */
enum wb_err lid_lookup_new(struct bridge *b, struct shared_query **ret_q) WB_MUST_CHECK;

/* The other number under which the server knows the account of pn, if the server has named one
 * lately; NOT_FOUND otherwise. pn: bare. */
enum wb_err lid_lookup_named(struct bridge *b, const struct jid *pn,
                             struct jid *ret_named) WB_MUST_CHECK;

/* The same, but also by older answers: for looking something up in our own tables before the server
 * is asked again. Nothing may be sent to that number. */
enum wb_err lid_lookup_once_named(struct bridge *b, const struct jid *pn,
                                  struct jid *ret_named) WB_MUST_CHECK;

/* pns at s.whatsapp.net (INVALID otherwise). fn is called exactly once when this returned WB_OK,
 * never from within. New pairs are learned (identity_learn) in the open batch. NOMEM, TOO_LARGE
 * over DEVICE_SYNC_USERS_MAX. */
enum wb_err lid_lookup(struct bridge *b, const struct jid *pns, size_t n, lid_lookup_fn *fn,
                       uint64_t key) WB_MUST_CHECK;

#endif
