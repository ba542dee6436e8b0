/* prekey_fetch.h - starts sessions with devices with which we have none: asks the server for their
 * prekeys (P-SD-08..10, P-SG-04..06). */
#ifndef BRIDGE_SESSIONS_PREKEY_FETCH_H
#define BRIDGE_SESSIONS_PREKEY_FETCH_H

#include "bridge/people/limits.h"
#include "bridge/sessions/limits.h"
#include "proto/node.h"

struct bridge;
struct signal_bundle;

/* err: WB_OK when the server answered all questions, else why one failed (STATE not connected, NET,
 * TIMEOUT, REFUSED, PROTOCOL, store errors). missing: how many of the devices still have no session
 * that can send; store_sessions_prefetch() tells which (a send only skips them, P-SD-10). gone: how
 * many of these the server does not know (406); their people's device lists were dropped, so that
 * the next device_sync_get() gets new ones (P-X2-12). */
struct prekey_fetch_result {
    enum wb_err err;
    size_t missing, gone;
};
typedef void prekey_fetch_fn(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r);

struct prekey_fetch;
enum wb_err prekey_fetch_new(struct bridge *b, struct prekey_fetch **ret_f) WB_MUST_CHECK;
void prekey_fetch_free(struct prekey_fetch *f); /* NULL-safe; waiting callers are not told */

/* devices: as listed (device_sync), or already canonical; sessions are kept under the canonical
 * address (identity_session_address). Devices that have a session that can send are passed over,
 * and so are, for an hour, devices that the server did not know. With renew a new session is
 * started in any case and the old one archived. When the server does not know many devices, the
 * call ends after PREKEY_QUESTION_REQUESTS requests for each 256 devices with err TIMEOUT; the next
 * call goes on from there. A device that is being fetched already is not asked for twice: one-time
 * prekeys are precious. The sessions of a large answer are started some at a time, in the batch
 * that is open then. fn is called exactly once when this returned WB_OK, never from within. NOMEM,
 * TOO_LARGE over PREKEY_FETCH_DEVICES_MAX, errors of the store. */
enum wb_err prekey_fetch(struct bridge *b, const struct jid *devices, size_t n, bool renew,
                         prekey_fetch_fn *fn, uint64_t key) WB_MUST_CHECK;

/* This person has linked or installed a device: devices of theirs that the server did not know may
 * be asked about again. */
void prekey_fetch_back(struct bridge *b, const struct jid *user);

/* Registration id and keys of a <user> of the answer, or of a retry <receipt> (whose keys stand in
 * a child <keys>). MALFORMED: one is missing or of the wrong size. REFUSED: the server sent an
 * <error>. */
enum wb_err prekey_bundle_parse(const struct node *n,
                                struct signal_bundle *ret_bundle) WB_MUST_CHECK;

/* The <device-identity> beside these keys, or among them: what the account says of its device
 * (adv.h); SPAN_NULL: none. */
struct span prekey_statement(const struct node *n);
/* The same, kept after the stanza is gone. A statement that is too large is cut to a length that
 * trust_companion() still refuses as too large. */
struct prekey_kept_statement {
    size_t n;
    uint8_t bytes[ADV_STATEMENT_MAX + 1];
};
void prekey_keep_statement(struct prekey_kept_statement *k, struct span statement);

/* Starts a new session from a bundle that the device itself has sent, under the canonical address
 * of device. A changed identity is taken over and told, as by all clients; then no device of that
 * person counts as having our sender keys any more (P-SD-35). In the open batch.
 * UNTRUSTED_IDENTITY: the device had this identity before, so the bundle comes late from an
 * installation that is gone (the server's answer to prekey_fetch() is believed instead: it names
 * the present installation). FOREIGN_IDENTITY, NOT_VOUCHED (trust.h), BAD_SIGNATURE, errors of the
 * store. */
enum wb_err prekey_start_session(struct bridge *b, const struct jid *device,
                                 const struct signal_bundle *bundle,
                                 struct span statement) WB_MUST_CHECK;

#endif
