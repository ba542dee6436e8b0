/* signal_store.h - sessions, identities and sender keys in whatsmeow's form (P-DB-09..18), kept
 * decoded in a bounded cache and written once per batch (rule 8: the Go bridge can read them).
 *
 * Addresses are device JIDs; the caller has chosen the person's canonical form (rule 4: LID where
 * known). Records are values: load gives the caller a copy of its own, save takes the copy over. */
#ifndef STORE_SESSION_SIGNAL_STORE_H
#define STORE_SESSION_SIGNAL_STORE_H

#include "crypto/signal_types.h"
#include "proto/jid.h"
#include "store/core/store.h"

struct record_ops;

/* ---- sessions ---- */

/* A copy, to be freed with signal_session_free() or handed to store_session_save().
 * NOT_FOUND: no session. DB_CORRUPT is never returned for one bad record: an unreadable one is
 * NOT_FOUND with *ret_unreadable set (may be NULL), and its bytes stay until something is saved. */
enum wb_err store_session_load(struct store *s, const struct jid *device,
                               struct signal_session **ret, bool *ret_unreadable) WB_MUST_CHECK;
/* Takes ownership of the session, also on failure. */
enum wb_err store_session_save(struct store *s, const struct jid *device,
                               struct signal_session *session) WB_MUST_CHECK;
enum wb_err store_session_delete(struct store *s, const struct jid *device) WB_MUST_CHECK;
/* The same, for sealing: NO_SESSION when there is none, and when the current state cannot send or
 * is with another identity than the stored one. A new session is due then (prekey_fetch.h). */
enum wb_err store_session_for_sending(struct store *s, const struct jid *device,
                                      struct signal_session **ret) WB_MUST_CHECK;
/* Has this device a session that store_session_for_sending() would give? Fills the cache. */
enum wb_err store_session_has(struct store *s, const struct jid *device,
                              bool *ret_has) WB_MUST_CHECK;
/* The same for many devices, n of any size: ret_has[i] for devices[i]. Decodes at most
 * STORE_SESSION_CACHE_MAX of them into the cache; the rest is only looked at. */
enum wb_err store_sessions_prefetch(struct store *s, const struct jid *devices, size_t n,
                                    bool *ret_has) WB_MUST_CHECK;

/* Sessions, identities and sender keys of a PN user move to the LID (P-DB-22; rule 4, one session
 * per person). Where the LID device has a record too, the two become one as signal_session_merge()
 * and sender_key_record_merge() say: the LID's goes on, unless the number's goes on from it. Cheap
 * when there is nothing to move, and done at most once per user while the store is open. *ret_moved
 * (may be NULL): rows moved. */
enum wb_err store_signal_migrate(struct store *s, const struct jid *pn, const struct jid *lid,
                                 size_t *ret_moved) WB_MUST_CHECK;

/* ---- identities ---- */

/* NOT_FOUND: never seen (trust on first use). */
enum wb_err store_identity_get(struct store *s, const struct jid *device,
                               uint8_t ret_identity[static X25519_KEY_BYTES]) WB_MUST_CHECK;
/* The device has this identity now; another one that was stored is gone (identity_gone.h). */
enum wb_err store_identity_put(struct store *s, const struct jid *device,
                               const uint8_t identity[static X25519_KEY_BYTES]) WB_MUST_CHECK;
/* The phone was re-installed (P-NT-04): forgets identities and sessions of all devices of this user
 * (under the form given: call it for PN and LID), and that they were sent our sender keys. */
enum wb_err store_signal_forget_user(struct store *s, const struct jid *user) WB_MUST_CHECK;
/* Forgets the same of one device. */
enum wb_err store_signal_forget_device(struct store *s, const struct jid *device) WB_MUST_CHECK;

/* ---- sender keys ---- */

/* group: group (or status broadcast) JID; sender: device JID, our own LID device for our key.
 * As with sessions: a copy; NOT_FOUND also for an unreadable record. */
enum wb_err store_sender_key_load(struct store *s, const struct jid *group,
                                  const struct jid *sender,
                                  struct sender_key_record **ret) WB_MUST_CHECK;
/* Takes ownership of the record, also on failure. */
enum wb_err store_sender_key_save(struct store *s, const struct jid *group,
                                  const struct jid *sender,
                                  struct sender_key_record *record) WB_MUST_CHECK;
enum wb_err store_sender_key_delete(struct store *s, const struct jid *group,
                                    const struct jid *sender) WB_MUST_CHECK;

/* How record caches load and write the two kinds of records; private to store/. */
extern const struct record_ops store_session_ops;
extern const struct record_ops store_sender_key_ops;

#endif
