/* Each way in which an open connection can end, after a minute and before it (R-113, P-ER-11..17):
 * what /health calls it, and when the next attempt begins. The whole bridge runs; only socket,
 * clock and workers are the test's. */
#include "tests/unit/bridge/conn_fixture.h"

#include "bridge/calls/health.h"

enum { MINUTE_MS = 61 * 1000, IN_A_ROW = 100, BACK_MS = 2000 };

/* The bridge does dial again, within a day; after how many milliseconds. */
static int64_t until_it_dials(struct line *t)
{
    int64_t ms = until_next_dial(t);

    assert_true(ms >= 0);
    return ms;
}

/* Online for so long, with a server that says something now and then. */
static void stay(struct line *t, int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= 10000) {
        line_pass(t, left < 10000 ? left : 10000);
        deaf(t);
        server_send(t, el(t, "presence", "from", "5@lid", NULL));
        deaf(t);
    }
    assert_true(conn_online(t->b->conn));
}

static void cut_socket(struct line *t) /* RST, FIN, close frame, TLS close: one to ws_client.h */
{
    server_end(t, WS_END_CLOSED);
}

static void cut_stream_end(struct line *t)
{
    server_send(t, el(t, "xmlstreamend", NULL));
}

static void cut_with(struct line *t, const char *code)
{
    struct node *n = el(t, "stream:error", NULL);

    if (code)
        node_attr_text(&t->server.arena, n, "code", code);
    server_send(t, n);
}

static void cut_503(struct line *t)
{
    cut_with(t, "503");
}

static void cut_500(struct line *t)
{
    cut_with(t, "500");
}

static void cut_unknown(struct line *t)
{
    cut_with(t, "777");
}

static void cut_without_code(struct line *t)
{
    cut_with(t, NULL);
}

static void cut_conflict(struct line *t) /* neither replaced nor device_removed */
{
    struct node *n = el(t, "stream:error", "code", "409", NULL);

    server_send(t, with(n, el(t, "conflict", "type", "other", NULL)));
}

static void cut_ill_formed(struct line *t)
{
    server_send(t, with(el(t, "stream:error", NULL), el(t, "xml-not-well-formed", NULL)));
}

static void cut_refused_stanza(struct line *t)
{
    server_send(t, with(el(t, "stream:error", "code", "400", NULL), el(t, "ack", "id", "X", NULL)));
}

static void cut_garbage(struct line *t) /* the stream can no longer be decrypted */
{
    static const uint8_t noise[64] = {1};

    server_write(SPAN_ARRAY(noise));
    turn(t);
}

/* Nothing comes any more, and nobody answers our close frame. */
static void cut_silence(struct line *t)
{
    server_dead = true;
    while (conn_online(t->b->conn)) {
        int64_t due = timers_next_ms(&the_loop.timers);

        assert_true(due >= 0);
        line_pass(t, due > now_ms ? due - now_ms : 0);
        deaf(t);
    }
}

static const struct {
    const char *name;
    void (*cut)(struct line *t);
    enum conn_reason why;
} cuts[] = {
    {"socket", cut_socket, CONN_WHY_CLOSED},
    {"xmlstreamend", cut_stream_end, CONN_WHY_CLOSED},
    {"503", cut_503, CONN_WHY_SERVER},
    {"500", cut_500, CONN_WHY_SERVER},
    {"777", cut_unknown, CONN_WHY_SERVER},
    {"no code", cut_without_code, CONN_WHY_SERVER},
    {"conflict", cut_conflict, CONN_WHY_SERVER},
    {"ill-formed", cut_ill_formed, CONN_WHY_SERVER},
    {"refused stanza", cut_refused_stanza, CONN_WHY_SERVER},
    {"garbage", cut_garbage, CONN_WHY_PROTOCOL},
    {"silence", cut_silence, CONN_WHY_NETWORK},
};
enum { CUTS = sizeof cuts / sizeof cuts[0] };

static struct line *begun(void)
{
    struct line *t = line_new(true);

    bridge_start(t->b);
    return t;
}

static void assert_reason(struct line *t, size_t i)
{
    struct arena a = arena_new(1 << 20);
    struct health h;

    assert_int_equal(why_of(t), cuts[i].why);
    OK(bridge_health(t->b, &a, &h));
    assert_int_equal(h.status, HEALTH_DISCONNECTED);
    assert_string_equal(h.reason, conn_reason_name(cuts[i].why));
    assert_null(strstr(h.detail, "does not let us in"));
    arena_free(&a);
}

/* A hundred of each kind in a row. */
static void every_cut_after_a_minute_is_back_within_2_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < CUTS; i++) {
        struct line *t = begun();
        int64_t longest = 0;

        for (int n = 0; n < IN_A_ROW; n++) {
            int64_t wait;

            log_in(t);
            stay(t, MINUTE_MS);
            cuts[i].cut(t);
            assert_reason(t, i);
            wait = until_it_dials(t);
            longest = wait > longest ? wait : longest;
        }
        print_message("%s: next attempt after %lld ms at the latest\n", cuts[i].name,
                      (long long)longest);
        assert_in_range(longest, 1, BACK_MS);
        line_free(t);
    }
}

/* All kinds mixed: none spoils the next one. */
static void cuts_of_all_kinds_in_turn(void **state)
{
    (void)state;
    struct line *t = begun();

    for (size_t n = 0; n < (size_t)3 * CUTS; n++) {
        log_in(t);
        stay(t, MINUTE_MS);
        cuts[n % CUTS].cut(t);
        assert_reason(t, n % CUTS);
        assert_in_range(until_it_dials(t), 1, BACK_MS);
    }
    line_free(t);
}

/* Lets us in for a moment only: the pauses grow to the longest, and the reason is the true one. */
static void short_connections_back_off(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < CUTS; i++) { /* silence lasts almost a minute by itself */
        struct line *t = begun();
        int64_t wait = 0;

        for (int n = 0; n < 14; n++) {
            int64_t before = wait;

            log_in(t);
            cuts[i].cut(t);
            assert_reason(t, i);
            wait = until_it_dials(t);
            assert_true(wait * 10 >= before * 7); /* a tenth of jitter, either way */
        }
        assert_true(wait > 150 * 1000);
        line_free(t);
    }
}

/* A minute each time leads to about one attempt a minute; and a server that then refuses is met
 * with growing pauses, from the first one on. */
static void a_minute_each_time_is_no_hammering(void **state)
{
    (void)state;
    struct line *t = begun();
    int64_t since = now_ms, wait = 0;
    unsigned before = dials;

    for (int n = 0; n < 60; n++) {
        log_in(t);
        stay(t, MINUTE_MS);
        cut_socket(t);
        (void)until_it_dials(t);
    }
    assert_true((dials - before) * INT64_C(60) * 1000 <= now_ms - since);
    log_in(t);
    stay(t, MINUTE_MS);
    cut_socket(t);
    since = now_ms;
    (void)until_it_dials(t);
    for (int n = 0; n < 8; n++) {
        server_end(t, WS_END_REFUSED);
        assert_int_equal(why_of(t), CONN_WHY_REFUSED);
        wait = until_it_dials(t);
    }
    assert_true(wait > 15000 && now_ms - since > 40 * 1000);
    line_free(t);
}

/* A server that restarts refuses once or twice; that is forgotten by the next good minute. */
static void one_refusal_after_each_cut_does_not_add_up(void **state)
{
    (void)state;
    struct line *t = begun();

    for (int n = 0; n < 50; n++) {
        log_in(t);
        stay(t, MINUTE_MS);
        cut_503(t);
        assert_in_range(until_it_dials(t), 1, BACK_MS);
        server_end(t, WS_END_HTTP);
        assert_in_range(until_it_dials(t), 1, BACK_MS);
    }
    line_free(t);
}

/* 429 means less often, however long we were in (P-ER-12). */
static void rate_limits_are_not_forgiven(void **state)
{
    (void)state;
    struct line *t = begun();
    int64_t wait = 0;

    for (int n = 0; n < 4; n++) {
        log_in(t);
        stay(t, MINUTE_MS);
        cut_with(t, "429");
        assert_int_equal(why_of(t), CONN_WHY_RATE);
        wait = until_it_dials(t);
        assert_true(wait > 5000);
    }
    assert_true(wait > 150 * 1000);
    line_free(t);
}

/* When others learn of the end, the connection no longer counts as one that works. */
static void on_offline(void *ctx, const struct bridge_event *e)
{
    struct line *t = ctx;

    (void)e;
    assert_false(conn_online(t->b->conn));
    assert_false(conn_logged_in(t->b->conn));
    assert_int_equal(conn_send_plain(t->b->conn, SPAN_LIT("\0x")), WB_ERR_STATE);
}

static void it_is_offline_when_the_end_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < CUTS; i++) {
        struct line *t = begun();

        OK(events_on(&t->b->events, BRIDGE_EV_OFFLINE, on_offline, t));
        log_in(t);
        cuts[i].cut(t);
        assert_int_equal(t->events[BRIDGE_EV_OFFLINE], 1);
        line_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_after_a_minute_is_back_within_2_s),
        cmocka_unit_test(cuts_of_all_kinds_in_turn),
        cmocka_unit_test(short_connections_back_off),
        cmocka_unit_test(a_minute_each_time_is_no_hammering),
        cmocka_unit_test(one_refusal_after_each_cut_does_not_add_up),
        cmocka_unit_test(rate_limits_are_not_forgiven),
        cmocka_unit_test(it_is_offline_when_the_end_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
