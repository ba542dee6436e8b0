/* lid_lookup.h - the LIDs of phone numbers, from the map or from the server (P-SD-04). */
#ifndef BRIDGE_LID_LOOKUP_H
#define BRIDGE_LID_LOOKUP_H

#include "proto/jid.h"

struct bridge;
struct shared_query;

/* lids[i] belongs to pns[i] (bare, in the caller's order); JID_NONE: not on WhatsApp, or not known
 * because the query failed. Lives until the callback returns.
 * err: WB_OK: every LID is known. NOT_FOUND: the server knows nobody by at least one number.
 * Else why the query failed (STATE not connected, NET, TIMEOUT, REFUSED, PROTOCOL). */
struct lid_lookup_result {
    enum wb_err err;
    const struct jid *pns;
    const struct jid *lids;
    size_t n;
};
typedef void lid_lookup_fn(struct bridge *b, uint64_t key, const struct lid_lookup_result *r);

/* For shared_query_delete(). */
enum wb_err lid_lookup_new(struct bridge *b, struct shared_query **ret_q) WB_MUST_CHECK;

/* pns at s.whatsapp.net (INVALID otherwise). fn is called exactly once when this returned WB_OK,
 * never from within. New pairs are learned (identity_learn) in the open batch. NOMEM, TOO_LARGE
 * over DEVICE_SYNC_USERS_MAX. */
enum wb_err lid_lookup(struct bridge *b, const struct jid *pns, size_t n, lid_lookup_fn *fn,
                       uint64_t key) WB_MUST_CHECK;

#endif
