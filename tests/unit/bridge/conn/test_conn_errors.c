/* What each end of a connection leads to: waiting, waiting longer, another version, or stopping
 * (area ER). The whole bridge runs; only socket, clock and workers are the test's. */
#include "tests/unit/bridge/conn_fixture.h"

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

/* ---- stream errors ---- */

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

/* ---- the socket ---- */

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
    line_pass(t, 3600 * 1000);
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
    line_pass(t, 3000); /* no answer */
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
        cmocka_unit_test(every_dial_failure_is_tried_again),
        cmocka_unit_test(refused_upgrades_wait_by_their_status),
        cmocka_unit_test(shutdown_stays_down),
        cmocka_unit_test(unlink_ourselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
