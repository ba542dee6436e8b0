#include "bridge/conn/conn_health.h"

#include <stdio.h>

#include "base/text.h"
#include "bridge/conn/conn_private.h"

const char *health_status_word(enum health_status s)
{
    static const char *const words[] = {
#define X(name, word) [HEALTH_##name] = word,
        HEALTH_STATUS_LIST(X)
#undef X
    };

    return words[s];
}

/* A QR is shown, or the next set of them is on its way. */
static bool shows_qr(const struct conn *c)
{
    return c->state == CONN_WAIT_PAIR_SCAN || c->state == CONN_WAIT_PASSKEY ||
           c->state == CONN_WAIT_PAIR_STORE || c->state == CONN_WAIT_PAIR_RESTART ||
           (!c->paired && c->pair_wanted &&
            (c->why == CONN_WHY_REFS_OVER || c->why == CONN_WHY_PASSKEY ||
             c->why == CONN_WHY_WRONG_NUMBER));
}

enum health_status conn_health(const struct bridge *b)
{
    const struct conn *c = b->conn;

    if (b->store_failed || (c->state == CONN_STOPPED && c->why == CONN_WHY_STORE))
        return HEALTH_STORE_ERROR;
    if (c->state == CONN_ONLINE)
        return HEALTH_OK;
    if (c->why == CONN_WHY_LOGGED_OUT)
        return HEALTH_LOGGED_OUT;
    if (shows_qr(c))
        return HEALTH_PAIRING;
    if (c->why == CONN_WHY_REPLACED)
        return HEALTH_REPLACED;
    if (c->why == CONN_WHY_BANNED)
        return HEALTH_BANNED;
    if (c->why == CONN_WHY_OUTDATED)
        return HEALTH_OUTDATED;
    if (c->why == CONN_WHY_FAILURE)
        return HEALTH_LOGIN_FAILURE;
    if (c->why == CONN_WHY_START)
        return HEALTH_STARTING;
    if (c->state == CONN_WAIT_BACKOFF || c->state == CONN_STOPPED || c->state == CONN_WAIT_CLOSE)
        return HEALTH_DISCONNECTED;
    return HEALTH_CONNECTING;
}

/* What to do while no device is linked yet. */
static const char *pairing_advice(const struct conn *c)
{
    if (c->state == CONN_WAIT_PASSKEY)
        return "WhatsApp asks for the account's passkey: open /pair in a browser, or GET "
               "/api/passkey";
    if (c->state == CONN_WAIT_PAIR_STORE)
        return "a phone is linking this device; the session before it is backed up first";
    if (c->why == CONN_WHY_WRONG_NUMBER)
        return "a phone with another number scanned the QR; scan with the right one";
    if (c->why == CONN_WHY_PASSKEY)
        return "the passkey step was not finished; scan the QR again";
    return "scan the QR (GET /api/qr) or type a code (POST /api/pair-code) on the phone";
}

bool conn_health_reason_is_old(const struct conn *c, enum health_status s)
{
    return s == HEALTH_PAIRING && c->why != CONN_WHY_REFS_OVER && c->why != CONN_WHY_PASSKEY &&
           c->why != CONN_WHY_WRONG_NUMBER;
}

/* Why there is no connection now. */
static const char *reason_advice(enum conn_reason why)
{
    switch (why) {
    case CONN_WHY_NETWORK:
    case CONN_WHY_NAME:
    case CONN_WHY_UNREACHABLE:
    case CONN_WHY_SILENT:
    case CONN_WHY_TLS:
        return "WhatsApp cannot be reached; it is tried again by itself";
    case CONN_WHY_REFUSED:
        return "what answers at WhatsApp's address refuses the connection; it is tried again by "
               "itself";
    case CONN_WHY_CERT:
        return "what answers is not WhatsApp: somebody stands between; it is tried again by itself";
    case CONN_WHY_CLOCK:
        return "this machine's clock is wrong: the server's certificate is not valid at its time";
    case CONN_WHY_CLOSED:
        return "WhatsApp has closed the connection, as it often does; it is opened again by itself";
    case CONN_WHY_SERVER:
        return "WhatsApp has ended the connection with an error; it is opened again by itself";
    case CONN_WHY_PROTOCOL:
        return "what came from WhatsApp made no sense; the connection is opened again by itself";
    case CONN_WHY_RATE:
        return "WhatsApp says that this number connects too often; it is tried again by itself";
    case CONN_WHY_NONE:
    case CONN_WHY_START:
    case CONN_WHY_REFS_OVER:
    case CONN_WHY_PASSKEY:
    case CONN_WHY_RESTART:
    case CONN_WHY_REPLACED:
    case CONN_WHY_OUTDATED:
    case CONN_WHY_BANNED:
    case CONN_WHY_LOGGED_OUT:
    case CONN_WHY_FAILURE:
    case CONN_WHY_STORE:
    case CONN_WHY_WRONG_NUMBER:
    case CONN_WHY_OPERATOR:
    case CONN_WHY_SHUTDOWN:
    case CONN_WHY_COUNT:
        break;
    }
    return "WhatsApp does not let us in now; it is tried again by itself";
}

/* What the operator should know or do. */
static const char *advice(struct bridge *b, enum health_status s)
{
    const struct conn *c = b->conn;

    switch (s) {
    case HEALTH_OK:
        return "";
    case HEALTH_STARTING:
    case HEALTH_CONNECTING:
        return "connecting to WhatsApp";
    case HEALTH_PAIRING:
        return pairing_advice(c);
    case HEALTH_REPLACED:
        return c->state == CONN_STOPPED
                   ? "another program keeps using this device; stop it, then POST /api/reconnect"
                   : "another program uses this device: stop it; waiting before the next attempt "
                     "(POST /api/reconnect tries at once)";
    case HEALTH_OUTDATED:
        return "WhatsApp refuses this web version; update the bridge or set --wa-version";
    case HEALTH_BANNED:
        return "WhatsApp has banned this number for a time; nothing is tried before its end";
    case HEALTH_LOGIN_FAILURE:
        return "WhatsApp refuses the login for a reason of its own; it is tried again by itself, "
               "at most hourly; POST /api/reconnect tries at once";
    case HEALTH_LOGGED_OUT:
        return "WhatsApp has ended this link; the data is kept; see on the phone why, then POST "
               "/api/pair links anew";
    case HEALTH_STORE_ERROR:
        if (b->store_held)
            return "another program is in the way of writing: stop it, or make it end its "
                   "transaction; WhatsApp keeps what is not stored";
        return "the databases cannot be written (disk full?); WhatsApp keeps what is not stored";
    case HEALTH_DISCONNECTED:
    case HEALTH_STATUS_COUNT:
        break;
    }
    return reason_advice(c->why);
}

const char *conn_health_detail(struct bridge *b, char out[static HEALTH_DETAIL_MAX])
{
    const struct conn *c = b->conn;
    const enum health_status status = conn_health(b);
    const bool said = status != HEALTH_OK && !conn_health_reason_is_old(c, status);
    const char *why = !said ? "" : b->store_failed ? b->store_trouble : c->detail;

    if (status == HEALTH_CONNECTING && !why[0])
        why = c->before;
    snprintf(out, HEALTH_DETAIL_MAX, "%s%s%s", advice(b, status), why[0] ? ": " : "", why);
    utf8_clean(out);
    return out;
}
