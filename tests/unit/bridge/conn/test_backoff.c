/* Delays between connections (P-ER-12, P-ER-16) and after being replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/conn/backoff.h"
#include "bridge/conn/limits.h"

/* Within 10 % either way. */
static void assert_about(int64_t ms, int64_t seconds)
{
    assert_in_range(ms, seconds * 900, seconds * 1100);
}

static void test_fibonacci(void **state)
{
    static const int64_t seconds[] = {1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 180, 180, 180};
    struct backoff b = {0};
    struct rng_seeded seed;
    uint8_t key[32] = {3};
    struct rng rng = rng_from_seed(&seed, key);

    (void)state;
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++)
        assert_about(backoff_next_ms(&b, &rng), seconds[i]);
    backoff_reset(&b);
    assert_about(backoff_next_ms(&b, &rng), 1);
}

static void test_jitter(void **state)
{
    struct rng_seeded seed;
    uint8_t key[32] = {7};
    struct rng rng = rng_from_seed(&seed, key);
    int64_t low = INT64_MAX;
    int64_t high = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct backoff b = {.failures = 6};
        int64_t ms = backoff_next_ms(&b, &rng);

        assert_in_range(ms, 13000 * 9 / 10, 13000 * 11 / 10);
        low = ms < low ? ms : low;
        high = ms > high ? ms : high;
    }
    assert_true(low < 12000 && high > 14000); /* it uses its range */
}

static void test_penalty(void **state)
{
    struct backoff b = {0};
    struct rng_seeded seed;
    uint8_t key[32] = {5};
    struct rng rng = rng_from_seed(&seed, key);

    (void)state;
    backoff_penalty(&b, 5);
    assert_about(backoff_next_ms(&b, &rng), 8);
}

static void test_replaced(void **state)
{
    static const int64_t pauses_s[] = {30, 60, 120, 240};
    struct replaced r = {0};
    int64_t now = 5000000;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(replaced_pause_ms(&r, now), pauses_s[i] * 1000);
        now += pauses_s[i] * 1000 + 500;
    }
    /* The fifth within an hour: the operator decides, and stays asked. */
    assert_int_equal(replaced_pause_ms(&r, now), -1);
    assert_int_equal(replaced_pause_ms(&r, now + 1), -1);
    replaced_reset(&r);
    assert_int_equal(replaced_pause_ms(&r, now + 2), 30000);
}

static void test_replaced_rarely(void **state)
{
    struct replaced r = {0};
    int64_t now = 1;

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(replaced_pause_ms(&r, now), 30000);
        now += CONN_REPLACED_WINDOW_MS;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fibonacci),       cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_penalty),         cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_replaced_rarely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
