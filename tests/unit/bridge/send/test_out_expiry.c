/* How long a message may stay queued, when the wall clock jumps: in a running process, between two
 * runs, and with a server that tells its time. */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/core/batch.h"
#include "store/core/state.h"
#include "store/db/db.h"

enum { YEAR_S = 365 * 86400, LIFE_S = 1000 };

static int setup(void **state)
{
    (void)state;
    fixture_time = 1790000000;
    world_init();
    go_offline();
    return 0;
}

static void queue(size_t i, const char *key)
{
    struct send_request q = request(CONTACT, key);

    q.key = span_cstr(key);
    q.wait_s = 0;
    q.expires_s = LIFE_S;
    send_with(i, &q);
    assert_int_equal(w.answers[i].result, CMD_ACCEPTED);
}

static void clock_jumps(int64_t by_s)
{
    fixture_time += by_s;
    run();
}

static int64_t number(const char *sql)
{
    return strtoll(look_wa(&w.r, sql), NULL, 10);
}

#define STATES                                                                                     \
    "SELECT group_concat(state||reason, ' ') FROM (SELECT * FROM bridge_outbox ORDER BY seq)"
#define LEFT_ROW "SELECT max(expires_at) FROM bridge_outbox"
#define BORN_ROW "SELECT max(created_at) FROM bridge_outbox"

static void assert_states(const char *states)
{
    assert_look_wa(&w.r, STATES, states);
}

/* ---- while it runs ---- */

static const int64_t jumps[] = {3600, -3600, 20LL * YEAR_S, -20LL * YEAR_S};

static void a_jump_makes_nothing_older(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        queue(i, (const char *[]){"a", "b", "c", "d"}[i]);
        clock_jumps(jumps[i]);
        pass((LIFE_S - 1) * 1000);
        go_online();
        assert_int_equal(w.nwire, i + 1);
        ack(wire_id(i));
        go_offline();
        clock_jumps(-jumps[i]);
    }
    assert_states("2 2 2 2");
}

static void nor_younger(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        queue(i, (const char *[]){"a", "b", "c", "d"}[i]);
        clock_jumps(jumps[i]);
        pass((LIFE_S + 1) * 1000);
        clock_jumps(-jumps[i]);
    }
    assert_states("5expired 5expired 5expired 5expired");
    go_online();
    assert_int_equal(w.nwire, 0);
}

/* What was written with a clock that is set right meanwhile holds over a restart. */
static void rows_follow_a_clock_that_is_set_right(void **state)
{
    (void)state;
    fixture_time = 1000; /* booted in 1970 */
    queue(0, "a");
    pass(100 * 1000);
    clock_jumps(1790000000);
    pass(61 * 1000); /* looked at once a minute */
    assert_in_range(number(LEFT_ROW) - fixture_time, LIFE_S - 163, LIFE_S - 159);
    assert_int_equal(number(LEFT_ROW) - number(BORN_ROW), LIFE_S);
    world_restart();
    pass(700 * 1000);
    go_online();
    assert_int_equal(w.nwire, 1);
    ack(wire_id(0));
    assert_states("2");
}

static void rows_follow_the_servers_time(void **state)
{
    const int64_t right = fixture_time;

    (void)state;
    fixture_time = 1000;
    queue(0, "a");
    /* The server tells its time, and then the connection is lost before the message was sealed. */
    bridge_server_time(&w.r.b, right);
    pass(61 * 1000);
    assert_in_range(number(LEFT_ROW) - right, LIFE_S - 1, LIFE_S + 1);
    queue(1, "b");
    assert_in_range(number(BORN_ROW) - right, 60, 62);
}

/* ---- between two runs ---- */

static void a_restart_after_the_clock_was_set_back(void **state)
{
    (void)state;
    fixture_time += 10LL * YEAR_S;
    queue(0, "a");
    world_restart();
    fixture_time -= 10LL * YEAR_S;
    /* Not for ten years: no longer than it was meant to wait. */
    queue(1, "b");
    pass((LIFE_S + 1) * 1000);
    assert_states("5expired 5expired");
    go_online();
    assert_int_equal(w.nwire, 0);
}

static void a_restart_with_a_clock_that_is_ahead(void **state)
{
    const int64_t right = fixture_time;

    (void)state;
    bridge_server_time(&w.r.b, right);
    queue(0, "a");
    world_restart();
    clock_jumps(YEAR_S);
    queue(1, "b"); /* reads the outbox */
    pass(100 * 1000);
    assert_states("0 0");
    bridge_server_time(&w.r.b, right + 101);
    go_online();
    assert_int_equal(w.nwire, 2);
}

/* Their time went by while we were down; the clock of this machine does not know it. */
static void the_servers_time_judges_what_is_from_before(void **state)
{
    const int64_t right = fixture_time;

    (void)state;
    bridge_server_time(&w.r.b, right);
    queue(0, "a");
    world_restart();
    clock_jumps(-YEAR_S);
    queue(1, "b");
    bridge_server_time(&w.r.b, right + LIFE_S + 1);
    go_online();
    assert_states("5expired 1");
    assert_int_equal(w.nwire, 1);
}

static void without_a_server_that_tells_it_our_clock_judges(void **state)
{
    (void)state;
    queue(0, "a");
    world_restart();
    fixture_time += LIFE_S + 1;
    go_online();
    assert_states("5expired");
}

/* Nobody waits for it any more: never sent, whatever the clock says. */
static void a_keyless_send_ends_with_its_process(void **state)
{
    (void)state;
    send_text(0, CONTACT, "no key");
    world_restart();
    clock_jumps(-YEAR_S);
    go_online();
    assert_states("5not_sent");
    assert_int_equal(w.nwire, 0);
}

/* After a long outage: in small steps, and none of them leaves meanwhile. */
static void many_that_are_over(void **state)
{
    struct send_request q = request(CONTACT, "x");
    char key[16];

    (void)state;
    for (int i = 0; i < 30; i++) {
        snprintf(key, sizeof key, "k%d", i);
        queue(0, key);
    }
    world_restart();
    fixture_time += LIFE_S + 1;
    mono_now += (LIFE_S + 1) * 1000;
    q.key = SPAN_LIT("new");
    send_with(1, &q);
    go_online();
    assert_int_equal(w.nwire, 1);
    assert_int_equal(number("SELECT count(*) FROM bridge_outbox WHERE reason = 'expired'"), 30);
}

/* ---- what is final ---- */

static void keys_are_kept_for_a_week_of_real_time(void **state)
{
    const int64_t right = fixture_time;

    (void)state;
    fixture_time += 20LL * YEAR_S;
    queue(0, "ahead");
    pass((LIFE_S + 1) * 1000);
    assert_states("5expired");
    fixture_time = right;
    bridge_server_time(&w.r.b, right);
    go_online();
    pass(SEND_PRUNE_MS);
    assert_in_range(number("SELECT acked_at FROM bridge_outbox"), right, right + 3600);
    clock_jumps(YEAR_S);
    pass(6LL * 86400 * 1000);
    assert_states("5expired");
    pass(2LL * 86400 * 1000);
    assert_int_equal(number("SELECT count(*) FROM bridge_outbox"), 0);
}

static void a_clock_that_is_behind_forgets_no_key(void **state)
{
    const int64_t right = fixture_time;

    (void)state;
    bridge_server_time(&w.r.b, right);
    queue(0, "k");
    out_queue_clear(&w.r.b, false); /* a restore, while nothing runs and the clock stands in 1970 */
    OK(store_outbox_restored(&w.r.f.s->wa, 1000, NULL));
    OK(batch_commit(&w.r.b));
    go_online();
    assert_states("5restored_unknown");
    assert_int_equal(number("SELECT acked_at FROM bridge_outbox"), right);
}

/* ---- a store that fails ---- */

static void what_is_over_is_not_sent_either_when_that_cannot_be_stored(void **state)
{
    (void)state;
    queue(0, "a");
    OK(db_exec(&w.r.f.s->wa, "PRAGMA query_only = 1"));
    pass((LIFE_S + 1) * 1000);
    OK(db_exec(&w.r.f.s->wa, "PRAGMA query_only = 0"));
    assert_states("0");
    go_online();
    assert_int_equal(w.nwire, 0);
    assert_states("5expired");
}

static void rows_are_corrected_when_the_store_works_again(void **state)
{
    (void)state;
    queue(0, "a");
    OK(db_exec(&w.r.f.s->wa, "PRAGMA query_only = 1"));
    clock_jumps(YEAR_S);
    pass(61 * 1000);
    OK(db_exec(&w.r.f.s->wa, "PRAGMA query_only = 0"));
    assert_true(number(LEFT_ROW) < fixture_time);
    pass(61 * 1000);
    assert_in_range(number(LEFT_ROW) - fixture_time, LIFE_S - 125, LIFE_S - 119);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(a_jump_makes_nothing_older),
        T(nor_younger),
        T(rows_follow_a_clock_that_is_set_right),
        T(rows_follow_the_servers_time),
        T(a_restart_after_the_clock_was_set_back),
        T(a_restart_with_a_clock_that_is_ahead),
        T(the_servers_time_judges_what_is_from_before),
        T(without_a_server_that_tells_it_our_clock_judges),
        T(a_keyless_send_ends_with_its_process),
        T(many_that_are_over),
        T(keys_are_kept_for_a_week_of_real_time),
        T(a_clock_that_is_behind_forgets_no_key),
        T(what_is_over_is_not_sent_either_when_that_cannot_be_stored),
        T(rows_are_corrected_when_the_store_works_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
