/* identity_log.h - whose security code has changed and when (bridge_identity_changes), and the
 * people that are known with it, for lists. Noted per person, not per device; committed with the
 * identity itself, so that no change is told twice or not at all. */
#ifndef STORE_SESSION_IDENTITY_LOG_H
#define STORE_SESSION_IDENTITY_LOG_H

#include "crypto/prim_x25519.h"
#include "proto/jid.h"
#include "store/core/store.h"

struct store_identity_change {
    int64_t changed_at; /* unix seconds of the newest change, the server's; 0: none */
    uint64_t changes;   /* how many there were, since this file knows of them */
    int64_t phone_at;   /* of the newest one of their phone, device 0; 0: none */
};

/* All changes of this person, under either form (devices are ignored); none: all zeros. */
enum wb_err store_identity_change_get(struct store *s, const struct jid *user,
                                      struct store_identity_change *ret) WB_MUST_CHECK;
/* Notes one more change under the given form, which must be the canonical one. phone: the change is
 * of device 0. Times never move back. */
enum wb_err store_identity_change_add(struct store *s, const struct jid *user, int64_t at,
                                      bool phone) WB_MUST_CHECK;
/* Is an identity of any of their devices stored, under this form? */
enum wb_err store_identity_any(struct store *s, const struct jid *user, bool *ret) WB_MUST_CHECK;

/* Has this JID, as it is, a row of contacts or of changed codes? */
enum wb_err store_people_has(struct store *s, const struct jid *who, bool *ret) WB_MUST_CHECK;
/* The next JID, in the order of the texts, that has a row of contacts or of changed codes: beyond
 * after ("" is the beginning), or with backwards the one before ("" is the end). A person may be
 * there under both forms. NOT_FOUND: there is none. */
enum wb_err store_people_next(struct store *s, const char *beyond, bool backwards,
                              char ret_jid[static JID_TEXT_MAX]) WB_MUST_CHECK;

#endif
