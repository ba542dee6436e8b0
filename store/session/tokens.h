/* tokens.h - privacy tokens and the NCT salt (P-SD-27..30, P-DB-21). */
#ifndef STORE_SESSION_TOKENS_H
#define STORE_SESSION_TOKENS_H

#include "base/buf.h"
#include "proto/jid.h"
#include "store/core/store.h"
#include "store/session/limits.h"

enum { STORE_TOKEN_BUCKET_S = 604800, STORE_TOKEN_BUCKETS = 3 };

/* Oldest timestamp of a token that is still good at `now` (P-SD-28). */
static inline int64_t store_token_cutoff(int64_t now)
{
    return (now / STORE_TOKEN_BUCKET_S - STORE_TOKEN_BUCKETS) * STORE_TOKEN_BUCKET_S;
}

/* A token that a contact gave us; an older timestamp never overwrites. TOO_LARGE. */
enum wb_err store_token_put(struct store *s, const struct jid *who, struct span token,
                            int64_t timestamp) WB_MUST_CHECK;
/* Appends the token if it is fresh at `now`; looked up under LID and PN. NOT_FOUND. */
enum wb_err store_token_get(struct store *s, const struct jid *who, int64_t now,
                            struct buf *out) WB_MUST_CHECK;
/* When we last issued our token to this contact (0: never). */
enum wb_err store_token_issued_get(struct store *s, const struct jid *who,
                                   int64_t *ret_at) WB_MUST_CHECK;
enum wb_err store_token_issued_put(struct store *s, const struct jid *who,
                                   int64_t at) WB_MUST_CHECK;
/* Removes tokens that are no longer good at `now`; those with an issue time keep it. */
enum wb_err store_token_prune(struct store *s, int64_t now) WB_MUST_CHECK;

/* SPAN_NULL removes it. */
enum wb_err store_nct_salt_put(struct store *s, struct span salt) WB_MUST_CHECK;
enum wb_err store_nct_salt_get(struct store *s, struct buf *out) WB_MUST_CHECK; /* NOT_FOUND */

#endif
