/* <ib>: messages that wait on the server and do not come (P-X2-17), and the announced end of the
 * web version (P-X2-18). The whole bridge runs; only socket, clock and workers are the test's. */
#include "tests/unit/bridge/conn_fixture.h"

#include "bridge/calls/health.h"
#include "bridge/conn/version_fetch.h"

static struct line *online(bool own_version)
{
    struct line *t = line_new(true);

    if (own_version)
        t->config.wa_version = 0; /* the built-in one, and looks at the web */
    bridge_start(t->b);
    turn(t);
    log_in(t);
    deaf(t);
    return t;
}

static void ib(struct line *t, struct node *child)
{
    server_send(t, with(el(t, "ib", "from", "s.whatsapp.net", NULL), child));
}

/* Time passes on a connection that lives: somebody's presence, which is no part of the queue. */
static void quiet(struct line *t, int64_t ms)
{
    for (; ms > 0; ms -= 5000) {
        line_pass(t, ms < 5000 ? ms : 5000);
        server_send(t, el(t, "presence", "from", "5@lid", NULL));
    }
}

static unsigned times_asked(struct line *t)
{
    unsigned n = 0;

    while (maybe_hear(t, "<offline_batch count=\"200\"/>"))
        n++;
    deaf(t);
    return n;
}

static void preview(struct line *t, const char *count)
{
    ib(t, el(t, "offline_preview", "count", count, NULL));
}

static void a_part_of_it(struct line *t)
{
    server_send(t, el(t, "receipt", "from", "5@lid", "id", "X", "offline", "1", NULL));
}

static void nothing_follows(void **state)
{
    (void)state;
    struct line *t = online(false);

    preview(t, "2");
    quiet(t, CONN_OFFLINE_SILENCE_MS - 1);
    assert_int_equal(times_asked(t), 0);
    line_pass(t, 1);
    assert_int_equal(times_asked(t), 1);
    quiet(t, 5 * CONN_OFFLINE_SILENCE_MS);
    assert_int_equal(times_asked(t), 0); /* once */
    line_free(t);
}

/* A queue of more than one part: the next one, once that one was given. */
static void a_part_follows(void **state)
{
    (void)state;
    struct line *t = online(false);

    preview(t, "300");
    quiet(t, CONN_OFFLINE_SILENCE_MS);
    assert_int_equal(times_asked(t), 1);
    line_pass(t, 1000);
    a_part_of_it(t);
    quiet(t, CONN_OFFLINE_SILENCE_MS - 1);
    assert_int_equal(times_asked(t), 0);
    line_pass(t, 1);
    assert_int_equal(times_asked(t), 1);
    a_part_of_it(t);
    ib(t, el(t, "offline", "count", "300", NULL));
    quiet(t, 5 * CONN_OFFLINE_SILENCE_MS);
    assert_int_equal(times_asked(t), 0);
    line_free(t);
}

/* A full part says that there may be more: no ten seconds for each 200 of a long absence. */
static void a_full_part_is_followed_by_the_next(void **state)
{
    (void)state;
    struct line *t = online(false);

    preview(t, "650");
    quiet(t, CONN_OFFLINE_SILENCE_MS);
    assert_int_equal(times_asked(t), 1);
    for (int part = 0; part < 3; part++) {
        for (int i = 0; i < 199; i++)
            a_part_of_it(t);
        assert_int_equal(times_asked(t), 0);
        a_part_of_it(t);
        assert_int_equal(times_asked(t), 1);
    }
    for (int i = 0; i < 50; i++)
        a_part_of_it(t);
    ib(t, el(t, "offline", "count", "650", NULL));
    quiet(t, 5 * CONN_OFFLINE_SILENCE_MS);
    assert_int_equal(times_asked(t), 0);
    line_free(t);
}

static void it_comes_by_itself(void **state)
{
    (void)state;
    struct line *t = online(false);

    preview(t, "0");
    quiet(t, 2 * CONN_OFFLINE_SILENCE_MS);
    preview(t, "9");
    for (int i = 0; i < 5; i++) {
        quiet(t, CONN_OFFLINE_SILENCE_MS - 1000);
        a_part_of_it(t);
    }
    ib(t, el(t, "offline", "count", "9", NULL));
    preview(t, "9"); /* after the end there is nothing to wait for */
    quiet(t, 2 * CONN_OFFLINE_SILENCE_MS);
    assert_int_equal(times_asked(t), 0);
    line_free(t);
}

/* What was announced on one connection is announced anew on the next. */
static void the_connection_ends(void **state)
{
    (void)state;
    struct line *t = online(false);

    preview(t, "2");
    line_pass(t, 5000);
    server_end(t, WS_END_CLOSED);
    line_pass(t, 3000);
    log_in(t);
    deaf(t);
    quiet(t, 2 * CONN_OFFLINE_SILENCE_MS);
    assert_int_equal(times_asked(t), 0);
    line_free(t);
}

/* ---- the end of the version ---- */

static int64_t told_end(struct line *t)
{
    struct arena a = arena_new(1 << 20);
    struct health h;
    int64_t at;

    OK(bridge_health(t->b, &a, &h));
    at = h.wa_version_expires_at_s;
    arena_free(&a);
    return at;
}

static void a_day(struct line *t)
{
    for (int hour = 0; hour < 24; hour++) {
        now_ms += 3600 * 1000 - 1;
        line_pass(t, 1);
    }
}

static void looked_for_daily_until_it_is_newer(void **state)
{
    (void)state;
    struct line *t = online(true);
    const unsigned at_start = page_visits;

    ib(t, el(t, "client_expiration", "t", "1893456000", NULL));
    turn(t);
    assert_int_equal(told_end(t), 1893456000);
    assert_int_equal(page_visits, at_start + 1); /* the look at the start had failed */
    ib(t, el(t, "client_expiration", "t", "1893456000", NULL)); /* the same at each login */
    ib(t, el(t, "client_expiration", "t", "1893459999", NULL)); /* not sooner */
    ib(t, el(t, "client_expiration", "t", "soon", NULL));
    turn(t);
    assert_int_equal(page_visits, at_start + 1);
    assert_int_equal(told_end(t), 1893456000);
    line_restart(t); /* it is remembered */
    bridge_start(t->b);
    turn(t);
    assert_int_equal(told_end(t), 1893456000);
    assert_int_equal(page_visits, at_start + 2);
    web_page = "\"client_revision\":5,";
    a_day(t);
    assert_int_equal(page_visits, at_start + 3);
    a_day(t);
    assert_int_equal(page_visits, at_start + 4);
    web_page = "\"client_revision\":1999999999,";
    a_day(t);
    assert_int_equal(page_visits, at_start + 5);
    assert_int_equal(version_current(t->b->version), 1999999999);
    assert_int_equal(told_end(t), 0);
    a_day(t);
    a_day(t);
    assert_int_equal(page_visits, at_start + 5);
    line_free(t);
}

static void it_is_withdrawn(void **state)
{
    (void)state;
    struct line *t = online(true);
    unsigned visits;

    ib(t, el(t, "client_expiration", NULL)); /* nothing was announced */
    ib(t, el(t, "client_expiration", "t", "1893456000", NULL));
    turn(t);
    assert_int_equal(told_end(t), 1893456000);
    ib(t, el(t, "client_expiration", NULL));
    assert_int_equal(told_end(t), 0);
    visits = page_visits;
    a_day(t);
    assert_int_equal(page_visits, visits);
    line_free(t);
}

/* The operator's word counts more: nothing is looked for. */
static void a_version_of_the_operator(void **state)
{
    (void)state;
    struct line *t = online(false);

    ib(t, el(t, "client_expiration", "t", "1893456000", NULL));
    turn(t);
    assert_int_equal(told_end(t), 1893456000);
    a_day(t);
    a_day(t);
    assert_int_equal(page_visits, 0);
    line_free(t);
}

static void the_page_serves_when_the_script_does_not(void **state)
{
    (void)state;
    static const char *const scripts[] = {NULL, "no number", "\"client_revision\":\"x\""};

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct line *t = line_new(true);

        t->config.wa_version = 0;
        web_page = scripts[i];
        web_document = "<script>x={\"client_revision\":1999999999,\"y\":1}";
        bridge_start(t->b);
        turn(t);
        assert_int_equal(version_current(t->b->version), 1999999999);
        line_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_follows),
        cmocka_unit_test(a_part_follows),
        cmocka_unit_test(a_full_part_is_followed_by_the_next),
        cmocka_unit_test(it_comes_by_itself),
        cmocka_unit_test(the_connection_ends),
        cmocka_unit_test(looked_for_daily_until_it_is_newer),
        cmocka_unit_test(it_is_withdrawn),
        cmocka_unit_test(a_version_of_the_operator),
        cmocka_unit_test(the_page_serves_when_the_script_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
