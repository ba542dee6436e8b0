/* How much work a group may cause us, and how often. */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/groups/group_limits.h"
#include "store/session/group_limits.h"

static bool resend_to(const char *group, const char *device)
{
    struct jid j = J(group), who = J(device);
    bool may = false;

    OK(group_limit_resend(&w.r.b, &j, &who, &may));
    return may;
}

/* To somebody who has not asked before. */
static bool resend(const char *group)
{
    static unsigned people;
    char text[40];

    snprintf(text, sizeof text, "%u@lid", 500000 + ++people);
    return resend_to(group, text);
}

static unsigned resends_now(void)
{
    unsigned n = 0;

    while (n < 100 && resend(GROUP))
        n++;
    return n;
}

/* All devices of a person, by either form. */
static unsigned resends_to_one(void)
{
    static const char *const devices[] = {"222000011@lid", "222000011:3@lid",
                                          "27820000011:4@s.whatsapp.net"};
    unsigned n = 0;

    while (n < 100 && resend_to(GROUP, devices[n % 3]))
        n++;
    return n;
}

static void one_person_leaves_the_others_something(void **state)
{
    struct jid lid = J("222000011@lid"), pn = J("27820000011@s.whatsapp.net");

    (void)state;
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    assert_int_equal(resends_to_one(), 10);
    assert_int_equal(resends_to_one(), 0);
    assert_int_equal(resends_now(), 10);
    /* Of what comes back, too. */
    pass(60 * 1000);
    assert_int_equal(resends_to_one(), 5);
    assert_int_equal(resends_now(), 5);
    pass(3600 * 1000);
    assert_int_equal(resends_now(), 20);
    /* Nor by many groups: the least used share makes room. */
    pass(3600 * 1000);
    assert_int_equal(resends_to_one(), 10);
    for (int i = 0; i < 200; i++)
        (void)resend("120363000000000002@g.us");
    assert_int_equal(resends_to_one(), 0);
}

static void resends_have_a_burst_and_a_rate(void **state)
{
    (void)state;
    assert_int_equal(resends_now(), 20);
    assert_int_equal(w.r.b.group_resends_held, 1);
    assert_true(resend("120363000000000002@g.us")); /* each group has its own */
    fixture_time += 5;
    assert_int_equal(resends_now(), 0);
    fixture_time += 1;
    assert_int_equal(resends_now(), 1);
    fixture_time += 60;
    assert_int_equal(resends_now(), 10);
    fixture_time += 86400;
    assert_int_equal(resends_now(), 20);
}

static void a_restart_gives_no_new_burst(void **state)
{
    (void)state;
    assert_int_equal(resends_now(), 20);
    OK(batch_commit(&w.r.b));
    world_restart();
    assert_int_equal(resends_now(), 0);
    assert_int_equal(w.r.b.group_resends_held, 1);
    fixture_time += 60;
    assert_int_equal(resends_now(), 10);
}

/* It was noted by a clock that was ahead by a year: nobody waits for that year. */
static void a_clock_that_was_ahead(void **state)
{
    (void)state;
    fixture_time += 365 * 86400;
    assert_int_equal(resends_now(), 20);
    fixture_time -= 365 * 86400;
    assert_int_equal(resends_now(), 0);
    fixture_time += 60;
    assert_int_equal(resends_now(), 10);
}

static bool believed(void)
{
    struct jid j = J(GROUP);
    bool may = false;

    OK(group_limit_mode(&w.r.b, &j, &may));
    return may;
}

static void another_addressing_is_believed_hourly(void **state)
{
    (void)state;
    assert_true(believed());
    assert_false(believed());
    fixture_time += 3599;
    assert_false(believed());
    fixture_time += 1;
    assert_true(believed());
    fixture_time -= 86400; /* the clock was ahead */
    assert_true(believed());
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(resends_have_a_burst_and_a_rate),       T(one_person_leaves_the_others_something),
        T(a_restart_gives_no_new_burst),          T(a_clock_that_was_ahead),
        T(another_addressing_is_believed_hourly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
