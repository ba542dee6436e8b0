/* conn.h - the one connection to WhatsApp: what it waits for, and what happens when that comes or
 * does not come. */
#ifndef BRIDGE_CONN_H
#define BRIDGE_CONN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "bridge/limits.h"

struct bridge;
struct conn;
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

/* Why the connection is STOPPED, or what the next attempt must know. */
enum conn_reason {
    CONN_WHY_NONE,
    CONN_WHY_START,        /* not started yet */
    CONN_WHY_NETWORK,      /* no network */
    CONN_WHY_REFUSED,      /* WhatsApp does not let us in, or closed on us */
    CONN_WHY_TLS,          /* certificate or TLS trouble */
    CONN_WHY_CLOCK,        /* our clock is outside the certificate's validity */
    CONN_WHY_CERT,         /* the Noise certificate chain does not verify */
    CONN_WHY_PROTOCOL,     /* the stream made no sense */
    CONN_WHY_RESTART,      /* 515 or xmlstreamend: normal */
    CONN_WHY_SERVER,       /* 500, 503: the server's trouble */
    CONN_WHY_RATE,         /* 429 */
    CONN_WHY_REPLACED,     /* another connection of this device */
    CONN_WHY_OUTDATED,     /* 405 */
    CONN_WHY_BANNED,       /* 402, until a time */
    CONN_WHY_LOGGED_OUT,   /* 401, 403, 406, device_removed, or by us */
    CONN_WHY_FAILURE,      /* any other <failure>: stop and report */
    CONN_WHY_STORE,        /* the store failed: reconnect when there is room */
    CONN_WHY_WRONG_NUMBER, /* paired with another number than asked for */
    CONN_WHY_OPERATOR,     /* asked to */
    CONN_WHY_SHUTDOWN,
    CONN_WHY_COUNT,
};

/* The state's and the reason's names in logs and /health ("wait_success", "replaced"). */
const char *conn_state_name(enum conn_state s);
const char *conn_reason_name(enum conn_reason r);

enum wb_err conn_new(struct bridge *b, struct conn **ret_c) WB_MUST_CHECK;
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
/* Logged in: <success> was seen on this connection. */
bool conn_logged_in(const struct conn *c);
/* Active: messages may be sent. */
bool conn_online(const struct conn *c);

/* Seals one packed stanza and sends it. STATE without an encrypted stream. Used by outgoing.c. */
enum wb_err conn_send_plain(struct conn *c, struct span packed) WB_MUST_CHECK;
/* Drives the batch at the end of an iteration: commit, release. Used by bridge.c. */
void conn_iteration_end(struct conn *c);

#endif
