/* A connection that lives is kept: pings, their answers, other traffic, and a computer that was
 * asleep. The whole bridge runs (conn_fixture.h). */
#include "tests/unit/bridge/conn_fixture.h"

static void pings(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct heard *h;

    bridge_start(t->b);
    log_in(t);
    server_send(t, el(t, "presence", "from", "5@lid", NULL)); /* no silence that is asked about */
    for (int i = 0; i < 5; i++) {
        deaf(t);
        line_pass(t, PING_MIN_MS - 200);
        assert_null(maybe_hear(t, "xmlns=\"w:p\""));
        for (h = NULL; !h; h = maybe_hear(t, "xmlns=\"w:p\"")) {
            assert_true(timers_next_ms(&the_loop.timers) <= now_ms + PING_MAX_MS);
            line_pass(t, 100);
        }
        assert_non_null(strstr(h->xml, "to=\"s.whatsapp.net\" type=\"get\""));
        assert_int_equal(node_child_count(h->n), 0);
        answer(t, h, NULL);
    }
    assert_int_equal(dials, 1);
    line_free(t);
}

/* Nothing comes any more: asked once, then given up, long before TCP notices. */
static void dead_socket(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    int64_t since;

    bridge_start(t->b);
    log_in(t);
    since = now_ms;
    while (state_of(t) == CONN_ONLINE && now_ms - since < 600000)
        line_pass(t, 1000);
    assert_int_equal(why_of(t), CONN_WHY_NETWORK);
    assert_true(now_ms - since <= PING_MAX_MS + PING_SILENCE_MS + PING_ANSWER_MS + 1000);
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE], 1);
    line_free(t);
}

/* Pings stay unanswered, but other stanzas come: alive (P-LG-23). */
static void other_traffic_is_life(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    for (int i = 0; i < 60; i++) {
        line_pass(t, 10000);
        deaf(t);
        server_send(t, el(t, "presence", "from", "5@lid", NULL));
        assert_int_equal(state_of(t), CONN_ONLINE);
    }
    line_free(t);
}

/* The machine slept for an hour: a ping at once, and no hasty goodbye. */
static void suspended(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct heard *h;

    bridge_start(t->b);
    log_in(t);
    line_pass(t, 1000);
    server_send(t, el(t, "presence", "from", "5@lid", NULL));
    deaf(t);
    now_ms += 3600 * 1000;
    timers_run(&the_loop.timers);
    turn(t);
    h = hear(t, "xmlns=\"w:p\"");
    answer(t, h, NULL);
    line_pass(t, 5000);
    assert_int_equal(state_of(t), CONN_ONLINE);
    line_free(t);
}

static void pings_of_the_server(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    deaf(t);
    server_send(t, el(t, "iq", "from", "s.whatsapp.net", "type", "get", "xmlns", "urn:xmpp:ping",
                      "id", "S1", NULL));
    hear(t, "<iq to=\"s.whatsapp.net\" type=\"result\" id=\"S1\"/>");
    server_send(
        t, el(t, "iq", "from", "s.whatsapp.net", "type", "get", "xmlns", "urn:xmpp:ping", NULL));
    hear(t, "<iq to=\"s.whatsapp.net\" type=\"result\"/>");
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings),
        cmocka_unit_test(dead_socket),
        cmocka_unit_test(other_traffic_is_life),
        cmocka_unit_test(suspended),
        cmocka_unit_test(pings_of_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
