/* prekeys.h - our one-time prekeys (P-DB-10; rule 7: stored before they are offered). An id is
 * offered once and never used again, whatever became of the upload: a high-water id outlives
 * deleted rows. */
#ifndef STORE_SESSION_PREKEYS_H
#define STORE_SESSION_PREKEYS_H

#include "base/rng.h"
#include "crypto/prim_x25519.h"
#include "store/core/store.h"

enum { PREKEY_ID_MAX = 0xffffff }; /* 3 bytes on the wire */

struct store_prekey {
    uint32_t id;
    struct x25519_pair pair;
};

/* want keys for an upload or (want = 1) for a retry receipt: stored ones that were never offered
 * first, then fresh ones; all are marked as offered. The stanza with them may leave only after
 * store_commit(). The caller wipes ret. STATE when the id space is used up. */
enum wb_err store_prekeys_offer(struct store *s, const struct rng *rng, size_t want,
                                struct store_prekey *ret) WB_MUST_CHECK;
/* BAD_KEY_ID: there is no such key (it was used, or never ours), and a retry receipt with keys is
 * due. */
enum wb_err store_prekey_get(struct store *s, uint32_t id,
                             struct x25519_pair *ret_pair) WB_MUST_CHECK;
/* The key was used: deleted in the same batch as the session that it made. */
enum wb_err store_prekey_delete(struct store *s, uint32_t id) WB_MUST_CHECK;
/* The file is an older copy (rule 9, restored state is old): none of the account's keys is offered
 * again, they only open what was sealed with them, and the next fresh id is at least `ids` further
 * on - or half of the ids that are left, when these are fewer. whatsmeow skips them too, because
 * the last skipped id is stored as a row. */
enum wb_err store_prekeys_skip(struct store *s, const struct rng *rng, uint32_t ids) WB_MUST_CHECK;
/* A key that another program made and has offered under this id: it opens messages, and is not
 * offered again. */
enum wb_err store_prekey_import(struct store *s, const struct store_prekey *k) WB_MUST_CHECK;
/* Ids up to this one count as used: new keys get higher ids. whatsmeow does not know our mark and
 * goes on from its highest row, so a key that nobody was offered is stored under this id. */
enum wb_err store_prekeys_used_up_to(struct store *s, const struct rng *rng,
                                     uint32_t id) WB_MUST_CHECK;
/* Rows in all, and those offered. Either may be NULL. */
enum wb_err store_prekeys_count(struct store *s, size_t *ret_all,
                                size_t *ret_offered) WB_MUST_CHECK;

#endif
