/* What a refused login leads to (area ER): stopping, waiting, waiting longer, or another version.
 * The whole bridge runs; see conn_fixture.h. */
#include "tests/unit/bridge/conn_fixture.h"

#include "base/text.h"
#include "bridge/calls/health.h"

/* Up to <success> or whatever the server says instead. */
static void fail_login(struct line *t, const char *reason)
{
    server_accept(t);
    assert_int_equal(state_of(t), CONN_WAIT_SUCCESS);
    server_send(t, el(t, "failure", "reason", reason, NULL));
}

/* ---- failures ---- */

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
        line_pass(t, 10000);
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
    line_pass(t, 3600 * 1000);
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
            line_pass(t, 3600 * 1000);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
