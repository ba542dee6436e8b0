/* What each state does with each event. An event without a row closes the connection as a protocol
 * error; no event is silently ignored. */
#include "bridge/conn/conn_private.h"

static void ignore(struct conn *c, const struct conn_input *in)
{
    (void)c;
    (void)in;
}

static void protocol_error(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_close(c, CONN_WHY_PROTOCOL, "something came that does not fit the state");
}

static void operator_connect(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_connect(c);
}

/* Closes the socket that is there; a fresh one is made when it is gone. */
static void operator_restart(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_close(c, CONN_WHY_OPERATOR, "");
}

static void operator_during_close(struct conn *c, const struct conn_input *in)
{
    (void)in;
    c->why = CONN_WHY_OPERATOR;
}

static void backoff_over(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_connect(c);
}

/* Names, for people, what a state has waited for in vain. */
static const char *awaited(enum conn_state s)
{
    switch (s) {
    case CONN_WAIT_SERVER_HELLO:
        return "the handshake (another program, or a proxy?)";
    case CONN_WAIT_PAIR_DEVICE:
        return "a QR to be shown";
    case CONN_WAIT_PREKEYS:
    case CONN_WAIT_ACTIVE:
        return "the steps that follow a login";
    case CONN_WAIT_SUCCESS:
        return "the login";
    case CONN_WAIT_SOCKET:
        return "a WebSocket";
    case CONN_WAIT_PAIR_SCAN:
        return "a phone to link this device";
    case CONN_WAIT_PASSKEY:
        return "the passkey step";
    case CONN_WAIT_PAIR_STORE:
        return "the backup that comes before the linking";
    case CONN_WAIT_PAIR_RESTART:
        return "the end of the linking";
    case CONN_STOPPED:
    case CONN_WAIT_BACKOFF:
    case CONN_WAIT_VERSION:
    case CONN_ONLINE:
    case CONN_WAIT_CLOSE:
    case CONN_STATE_COUNT:
        break;
    }
    return "the connection";
}

static void step_timeout(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_detail(c, "the server took the connection, and then no answer came within %lld s for %s",
                (long long)((clock_mono_ms(c->b->clock) - c->state_ms) / 1000), awaited(c->state));
    conn_close(c, CONN_WHY_SILENT, "");
}

static void drop(struct conn *c, const struct conn_input *in)
{
    conn_close(c, in->why, "");
}

/* May the next attempt succeed soon after this HTTP status (P-WS-12)? Other statuses will be the
 * same in a second. They are tried again, too, but with the longest pause: a proxy or WhatsApp's
 * edge may have sent the status, and nobody may be there to help. */
static bool upgrade_may_pass(int http_status)
{
    return http_status == 408 || (http_status >= 500 && http_status <= 504);
}

static void ended(struct conn *c, const struct conn_input *in)
{
    const struct ws_end_info *e = in->end;

    conn_detail(c, "%s", e->text);
    switch (e->end) {
    case WS_END_NO_NETWORK:
        c->why = CONN_WHY_NETWORK;
        break;
    case WS_END_NAME:
        c->why = CONN_WHY_NAME;
        break;
    case WS_END_UNREACHABLE:
        c->why = CONN_WHY_UNREACHABLE;
        break;
    case WS_END_TLS:
        c->why = CONN_WHY_TLS;
        break;
    case WS_END_CLOCK:
        conn_detail(c, "%s: check the clock", e->text);
        c->why = CONN_WHY_CLOCK;
        break;
    case WS_END_HTTP:
        c->why = CONN_WHY_REFUSED;
        if (!upgrade_may_pass(e->http_status))
            backoff_longest(&c->backoff);
        break;
    case WS_END_CLOSED:
        /* The usual disconnect every few minutes. */
        c->why = c->was_logged_in ? CONN_WHY_CLOSED : CONN_WHY_REFUSED;
        if (!c->was_logged_in)
            conn_detail(c, "the server closed the connection when we waited for %s",
                        awaited(c->state));
        break;
    case WS_END_TIMEOUT:
        c->why = CONN_WHY_SILENT;
        break;
    case WS_END_REFUSED:
        c->why = CONN_WHY_REFUSED;
        break;
    }
    conn_plan_next(c);
}

/* The reason is known already. */
static void ended_as_expected(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_plan_next(c);
}

static void ended_after_pairing(struct conn *c, const struct conn_input *in)
{
    (void)in;
    c->why = CONN_WHY_RESTART;
    conn_plan_next(c);
}

/* The server has not asked for the restart in time: we restart by ourselves. */
static void restart_not_asked(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_close(c, CONN_WHY_RESTART, "");
}

static void ended_while_pairing(struct conn *c, const struct conn_input *in)
{
    if (c->refs_shown && in->end->end == WS_END_CLOSED) {
        c->why = CONN_WHY_REFS_OVER;
        conn_plan_next(c);
        return;
    }
    ended(c, in);
}

/* A passkey challenge holds for its connection only: pairing starts anew. */
static void ended_during_passkey(struct conn *c, const struct conn_input *in)
{
    if (in->end->end == WS_END_CLOSED) {
        c->why = CONN_WHY_PASSKEY;
        conn_detail(c, "WhatsApp closed the connection during the passkey step");
        conn_plan_next(c);
        return;
    }
    ended(c, in);
}

static void version_known(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_plan_version(c);
}

static void shutdown_now(struct conn *c, const struct conn_input *in)
{
    (void)in;
    c->why = CONN_WHY_SHUTDOWN;
    conn_plan_next(c);
}

static void shutdown_close(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_close(c, CONN_WHY_SHUTDOWN, "");
}

static void shutdown_during_close(struct conn *c, const struct conn_input *in)
{
    (void)in;
    c->why = CONN_WHY_SHUTDOWN;
}

/* ---- while there is no account: pairing's answers ---- */

void conn_on_pair_device(struct conn *c, const struct conn_input *in)
{
    c->how_to_pair->pair_device(c, in);
}

void conn_on_pair_success(struct conn *c, const struct conn_input *in)
{
    c->how_to_pair->pair_success(c, in);
}

void conn_on_qr_timer(struct conn *c, const struct conn_input *in)
{
    c->how_to_pair->qr_timer(c, in);
}

void conn_on_early_success(struct conn *c, const struct conn_input *in)
{
    c->how_to_pair->early_success(c, in);
}

void conn_on_passkey_timer(struct conn *c, const struct conn_input *in)
{
    c->how_to_pair->passkey_timer(c, in);
}

/* ---- the table ---- */

/* Rows that all states with a socket have in common. */
#define WITH_SOCKET                                                                                \
    [CONN_EV_OPERATOR] = operator_restart, [CONN_EV_VERSION] = ignore, [CONN_EV_DROP] = drop,      \
    [CONN_EV_SHUTDOWN] = shutdown_close
/* ... and rows of all states whose stream is encrypted. */
#define WITH_STREAM                                                                                \
    WITH_SOCKET, [CONN_EV_FAILURE] = conn_on_failure,                                              \
                 [CONN_EV_STREAM_ERROR] = conn_on_stream_error,                                    \
                 [CONN_EV_STREAM_END] = conn_on_stream_end
#define USUAL_END [CONN_EV_TIMER] = step_timeout, [CONN_EV_ENDED] = ended
/* Requests of the connection before may still end, with "it went away". */
#define LATE_ANSWERS [CONN_EV_PREKEYS] = ignore, [CONN_EV_ACTIVE] = ignore
/* No socket: nothing of a stream can come. */
#define WITHOUT_SOCKET                                                                             \
    LATE_ANSWERS, [CONN_EV_OPERATOR] = operator_connect, [CONN_EV_VERSION] = ignore,               \
                  [CONN_EV_DROP] = ignore, [CONN_EV_SHUTDOWN] = shutdown_now

static conn_handler *const table[CONN_STATE_COUNT][CONN_EVENT_COUNT] = {
    [CONN_STOPPED] = {WITHOUT_SOCKET},
    [CONN_WAIT_BACKOFF] = {WITHOUT_SOCKET, [CONN_EV_TIMER] = backoff_over},
    [CONN_WAIT_VERSION] = {LATE_ANSWERS, [CONN_EV_OPERATOR] = operator_connect,
                           [CONN_EV_VERSION] = version_known, [CONN_EV_TIMER] = version_known,
                           [CONN_EV_DROP] = ignore, [CONN_EV_SHUTDOWN] = shutdown_now},
    [CONN_WAIT_SOCKET] = {WITH_SOCKET, USUAL_END,
                          LATE_ANSWERS, [CONN_EV_SOCKET_OPEN] = conn_on_socket_open},
    [CONN_WAIT_SERVER_HELLO] = {WITH_SOCKET, USUAL_END,
                                LATE_ANSWERS, [CONN_EV_HELLO] = conn_on_hello},
    [CONN_WAIT_PAIR_DEVICE] = {WITH_STREAM, USUAL_END,
                               LATE_ANSWERS, [CONN_EV_PAIR_DEVICE] = conn_on_pair_device,
                               [CONN_EV_SUCCESS] = conn_on_early_success},
    [CONN_WAIT_PAIR_SCAN] =
        {WITH_STREAM, LATE_ANSWERS, [CONN_EV_TIMER] = conn_on_qr_timer,
         [CONN_EV_PAIR_DEVICE] = conn_on_pair_device, [CONN_EV_PAIR_SUCCESS] = conn_on_pair_success,
         [CONN_EV_SUCCESS] = conn_on_early_success, [CONN_EV_ENDED] = ended_while_pairing},
    [CONN_WAIT_PASSKEY] =
        {WITH_STREAM, LATE_ANSWERS, [CONN_EV_TIMER] = conn_on_passkey_timer,
         [CONN_EV_PAIR_DEVICE] = conn_on_pair_device, [CONN_EV_PAIR_SUCCESS] = conn_on_pair_success,
         [CONN_EV_SUCCESS] = conn_on_early_success, [CONN_EV_ENDED] = ended_during_passkey},
    [CONN_WAIT_PAIR_STORE] =
        {WITH_STREAM, USUAL_END, LATE_ANSWERS, [CONN_EV_PAIR_DEVICE] = conn_on_pair_device,
         [CONN_EV_PAIR_SUCCESS] = ignore, [CONN_EV_SUCCESS] = conn_on_early_success},
    [CONN_WAIT_PAIR_RESTART] =
        {WITH_STREAM, LATE_ANSWERS, [CONN_EV_SUCCESS] = conn_on_early_success,
         [CONN_EV_TIMER] = restart_not_asked, [CONN_EV_ENDED] = ended_after_pairing},
    [CONN_WAIT_SUCCESS] = {WITH_STREAM, USUAL_END,
                           LATE_ANSWERS, [CONN_EV_SUCCESS] = conn_on_success},
    [CONN_WAIT_PREKEYS] = {WITH_STREAM, USUAL_END, [CONN_EV_SUCCESS] = ignore,
                           [CONN_EV_PREKEYS] = conn_on_prekeys, [CONN_EV_ACTIVE] = ignore},
    [CONN_WAIT_ACTIVE] = {WITH_STREAM, USUAL_END, [CONN_EV_SUCCESS] = ignore,
                          [CONN_EV_PREKEYS] = ignore, [CONN_EV_ACTIVE] = conn_on_active},
    [CONN_ONLINE] = {WITH_STREAM, USUAL_END, LATE_ANSWERS, [CONN_EV_SUCCESS] = ignore},
    [CONN_WAIT_CLOSE] =
        {LATE_ANSWERS, [CONN_EV_OPERATOR] = operator_during_close, [CONN_EV_TIMER] = ignore,
         [CONN_EV_VERSION] = ignore, [CONN_EV_SOCKET_OPEN] = ignore, [CONN_EV_DROP] = ignore,
         [CONN_EV_ENDED] = ended_as_expected, [CONN_EV_SHUTDOWN] = shutdown_during_close},
};

conn_handler *conn_table_find(enum conn_state s, enum conn_event e)
{
    conn_handler *h = table[s][e];

    return h ? h : protocol_error;
}
