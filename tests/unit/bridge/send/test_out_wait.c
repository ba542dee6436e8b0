/* How long a caller without a key waits: as long as it asks for; else half a minute, or five
 * seconds without a connection. */
#include "tests/unit/bridge/send_fixture.h"

static struct send_request without_wait(const char *text)
{
    struct send_request q = request(CONTACT, text);

    q.wait_is_default = true;
    return q;
}

static void without_a_connection_it_is_told_soon(void **state)
{
    struct send_request q = without_wait("soon"), said = request(CONTACT, "as I said"),
                        key = without_wait("with a key");

    (void)state;
    go_offline();
    key.key = span_cstr("k");
    send_with(0, &q);
    send_with(1, &said);
    send_with(2, &key);
    pass(4900);
    assert_false(w.answers[0].given);
    pass(200);
    assert_int_equal(w.answers[0].result, CMD_NOT_SENT);
    assert_non_null(strstr(w.answers[0].text, "not connected"));
    assert_false(w.answers[1].given || w.answers[2].given);
    pass(25 * 1000);
    assert_int_equal(w.answers[1].result, CMD_NOT_SENT);
    assert_int_equal(w.answers[2].result, CMD_ACCEPTED);
    go_online();
    assert_int_equal(w.nwire, 1); /* the one with a key */
}

static void a_connection_that_comes_back_is_waited_for(void **state)
{
    struct send_request q = without_wait("in time");

    (void)state;
    go_offline();
    send_with(0, &q);
    pass(4000);
    go_online();
    pass(20 * 1000); /* sealed, its ack is late */
    assert_false(w.answers[0].given);
    ack(wire_id(0));
    assert_int_equal(w.answers[0].result, CMD_OK);
}

static void a_connection_that_goes_away_ends_the_wait_soon(void **state)
{
    struct send_request q = without_wait("on its way"), sealed = without_wait("sealed");

    (void)state;
    send_with(1, &sealed);
    w.full = true; /* nothing more is sealed */
    send_with(0, &q);
    pass(3000);
    go_offline();
    pass(4900);
    assert_false(w.answers[0].given);
    pass(200);
    assert_int_equal(w.answers[0].result, CMD_NOT_SENT);
    assert_false(w.answers[1].given); /* goes out again, and may be acknowledged in time */
    pass(22 * 1000);
    assert_int_equal(w.answers[1].result, CMD_OUTCOME_UNKNOWN);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(without_a_connection_it_is_told_soon),
        T(a_connection_that_comes_back_is_waited_for),
        T(a_connection_that_goes_away_ends_the_wait_soon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
