/* What each end of a connection leads to: waiting, waiting longer, another version, or stopping
 * (area ER). The whole bridge runs; only socket, clock and workers are the test's. */
#include "tests/unit/bridge/conn_fixture.h"

#include "base/text.h"
#include "bridge/calls/health.h"
#include "store/core/meta.h"

/* The time until the bridge dials again; -1: not within a day. */
static int64_t until_next_dial(struct line *t)
{
    unsigned before = dials;
    int64_t since = now_ms;

    while (dials == before && now_ms - since < DAY_S * INT64_C(1000)) {
        int64_t due = timers_next_ms(&the_loop.timers);

        if (due < 0)
            return -1;
        pass(t, due > now_ms ? due - now_ms : 0);
    }
    return dials > before ? now_ms - since : -1;
}

static struct node *stream_error(struct line *t, const char *code, const char *conflict)
{
    struct node *n = el(t, "stream:error", NULL);

    if (code)
        node_attr_text(&t->server.arena, n, "code", code);
    if (conflict)
        node_add(n, el(t, "conflict", "type", conflict, NULL));
    return n;
}

static struct line *online(void)
{
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    return t;
}

/* Up to <success> or whatever the server says instead. */
static void fail_login(struct line *t, const char *reason)
{
    server_accept(t);
    assert_int_equal(state_of(t), CONN_WAIT_SUCCESS);
    server_send(t, el(t, "failure", "reason", reason, NULL));
}

/* ---- stream errors --------------------------------------------------------------------------- */

static void restart_is_at_once(void **state)
{
    (void)state;
    struct line *t = online();

    server_send(t, stream_error(t, "515", NULL));
    assert_int_equal(dials, 2);
    log_in(t);
    line_free(t);
}

static void closing_streams_are_taken_up_again(void **state)
{
    (void)state;
    struct line *t = online();
    int64_t wait;

    server_send(t, el(t, "xmlstreamend", NULL));
    assert_int_equal(why_of(t), CONN_WHY_CLOSED);
    wait = until_next_dial(t);
    assert_in_range(wait, 1, 2000);
    log_in(t);
    server_send(t, stream_error(t, "503", NULL));
    assert_int_equal(why_of(t), CONN_WHY_SERVER);
    wait = until_next_dial(t);
    assert_in_range(wait, 1, 3000);
    log_in(t);
    server_send(t, with(stream_error(t, NULL, NULL), el(t, "xml-not-well-formed", NULL)));
    assert_int_equal(why_of(t), CONN_WHY_SERVER);
    assert_true(until_next_dial(t) > 0);
    line_free(t);
}

enum { LOG_TEXT_MAX = 16384 };

static void log_to_file(struct line *t)
{
    char path[128];

    snprintf(path, sizeof path, "%s/log", t->f.dir);
    log_close(&t->log);
    OK(log_open(&t->log, &hand_clock, path));
    t->log.level = LOG_INFO;
}

static void read_log(struct line *t, char text[static LOG_TEXT_MAX])
{
    char path[128];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "%s/log", t->f.dir);
    f = fopen(path, "r");
    assert_non_null(f);
    n = fread(text, 1, LOG_TEXT_MAX - 1, f);
    fclose(f);
    text[n] = '\0';
}

/* The line that says when it is tried again also says why. */
static void a_failed_attempt_is_one_line(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    char text[LOG_TEXT_MAX];
    const char *first;

    log_to_file(t);
    bridge_start(t->b);
    turn(t);
    assert_int_equal(state_of(t), CONN_WAIT_SOCKET);
    server_end(t, WS_END_UNREACHABLE);
    assert_int_equal(state_of(t), CONN_WAIT_BACKOFF);
    read_log(t, text);
    first = strstr(text, "gone");
    assert_non_null(first);
    assert_null(strstr(first + 1, "gone"));
    assert_non_null(strstr(text, "next attempt in"));
    line_free(t);
}

/* The server complains of a stanza: the last ones we sent go to the log, without their content
 * (P-ER-13). */
static void complaints_are_logged(void **state)
{
    (void)state;
    struct line *t = online();
    char text[LOG_TEXT_MAX];

    log_to_file(t);
    server_send(t, with(stream_error(t, "400", NULL), el(t, "ack", "id", "X1", NULL)));
    read_log(t, text);
    assert_non_null(strstr(text, "stream error 400 ack"));
    assert_non_null(strstr(text, "sent: <iq id="));
    assert_null(strstr(text, "active"));
    line_free(t);
}

static void rate_limit_waits_longer(void **state)
{
    (void)state;
    struct line *t = online();

    server_send(t, stream_error(t, "429", NULL));
    assert_int_equal(why_of(t), CONN_WHY_RATE);
    assert_true(until_next_dial(t) > 5000);
    line_free(t);
}

/* Another socket has our place: a long pause, not a fight; five times within the hour: stop. */
static void replaced(void **state)
{
    (void)state;
    struct line *t = online();
    int64_t last = 0;

    for (int i = 1; i < CONN_REPLACED_MAX; i++) {
        int64_t wait;

        server_send(t, stream_error(t, "409", "replaced"));
        assert_int_equal(why_of(t), CONN_WHY_REPLACED);
        wait = until_next_dial(t);
        assert_true(wait >= 30000 && wait > last);
        last = wait;
        log_in(t);
    }
    server_send(t, stream_error(t, NULL, "replaced"));
    assert_int_equal(state_of(t), CONN_STOPPED);
    assert_int_equal(until_next_dial(t), -1);
    assert_string_equal(peek_sql(t->f.wa, "SELECT count(*) FROM whatsmeow_device"), "1");
    OK(conn_reconnect(t->b->conn));
    assert_true(the_ws.active);
    line_free(t);
}

/* Unlinked by the phone: never again with this session, also after a restart; the keys stay. */
static void unlinked(void **state)
{
    (void)state;
    static const char *const codes[] = {"401", "516"};

    for (size_t i = 0; i < 3; i++) {
        struct line *t = online();

        server_send(t, i < 2 ? stream_error(t, codes[i], NULL)
                             : stream_error(t, "401", "device_removed"));
        assert_int_equal(state_of(t), CONN_STOPPED);
        assert_int_equal(why_of(t), CONN_WHY_LOGGED_OUT);
        assert_int_equal(t->events[BRIDGE_EV_LOGGED_OUT], 1);
        assert_int_equal(until_next_dial(t), -1);
        assert_int_equal(conn_reconnect(t->b->conn), WB_ERR_STATE);
        line_restart(t);
        bridge_start(t->b);
        assert_int_equal(state_of(t), CONN_STOPPED);
        assert_int_equal(why_of(t), CONN_WHY_LOGGED_OUT);
        assert_int_equal(dials, 0);
        assert_string_equal(peek_sql(t->f.wa, "SELECT jid FROM whatsmeow_device"), OWN_PN);
        line_free(t);
    }
}

/* ---- failures -------------------------------------------------------------------------------- */

static void final_failures(void **state)
{
    (void)state;
    static const char *const reasons[] = {"401", "403", "406"};
    static const char *const words[] = {"failure 401", "failure 403 (the account is locked",
                                        "failure 406 (the account is banned)"};

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct line *t = line_new(true);

        bridge_start(t->b);
        fail_login(t, reasons[i]);
        assert_int_equal(why_of(t), CONN_WHY_LOGGED_OUT);
        assert_non_null(strstr(t->b->conn->detail, words[i]));
        assert_int_equal(until_next_dial(t), -1);
        assert_string_equal(peek_sql(t->f.wa, "SELECT jid FROM whatsmeow_device"), OWN_PN);
        line_free(t);
    }
}

/* What the server says to people is in their language, and long: /health shows what fits. */
static void a_logout_in_other_letters(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct arena a = arena_new(1 << 20);
    struct health h;
    char text[200] = "x", wanted[80];

    for (size_t i = 0; i < 40; i++)
        memcpy(text + 1 + 3 * i, "\xe7\x99\xbb", 3);
    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "failure", "reason", "401", "logout_message_header", text, NULL));
    OK(bridge_health(t->b, &a, &h));
    snprintf(wanted, sizeof wanted, "failure 401: x%.48s", text + 1);
    assert_non_null(strstr(h.detail, wanted));
    assert_true(utf8_valid(span_cstr(h.detail)));
    line_free(t);
    t = line_new(true);
    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "failure", "reason", "401", "message", "a\xff\xe7\x99z", NULL));
    OK(bridge_health(t->b, &a, &h));
    assert_non_null(strstr(h.detail, "failure 401: a???z"));
    line_free(t);
    arena_free(&a);
}

/* A close before the login is told with the step that was waited for; what closes is there. */
static void a_close_names_the_step(void **state)
{
    (void)state;
    static const struct {
        enum conn_state s;
        const char *words;
    } steps[] = {
        {CONN_WAIT_SOCKET, "we waited for a WebSocket"},
        {CONN_WAIT_SERVER_HELLO, "we waited for the handshake"},
        {CONN_WAIT_PAIR_DEVICE, "we waited for a QR to be shown"},
        {CONN_WAIT_PAIR_SCAN, "we waited for a phone to link this device"},
        {CONN_WAIT_PAIR_STORE, "we waited for the backup that comes before the linking"},
        {CONN_WAIT_SUCCESS, "we waited for the login"},
    };
    const struct ws_end_info closed = {.end = WS_END_CLOSED, .text = "closed by the server"};
    const struct conn_input in = {.end = &closed};
    struct arena a = arena_new(1 << 20);

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct line *t = line_new(true);
        struct conn *c = t->b->conn;
        struct health h;

        bridge_start(t->b);
        c->state = steps[i].s;
        c->refs_shown = false;
        conn_table_find(c->state, CONN_EV_ENDED)(c, &in);
        assert_int_equal(why_of(t), CONN_WHY_REFUSED);
        OK(bridge_health(t->b, &a, &h));
        assert_non_null(strstr(h.detail, steps[i].words));
        assert_non_null(strstr(h.detail, "what answers at WhatsApp's address refuses"));
        assert_null(strstr(h.detail, "cannot be reached"));
        line_free(t);
    }
    arena_free(&a);
}

/* Only what means that we are unlinked ends the attempts: others come slowly, without an operator
 * (P-X2-24). */
static void unknown_failures_are_tried_again_slowly(void **state)
{
    (void)state;
    static const char *const reasons[] = {"400", "409", "415", "418", "499"};
    struct arena a = arena_new(1 << 20);

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct line *t = line_new(true);
        struct health h;

        bridge_start(t->b);
        fail_login(t, reasons[i]);
        assert_int_equal(state_of(t), CONN_WAIT_BACKOFF);
        assert_int_equal(why_of(t), CONN_WHY_FAILURE);
        assert_non_null(strstr(t->b->conn->detail, reasons[i]));
        OK(bridge_health(t->b, &a, &h));
        assert_int_equal(h.status, HEALTH_LOGIN_FAILURE);
        assert_non_null(strstr(h.detail, reasons[i]));
        assert_in_range(until_next_dial(t), 54 * 1000, 66 * 1000);
        log_in(t);
        OK(bridge_health(t->b, &a, &h));
        assert_int_equal(h.status, HEALTH_OK);
        /* Not a logout: a restart may try again. */
        line_restart(t);
        bridge_start(t->b);
        assert_int_equal(dials, 1);
        line_free(t);
    }
    arena_free(&a);
}

static void unknown_failures_are_tried_hourly_in_the_end(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    int64_t wanted = 60 * 1000, wait;

    bridge_start(t->b);
    for (int i = 0; i < 9; i++) {
        fail_login(t, "418");
        wait = until_next_dial(t);
        assert_in_range(wait, wanted * 9 / 10, wanted * 11 / 10);
        wanted = wanted * 2 < 3600 * 1000 ? wanted * 2 : 3600 * 1000;
    }
    assert_true(wait > 3000 * 1000);
    fail_login(t, "418");
    OK(conn_reconnect(t->b->conn)); /* the operator need not wait, and begins anew */
    fail_login(t, "418");
    assert_in_range(until_next_dial(t), 54 * 1000, 66 * 1000);
    line_free(t);
}

static void server_trouble_is_waited_for(void **state)
{
    (void)state;
    static const char *const reasons[] = {"500", "503", "501", "502", "504", "599"};
    struct line *t = line_new(true);
    int64_t last = 0;

    bridge_start(t->b);
    for (size_t i = 0; i < 8; i++) {
        int64_t wait;

        fail_login(t, reasons[i % 6]);
        assert_int_equal(why_of(t), CONN_WHY_SERVER);
        wait = until_next_dial(t);
        /* Fibonacci seconds with a tenth of jitter: TCP and handshake do not reset it (P-ER-17). */
        assert_true(wait * 10 >= last * 7);
        last = wait;
    }
    assert_true(last > 15000);
    line_free(t);
}

/* The delay is forgotten five minutes after <success>, not at <success>. */
static void stable_minutes_reset_the_delay(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    int64_t wait;

    bridge_start(t->b);
    for (int i = 0; i < 6; i++) {
        fail_login(t, "500");
        until_next_dial(t);
    }
    log_in(t);
    server_end(t, WS_END_CLOSED);
    assert_true(until_next_dial(t) > 8000);
    log_in(t);
    for (int i = 0; i < 31; i++) {
        pass(t, 10000);
        deaf(t);
        server_send(t, el(t, "presence", "from", "5@lid", NULL));
    }
    server_end(t, WS_END_CLOSED);
    wait = until_next_dial(t);
    assert_in_range(wait, 1, 1500);
    line_free(t);
}

/* A ban: not one attempt before its end, also after a restart (P-ER-03). */
static void banned(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    int64_t wait, began;

    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "failure", "reason", "402", "code", "104", "expire", "7200", NULL));
    began = now_ms;
    assert_int_equal(why_of(t), CONN_WHY_BANNED);
    assert_non_null(strstr(t->b->conn->detail, "same message to too many people"));
    pass(t, 3600 * 1000);
    assert_int_equal(dials, 1);
    line_restart(t);
    bridge_start(t->b);
    assert_int_equal(dials, 0);
    assert_int_equal(why_of(t), CONN_WHY_BANNED);
    wait = until_next_dial(t);
    assert_true(wait > 0 && now_ms - began >= 7200 * 1000 && now_ms - began < 7210 * 1000);
    log_in(t);
    line_free(t);
}

/* The wall clock goes back by years during a ban, before or after a restart: it becomes no longer.
 */
static void banned_and_the_clock_set_back(void **state)
{
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        struct line *t = line_new(true);
        int64_t began;

        bridge_start(t->b);
        server_accept(t);
        server_send(t, el(t, "failure", "reason", "402", "code", "104", "expire", "7200", NULL));
        began = now_ms;
        wall_jump_ms = INT64_C(-5) * 365 * 86400 * 1000;
        if (restart) {
            line_restart(t);
            bridge_start(t->b);
            pass(t, 3600 * 1000);
            line_restart(t); /* it does not begin anew each time either */
            bridge_start(t->b);
        }
        assert_true(until_next_dial(t) > 0);
        assert_true(now_ms - began >= 7200 * 1000 && now_ms - began < 7210 * 1000);
        line_free(t);
    }
}

/* 405: the newer version is found and used; when there is none: hourly, never an older one. */
static void outdated(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    uint32_t first;
    int64_t wait;

    t->config.wa_version = 0;
    bridge_start(t->b);
    turn(t);
    assert_int_equal(page_visits, 1); /* at start; it failed, and nobody minded */
    server_accept(t);
    first = t->server.payload.version.tertiary;
    web_page = "x,\"client_revision\":1999999999,y";
    server_send(t, el(t, "failure", "reason", "405", NULL));
    assert_int_equal(page_visits, 2);
    assert_int_equal(dials, 2); /* at once */
    server_accept(t);
    assert_int_equal(t->server.payload.version.tertiary, 1999999999);
    assert_true(first < 1999999999);
    /* Refused again: slowly. An older number on the page is not taken. */
    web_page = "\"client_revision\":5,";
    server_send(t, el(t, "failure", "reason", "405", NULL));
    assert_int_equal(why_of(t), CONN_WHY_OUTDATED);
    wait = until_next_dial(t);
    assert_true(wait >= 3600 * 1000);
    server_accept(t);
    assert_int_equal(t->server.payload.version.tertiary, 1999999999);
    /* A login with it makes it the one to begin with next time. */
    server_send(t, el(t, "success", "t", "1790001000", NULL));
    line_restart(t);
    bridge_start(t->b);
    server_accept(t);
    assert_int_equal(t->server.payload.version.tertiary, 1999999999);
    assert_string_equal(peek_sql(t->f.wa, "SELECT jid FROM whatsmeow_device"), OWN_PN);
    line_free(t);
}

/* The page names the very version that was refused: it is not offered again at once (P-HS-19). */
static void outdated_and_no_newer_one(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    char page[64];

    t->config.wa_version = 0;
    bridge_start(t->b);
    turn(t);
    server_accept(t);
    snprintf(page, sizeof page, "\"client_revision\":%u,", t->server.payload.version.tertiary);
    web_page = page;
    server_send(t, el(t, "failure", "reason", "405", NULL));
    assert_int_equal(dials, 1);
    assert_int_equal(why_of(t), CONN_WHY_OUTDATED);
    assert_true(until_next_dial(t) >= 3600 * 1000);
    line_free(t);
}

/* ---- the socket --------------------------------------------------------------------------------
 */

static void every_dial_failure_is_tried_again(void **state)
{
    (void)state;
    static const struct {
        enum ws_end end;
        enum conn_reason why;
    } ends[] = {{WS_END_REFUSED, CONN_WHY_REFUSED}, {WS_END_NO_NETWORK, CONN_WHY_NETWORK},
                {WS_END_TLS, CONN_WHY_TLS},         {WS_END_CLOCK, CONN_WHY_CLOCK},
                {WS_END_HTTP, CONN_WHY_REFUSED},    {WS_END_TIMEOUT, CONN_WHY_SILENT},
                {WS_END_NAME, CONN_WHY_NAME},       {WS_END_UNREACHABLE, CONN_WHY_UNREACHABLE}};
    struct line *t = line_new(true);

    bridge_start(t->b);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        server_end(t, ends[i].end);
        assert_int_equal(state_of(t), CONN_WAIT_BACKOFF);
        assert_int_equal(why_of(t), ends[i].why);
        assert_true(until_next_dial(t) > 0);
    }
    log_in(t);
    line_free(t);
}

/* P-WS-12 */
static void refused_upgrades_wait_by_their_status(void **state)
{
    (void)state;
    static const int passing[] = {408, 500, 501, 502, 503, 504},
                     others[] = {400, 403, 404, 429, 505};

    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        struct line *t = line_new(true);

        bridge_start(t->b);
        server_end_http(t, WS_END_HTTP, passing[i]);
        assert_true(until_next_dial(t) < 5 * 1000);
        line_free(t);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct line *t = line_new(true);
        int64_t pause;

        bridge_start(t->b);
        server_end_http(t, WS_END_HTTP, others[i]);
        assert_int_equal(why_of(t), CONN_WHY_REFUSED);
        pause = until_next_dial(t);
        assert_true(pause > 150 * 1000 && pause < 200 * 1000);
        log_in(t);
        line_free(t);
    }
}

/* A deliberate end is not followed by an attempt (P-ER-19). */
static void shutdown_stays_down(void **state)
{
    (void)state;
    struct line *t = online();

    bridge_shutdown(t->b);
    turn(t);
    assert_true(the_loop.stopped);
    assert_int_equal(state_of(t), CONN_STOPPED);
    assert_int_equal(why_of(t), CONN_WHY_SHUTDOWN);
    pass(t, 3600 * 1000);
    assert_int_equal(dials, 1);
    line_free(t);
}

static enum cmd_result last_result;
static void note_result(void *ctx, enum cmd_result r, const char *text)
{
    (void)ctx;
    assert_non_null(text);
    last_result = r;
}

/* Unlinking ourselves (P-PR-28): refused, the session stays; confirmed, its file is set aside. */
static void unlink_ourselves(void **state)
{
    (void)state;
    struct line *t = online();
    struct heard *h;
    struct node *n;

    bridge_unlink(t->b, note_result, NULL);
    turn(t);
    h = hear(t, "<remove-companion-device jid=\"" OWN_PN "\" reason=\"user_initiated\"/>");
    assert_non_null(strstr(h->xml, "to=\"s.whatsapp.net\" type=\"set\" xmlns=\"md\""));
    n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
             el(t, "error", "code", "500", NULL));
    node_copy_attr(&t->server.arena, n, h->n, "id");
    server_send(t, n);
    assert_int_equal(last_result, CMD_REFUSED);
    assert_int_equal(state_of(t), CONN_ONLINE);
    bridge_unlink(t->b, note_result, NULL);
    pass(t, 3000); /* no answer */
    assert_int_equal(last_result, CMD_OUTCOME_UNKNOWN);
    assert_string_equal(peek_sql(t->f.wa, "SELECT count(*) FROM whatsmeow_device"), "1");
    deaf(t);
    bridge_unlink(t->b, note_result, NULL);
    turn(t);
    answer(t, hear(t, "<remove-companion-device"), NULL);
    assert_int_equal(last_result, CMD_OK);
    assert_int_equal(state_of(t), CONN_STOPPED);
    assert_string_equal(peek_sql(t->f.wa, "SELECT count(*) FROM whatsmeow_device"), "0");
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_is_at_once),
        cmocka_unit_test(closing_streams_are_taken_up_again),
        cmocka_unit_test(a_failed_attempt_is_one_line),
        cmocka_unit_test(complaints_are_logged),
        cmocka_unit_test(rate_limit_waits_longer),
        cmocka_unit_test(replaced),
        cmocka_unit_test(unlinked),
        cmocka_unit_test(final_failures),
        cmocka_unit_test(a_logout_in_other_letters),
        cmocka_unit_test(a_close_names_the_step),
        cmocka_unit_test(unknown_failures_are_tried_again_slowly),
        cmocka_unit_test(unknown_failures_are_tried_hourly_in_the_end),
        cmocka_unit_test(server_trouble_is_waited_for),
        cmocka_unit_test(stable_minutes_reset_the_delay),
        cmocka_unit_test(banned),
        cmocka_unit_test(banned_and_the_clock_set_back),
        cmocka_unit_test(outdated),
        cmocka_unit_test(outdated_and_no_newer_one),
        cmocka_unit_test(every_dial_failure_is_tried_again),
        cmocka_unit_test(refused_upgrades_wait_by_their_status),
        cmocka_unit_test(shutdown_stays_down),
        cmocka_unit_test(unlink_ourselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
