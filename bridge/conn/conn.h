/* conn.h - the one connection to WhatsApp: what it waits for, and what happens when that comes or
 * does not come. */
#ifndef BRIDGE_CONN_CONN_H
#define BRIDGE_CONN_CONN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "bridge/conn/limits.h"
#include "bridge/core/link.h"

struct bridge;
struct conn;
struct conn_pairing;
struct node;
struct stanza_handler;

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

/* The state's and the reason's names in logs and /health ("wait_success", "replaced"). */
const char *conn_state_name(enum conn_state s);
const char *conn_reason_name(enum conn_reason r);
/* Did we not get as far as a login? Then the detail is a sentence of its own: who, and what. */
bool conn_reason_is_network(enum conn_reason r);

/* how_to_pair: what is done while there is no account (conn_private.h); outlives the connection. */
enum wb_err conn_new(struct bridge *b, const struct conn_pairing *how_to_pair,
                     struct conn **ret_c) WB_MUST_CHECK;
void conn_free(struct conn *c);

/* Begins: connects, or offers pairing when there is no account. */
void conn_start(struct conn *c);
/* The operator: try again now, also after replaced, a ban or a failure. STATE when logged out. */
enum wb_err conn_reconnect(struct conn *c) WB_MUST_CHECK;
/* Closes and reconnects with backoff, for a reason found elsewhere (store failure, dead socket). */
void conn_drop(struct conn *c, enum conn_reason why);
/* A write works again. was_full: for a while none did, so that what is waited for is over; else the
 * pauses stay, or each batch that does not fit would be followed by a login. */
void conn_store_works(struct conn *c, bool was_full);
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
/* Logged in: <success> was seen on this connection. */
bool conn_logged_in(const struct conn *c);
/* Active: messages may be sent. */
bool conn_online(const struct conn *c);
/* And is what waited for us while we were away delivered, as far as the server says? */
bool conn_caught_up(const struct conn *c);

/* <ib><offline_preview>: so many stanzas wait on the server. */
void conn_offline_announced(struct conn *c, uint64_t count);
/* All have come, or the connection has ended. */
void conn_offline_forget(struct conn *c);
/* <ib><offline>, or the phase has lasted long enough (P-LG-19). */
void conn_offline_done(struct conn *c);

/* The store has another signed prekey now: the keys in memory follow. */
void conn_signed_prekey_changed(struct conn *c);

/* The last stanzas sent, to the log: the server complains of one. */
void conn_log_sent(struct conn *c);

/* Seals one packed stanza and sends it. STATE without an encrypted stream; TOO_LARGE when too much
 * waits for the socket, which harms nothing. */
enum wb_err conn_send_plain(struct conn *c, struct span packed) WB_MUST_CHECK;
/* How what was sent proceeds (conn_uplink.c). All are harmless without a connection. */
/* Bytes that wait for the socket: the limits *_ROOM_BYTES are compared with it. */
size_t conn_waiting(const struct conn *c);
/* Names the end of all that was sent on this connection so far; has that left? */
uint64_t conn_sent_mark(const struct conn *c);
bool conn_has_left(const struct conn *c, uint64_t mark);
/* Is anything of it not yet at the other end? *seen is what the last call saw, 0 at first:
 * *ret_moved tells whether it has come further since. */
bool conn_uplink_busy(const struct conn *c, uint64_t *seen, bool *ret_moved);

/* Reads on, or not: while too many answers wait, frames that were read, or a checkpoint. */
void conn_pace_reading(struct conn *c);

/* Notes what goes out, for conn_log_sent(). */
void conn_note_sent(struct conn *c, const struct node *n);
/* Are more bytes of the server here already? The batch may then go on. */
bool conn_readable(const struct conn *c);
/* The operator: show a QR again (after a logout). STATE when paired. */
enum wb_err conn_pair(struct conn *c) WB_MUST_CHECK;
/* WhatsApp has confirmed that we unlink ourselves: closes, to stay stopped. */
void conn_unlink(struct conn *c);
/* The session is set aside, too: no account any more. */
void conn_unlinked(struct conn *c);

#endif
