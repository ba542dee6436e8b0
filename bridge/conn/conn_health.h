/* conn_health.h - the connection's condition in one word and one sentence for the operator: for
 * /health, and for the log when the next attempt is planned. */
#ifndef BRIDGE_CONN_CONN_HEALTH_H
#define BRIDGE_CONN_CONN_HEALTH_H

#include <stdbool.h>

struct bridge;
struct conn;

/* X(name, word in the JSON) */
#define HEALTH_STATUS_LIST(X)                                                                      \
    X(OK, "ok")                                                                                    \
    X(STARTING, "starting")                                                                        \
    X(PAIRING, "pairing")                                                                          \
    X(CONNECTING, "connecting")                                                                    \
    X(DISCONNECTED, "disconnected")                                                                \
    X(REPLACED, "replaced")                                                                        \
    X(OUTDATED, "outdated")                                                                        \
    X(BANNED, "banned")                                                                            \
    X(LOGIN_FAILURE, "login_failure")                                                              \
    X(LOGGED_OUT, "logged_out")                                                                    \
    X(STORE_ERROR, "store_error")

enum health_status {
#define X(name, word) HEALTH_##name,
    HEALTH_STATUS_LIST(X)
#undef X
        HEALTH_STATUS_COUNT
};
const char *health_status_word(enum health_status s);

enum health_status conn_health(const struct bridge *b);
/* Is the last reason out of date? While a QR is shown, the end of the connection before matters
 * only if pairing caused it. */
bool conn_health_reason_is_old(const struct conn *c, enum health_status s);

/* What is wrong and what to do: the `detail` of /health, which is logged, too. "" for OK. */
enum { HEALTH_DETAIL_MAX = 700 };
const char *conn_health_detail(struct bridge *b, char out[static HEALTH_DETAIL_MAX]);

#endif
