/* conn.h - the room conn/: the one connection to WhatsApp, from the socket to "online" and back:
 * its states, logins, reconnects, keepalive, prekeys and web version. It knows nothing of messages
 * and chats, nor of how a device is paired (conn_private.h: struct conn_pairing). */
#ifndef BRIDGE_CONN_CONN_H
#define BRIDGE_CONN_CONN_H

#include <stdbool.h>

#include "base/err.h"
#include "bridge/conn/limits.h"
#include "bridge/core/link.h"

struct bridge;
struct conn;
struct conn_pairing;

/* X(name, what we wait for) */
#define CONN_STATE_LIST(X)                                                                         \
    X(STOPPED, "nothing: the operator (or the end) must act")                                      \
    X(WAIT_BACKOFF, "the time of the next attempt")                                                \
    X(WAIT_VERSION, "the current web version, after failure 405")                                  \
    X(WAIT_SOCKET, "TCP, TLS and the WebSocket upgrade")                                           \
    X(WAIT_SERVER_HELLO, "the second Noise message")                                               \
    X(WAIT_PAIR_DEVICE, "the refs for a QR, unpaired")                                             \
    X(WAIT_PAIR_SCAN, "a phone to scan the QR or to take the code")                                \
    X(WAIT_PASSKEY, "the owner, WhatsApp or the phone, in the passkey step of pairing")            \
    X(WAIT_PAIR_STORE, "a backup of the session before, which the new one replaces")               \
    X(WAIT_PAIR_RESTART, "515 after our signature was sent")                                       \
    X(WAIT_SUCCESS, "<success> or <failure>, paired")                                              \
    X(WAIT_PREKEYS, "the prekey count, and the upload if needed")                                  \
    X(WAIT_ACTIVE, "the answer to <active/>")                                                      \
    X(ONLINE, "stanzas")                                                                           \
    X(WAIT_CLOSE, "the socket to be gone")

enum conn_state {
#define X(name, what) CONN_##name,
    CONN_STATE_LIST(X)
#undef X
        CONN_STATE_COUNT
};

/* Names of the state and of the reason in logs and /health ("wait_success", "replaced"). */
const char *conn_state_name(enum conn_state s);
const char *conn_reason_name(enum conn_reason r);
/* Did the attempt fail before a login? Then its detail is a whole sentence that names the host and
 * the problem. */
bool conn_reason_is_network(enum conn_reason r);

/* how_to_pair: the functions for pairing while there is no account (conn_private.h); they outlive
 * the connection. */
enum wb_err conn_new(struct bridge *b, const struct conn_pairing *how_to_pair,
                     struct conn **ret_c) WB_MUST_CHECK;
void conn_free(struct conn *c);

/* Begins: connects, or offers pairing when there is no account. */
void conn_start(struct conn *c);
/* The operator: try again now, also after replaced, a ban or a failure. STATE when logged out. */
enum wb_err conn_reconnect(struct conn *c) WB_MUST_CHECK;
/* Closes and reconnects with backoff, for a reason found elsewhere (store failure, dead socket). */
void conn_drop(struct conn *c, enum conn_reason why);
/* Closes for good; the loop is stopped when the socket is gone. */
void conn_shutdown(struct conn *c);

enum conn_state conn_state(const struct conn *c);
enum conn_reason conn_reason(const struct conn *c);
/* What callers of the API are told of the connection. */
struct conn_report {
    bool paired;
    int64_t connected_at_ms;   /* wall clock of <success>; 0: not connected */
    int64_t next_attempt_in_s; /* -1: none planned */
    int64_t banned_until_s;    /* unix; 0: not banned */
};
void conn_report(const struct conn *c, struct conn_report *ret);
/* N of 2.3000.N that this stream was opened with. */
uint32_t conn_version(const struct conn *c);
/* Was <success> seen on this connection? */
bool conn_logged_in(const struct conn *c);
/* Is it active, so that messages may be sent? */
bool conn_online(const struct conn *c);
/* Is it active, and has the server said that it has delivered the offline queue? */
bool conn_caught_up(const struct conn *c);

/* <ib><offline_preview>: so many stanzas wait on the server. */
void conn_offline_announced(struct conn *c, uint64_t count);
/* All announced stanzas have come, or the connection has ended. */
void conn_offline_forget(struct conn *c);
/* <ib><offline> has come, or the phase has lasted CONN_OFFLINE_PHASE_MS (P-LG-19: then the offline
 * queue counts as delivered). */
void conn_offline_done(struct conn *c);

/* The store has another signed prekey now: the keys in memory follow. */
void conn_signed_prekey_changed(struct conn *c);

/* Logs the last stanzas sent, because the server complains of one. */
void conn_log_sent(struct conn *c);

/* How far the sent bytes have come (conn_uplink.c). All are harmless without a connection. */
/* Bytes that wait for the socket; compare the limits *_ROOM_BYTES with them. */
size_t conn_waiting(const struct conn *c);
/* conn_sent_mark() names the last byte sent on this connection so far; conn_has_left(): has the
 * system taken all bytes up to that mark? */
uint64_t conn_sent_mark(const struct conn *c);
bool conn_has_left(const struct conn *c, uint64_t mark);
/* Are there sent bytes that the other end has not confirmed? *seen keeps the progress that the last
 * call saw, 0 at first; *ret_moved: more bytes were confirmed since then. */
bool conn_uplink_busy(const struct conn *c, uint64_t *seen, bool *ret_moved);

/* Stops reading while too many answers wait, or unhandled frames, or a checkpoint; else resumes
 * it. */
void conn_pace_reading(struct conn *c);

/* Are more bytes of the server here already? The batch may then go on. */
bool conn_readable(const struct conn *c);
/* The operator: show a QR again (after a logout). STATE when paired. */
enum wb_err conn_pair(struct conn *c) WB_MUST_CHECK;
/* WhatsApp has confirmed that we unlink ourselves: closes, to stay stopped. */
void conn_unlink(struct conn *c);
/* After conn_unlink(): the session is set aside, so there is no account any more. */
void conn_unlinked(struct conn *c);

#endif
