/* Timers fire in order, once, and may change each other while they fire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/bridge/fake_time.h"

struct item {
    struct fake_time *time;
    struct timer timer;
    struct item *victim; /* stopped when this one fires */
    int64_t again_ms;    /* started again when it fires; -1: not */
    int fired;
    int order;
    int *counter;
};

static void fire(void *ctx)
{
    struct item *i = ctx;

    i->fired++;
    i->order = ++*i->counter;
    if (i->victim)
        timer_stop(&i->time->timers, &i->victim->timer);
    if (i->again_ms >= 0)
        timer_start(&i->time->timers, &i->timer, i->again_ms, fire, i);
}

static void start(struct fake_time *t, struct item *i, int *counter, int64_t ms)
{
    *i = (struct item){.time = t, .again_ms = -1, .counter = counter};
    timer_start(&t->timers, &i->timer, ms, fire, i);
}

static void test_order(void **state)
{
    struct fake_time t;
    struct item i[4];
    int n = 0;

    (void)state;
    fake_time_init(&t);
    start(&t, &i[0], &n, 30);
    start(&t, &i[1], &n, 10);
    start(&t, &i[2], &n, 20);
    start(&t, &i[3], &n, 10);
    assert_int_equal(timers_next_ms(&t.timers), t.ms + 10);
    fake_time_pass(&t, 25);
    assert_int_equal(i[1].order, 1);
    assert_int_equal(i[3].order, 2); /* equal times keep their order */
    assert_int_equal(i[2].order, 3);
    assert_int_equal(i[0].fired, 0);
    assert_int_equal(timer_left_ms(&t.timers, &i[0].timer), 5);
    fake_time_pass(&t, 5);
    assert_int_equal(i[0].order, 4);
    assert_int_equal(timers_next_ms(&t.timers), -1);
    assert_int_equal(timer_left_ms(&t.timers, &i[0].timer), -1);
}

static void test_changes_while_firing(void **state)
{
    struct fake_time t;
    struct item a, b, c;
    int n = 0;

    (void)state;
    fake_time_init(&t);
    start(&t, &a, &n, 10);
    start(&t, &b, &n, 10);
    start(&t, &c, &n, 10);
    a.victim = &b;
    c.again_ms = 0; /* for ever due: runs once per round, never in a loop */
    t.ms += 10;
    timers_run(&t.timers);
    assert_int_equal(a.fired, 1);
    assert_int_equal(b.fired, 0);
    assert_int_equal(c.fired, 1);
    timers_run(&t.timers);
    assert_int_equal(c.fired, 2);
    timer_stop(&t.timers, &c.timer);
    timer_stop(&t.timers, &c.timer); /* harmless */
    timers_run(&t.timers);
    assert_int_equal(c.fired, 2);
}

static void test_moved(void **state)
{
    struct fake_time t;
    struct item a;
    int n = 0;

    (void)state;
    fake_time_init(&t);
    start(&t, &a, &n, 10);
    timer_start(&t.timers, &a.timer, 50, fire, &a);
    fake_time_pass(&t, 49);
    assert_int_equal(a.fired, 0);
    fake_time_pass(&t, 1);
    assert_int_equal(a.fired, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_changes_while_firing),
        cmocka_unit_test(test_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
