/* lid_lookup.h - whose phone numbers these are: the LIDs, from the map or from the server
 * (P-SD-04). The server is asked as by a person who types a number: it may know the account under
 * another one (Brazil's ninth digit, Mexico's 1, Argentina's 9: P-X2-22), and need not tell a LID
 * (P-X2-25). */
#ifndef BRIDGE_PEOPLE_LID_LOOKUP_H
#define BRIDGE_PEOPLE_LID_LOOKUP_H

#include "proto/jid.h"

struct bridge;
struct shared_query;

/* lids[i] and named[i] belong to pns[i] (bare, in the caller's order). named[i]: the number under
 * which the server knows that account, mostly pns[i] itself; JID_NONE: not on WhatsApp, or not
 * known because the query failed. lids[i]: JID_NONE also when the server tells none. Lives until
 * the callback returns. err: WB_OK: every number is somebody's. NOT_FOUND: the server knows nobody
 * by at least one. Else why the query failed (STATE not connected, NET, TIMEOUT, REFUSED,
 * PROTOCOL). */
struct lid_lookup_result {
    enum wb_err err;
    const struct jid *pns;
    const struct jid *lids;
    const struct jid *named;
    size_t n;
};
typedef void lid_lookup_fn(struct bridge *b, uint64_t key, const struct lid_lookup_result *r);

/* For shared_query_delete(). */
enum wb_err lid_lookup_new(struct bridge *b, struct shared_query **ret_q) WB_MUST_CHECK;

/* The number under which the server knows this one, when it is another one and it has said so
 * lately; NOT_FOUND otherwise. pn: bare. */
enum wb_err lid_lookup_named(struct bridge *b, const struct jid *pn,
                             struct jid *ret_named) WB_MUST_CHECK;

/* The same for looking something up here, before the server is asked again: also what it said
 * longer ago. Nothing is sent to that. */
enum wb_err lid_lookup_once_named(struct bridge *b, const struct jid *pn,
                                  struct jid *ret_named) WB_MUST_CHECK;

/* pns at s.whatsapp.net (INVALID otherwise). fn is called exactly once when this returned WB_OK,
 * never from within. New pairs are learned (identity_learn) in the open batch. NOMEM, TOO_LARGE
 * over DEVICE_SYNC_USERS_MAX. */
enum wb_err lid_lookup(struct bridge *b, const struct jid *pns, size_t n, lid_lookup_fn *fn,
                       uint64_t key) WB_MUST_CHECK;

#endif
