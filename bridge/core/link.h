/* link.h - the stream to WhatsApp as core sees it: where stanzas leave, and why a stream is ended.
 * The reasons name sockets, logins and pairing; how any of it is done stands in conn/: conn_new()
 * fills in the functions, tests put fakes here. */
#ifndef BRIDGE_CORE_LINK_H
#define BRIDGE_CORE_LINK_H

#include "base/err.h"
#include "base/span.h"

struct conn;
struct node;

/* X(name, word in logs and /health): why a connection ended; decides what follows
 * (conn/conn_plan.c). */
#define CONN_REASON_LIST(X)                                                                        \
    X(NONE, "")                     /* online */                                                   \
    X(START, "starting")            /* not started yet */                                          \
    X(NETWORK, "no_network")        /* no route from here, dead socket */                          \
    X(NAME, "name_lookup")          /* the server's name is unknown or cannot be looked up */      \
    X(UNREACHABLE, "unreachable")   /* no TCP connection: refused, unreachable, silent */          \
    X(SILENT, "no_answer")          /* connected, and then nothing */                              \
    X(REFUSED, "refused")           /* closed or refused before we are logged in */                \
    X(CLOSED, "closed")             /* closed after some time online: normal */                    \
    X(REFS_OVER, "qr_not_scanned")  /* nobody scanned any QR of this set */                        \
    X(PASSKEY, "passkey_not_done")  /* the passkey step of pairing was not finished */             \
    X(TLS, "tls")                   /* certificate or TLS trouble */                               \
    X(CLOCK, "clock")               /* our clock is outside the certificate's validity */          \
    X(CERT, "bad_certificate")      /* the Noise certificate chain does not verify */              \
    X(PROTOCOL, "protocol_error")   /* the stream made no sense */                                 \
    X(RESTART, "restart")           /* 515: normal, at once */                                     \
    X(SERVER, "server_error")       /* 500 and above: the server's trouble */                      \
    X(RATE, "rate_limited")         /* 429 */                                                      \
    X(REPLACED, "replaced")         /* another connection of this device */                        \
    X(OUTDATED, "outdated")         /* 405 */                                                      \
    X(BANNED, "banned")             /* 402, until a time */                                        \
    X(LOGGED_OUT, "logged_out")     /* 401, 403, 406, device_removed, or by us */                  \
    X(FAILURE, "login_failure")     /* any other <failure>: report, try at a slow pace */          \
    X(STORE, "store_error")         /* the store failed: reconnect when there is room */           \
    X(WRONG_NUMBER, "wrong_number") /* paired with another number than asked for */                \
    X(OPERATOR, "asked")            /* the operator wants a new connection */                      \
    X(SHUTDOWN, "stopping")

enum conn_reason {
#define X(name, word) CONN_WHY_##name,
    CONN_REASON_LIST(X)
#undef X
        CONN_WHY_COUNT
};

struct link {
    struct conn *conn; /* handed to each of the functions */
    /* Seals one packed stanza and sends it. STATE without an encrypted stream; TOO_LARGE when too
     * much waits for the socket, which harms nothing. */
    enum wb_err (*send)(struct conn *c, struct span packed);
    /* Notes a stanza that went out, for the log if the server complains of it. */
    void (*note_sent)(struct conn *c, const struct node *n);
    /* Bytes that wait for the socket. */
    size_t (*waiting)(const struct conn *c);
    /* Ends the stream for a reason of ours; the next one follows after a pause. */
    void (*drop)(struct conn *c, enum conn_reason why);
    /* A write works again. was_full: writes had failed for a while; the pauses that waited for the
     * disk then end. */
    void (*store_works)(struct conn *c, bool was_full);
};

#endif
