/* err.h - the one list of errors. Functions return enum wb_err; 0 is success.
 * Outputs of a failed call are untouched.
 *
 * The folder base/ holds the words that every file uses; it knows nothing of WhatsApp. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/* X(name, class, text). The class says whose fault it is:
 * PEER  - bytes or behaviour of the other side (server, contact, HTTP client)
 * LOCAL - the machine: memory, disk, network, clock
 * STATE - asked at the wrong time, or for something that is not there
 * BUG   - ours */
#define WB_ERR_LIST(X)                                                                             \
    X(OK, STATE, "ok")                                                                             \
    X(NOMEM, LOCAL, "out of memory")                                                               \
    X(IO, LOCAL, "input/output error")                                                             \
    X(NO_SPACE, LOCAL, "no space left on device")                                                  \
    X(NOT_PLAIN, LOCAL, "not a plain file")                                                        \
    X(DB, LOCAL, "database error")                                                                 \
    X(DB_CORRUPT, LOCAL, "database damaged")                                                       \
    X(MOVED, LOCAL, "file moved or removed while in use")                                          \
    X(DB_SCHEMA, STATE, "database schema not supported")                                           \
    X(OTHER_NUMBER, STATE, "belongs to another number")                                            \
    X(LOCKED, STATE, "held by another process")                                                    \
    X(NET, LOCAL, "network error")                                                                 \
    X(TIMEOUT, LOCAL, "timed out")                                                                 \
    X(CLOCK, LOCAL, "clock out of certificate validity")                                           \
    X(TRUNCATED, PEER, "truncated input")                                                          \
    X(TRAILING, PEER, "bytes left over")                                                           \
    X(MALFORMED, PEER, "malformed input")                                                          \
    X(TOO_LARGE, PEER, "over a size limit")                                                        \
    X(TOO_DEEP, PEER, "nested too deeply")                                                         \
    X(VERSION, PEER, "unsupported version")                                                        \
    X(BAD_KEY, PEER, "bad public key")                                                             \
    X(BAD_SIGNATURE, PEER, "signature does not verify")                                            \
    X(BAD_MAC, PEER, "authentication tag does not verify")                                         \
    X(BAD_CERT, PEER, "certificate chain refused")                                                 \
    X(NO_SESSION, PEER, "no session")                                                              \
    X(NO_SENDER_KEY, PEER, "no sender key")                                                        \
    X(BAD_KEY_ID, PEER, "unknown prekey id")                                                       \
    X(OLD_COUNTER, PEER, "message key already used")                                               \
    X(BASE_KEY_USED, PEER, "sets up a session that was there before")                              \
    X(TOO_FAR_AHEAD, PEER, "message counter too far in the future")                                \
    X(UNTRUSTED_IDENTITY, PEER, "identity key changed")                                            \
    X(FOREIGN_IDENTITY, PEER, "not the identity key of our own device")                            \
    X(NOT_VOUCHED, PEER, "device not vouched for by its account")                                  \
    X(BAD_PADDING, PEER, "bad padding")                                                            \
    X(PROTOCOL, PEER, "protocol violation")                                                        \
    X(REFUSED, PEER, "refused by the server")                                                      \
    X(RATE_LIMITED, PEER, "the server wants fewer requests for a while")                           \
    X(GONE, PEER, "the server does not have it any more")                                          \
    X(NOT_FOUND, STATE, "not found")                                                               \
    X(EXISTS, STATE, "already there")                                                              \
    X(STATE, STATE, "not possible in this state")                                                  \
    X(CANCELLED, STATE, "cancelled")                                                               \
    X(INVALID, STATE, "invalid argument")                                                          \
    X(BUG, BUG, "internal error")

enum wb_err {
#define X(name, cls, text) WB_ERR_##name,
    WB_ERR_LIST(X)
#undef X
        WB_ERR_COUNT
};
#define WB_OK WB_ERR_OK

enum wb_err_class { WB_CLASS_PEER, WB_CLASS_LOCAL, WB_CLASS_STATE, WB_CLASS_BUG };

/* Static text, never NULL. */
const char *wb_err_text(enum wb_err e);
/* The name in the list above, e.g. "BAD_MAC": for logs and machine-readable reasons. */
const char *wb_err_name(enum wb_err e);
enum wb_err_class wb_err_class(enum wb_err e);
/* Is this trouble of this machine or program, and no fault of what the other side sent? */
bool wb_err_is_ours(enum wb_err e);
/* The same, or another process holds the file: the stanza or request at hand cannot be handled
 * now and must come again. */
bool wb_err_stops_us(enum wb_err e);
/* The error for an errno that a system call about a file has set. NOT_FOUND, EXISTS, NO_SPACE,
 * NOMEM; NOT_PLAIN: a symbolic link opened with O_NOFOLLOW, a directory, a socket, a pipe
 * without a reader. Every other errno is IO; never WB_OK. */
enum wb_err wb_err_of_errno(int error);

#define WB_MUST_CHECK __attribute__((warn_unused_result))

/* Forward-only cleanup: TRY(expr) jumps to `out` with `err` set. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        err = (expr);                                                                              \
        if (err != WB_OK)                                                                          \
            goto out;                                                                              \
    } while (0)

#endif
