/* How descriptors are shared between us and the callers of the API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/platform/fd_budget.h"
#include "bridge/platform/loop.h"

static void test_ours_are_set_aside_first(void **state)
{
    (void)state;
    for (size_t inherited = 0; inherited < 40; inherited++) {
        for (size_t limit = fd_budget_least(inherited); limit < 2000; limit++) {
            size_t callers = 0, bound = 0;

            assert_int_equal(fd_budget_share(limit, inherited, &callers, &bound), WB_OK);
            assert_true(bound + FD_BUDGET_LATER <= limit);
            assert_true(bound >= inherited + FD_BUDGET_ALWAYS + FD_BUDGET_API_MIN);
            assert_true(bound - inherited < LOOP_SOCKETS_MAX);
            assert_true(callers >= FD_BUDGET_API_MIN && callers <= FD_BUDGET_API_MAX);
            assert_true(inherited + FD_BUDGET_ALWAYS + callers <= bound);
        }
    }
}

static void test_below_the_least_nothing_is_shared(void **state)
{
    size_t callers = 54321, bound = 12345;

    (void)state;
    assert_int_equal(fd_budget_share(0, 3, &callers, &bound), WB_ERR_TOO_LARGE);
    assert_int_equal(fd_budget_share(24, 3, &callers, &bound), WB_ERR_TOO_LARGE);
    assert_int_equal(fd_budget_share(fd_budget_least(3) - 1, 3, &callers, &bound),
                     WB_ERR_TOO_LARGE);
    assert_int_equal(bound, 12345);
    assert_int_equal(callers, 54321);
}

static void test_with_enough_nothing_is_given_up(void **state)
{
    size_t callers = 0, bound = 0;

    (void)state;
    assert_int_equal(fd_budget_share(fd_budget_wanted(3), 3, &callers, &bound), WB_OK);
    assert_int_equal(bound, 3 + FD_BUDGET_ALWAYS + FD_BUDGET_API_MAX);
    assert_int_equal(callers, FD_BUDGET_API_MAX);
    assert_int_equal(fd_budget_share(SIZE_MAX, 3, &callers, &bound), WB_OK);
    assert_int_equal(bound, 3 + FD_BUDGET_ALWAYS + FD_BUDGET_API_MAX);
    assert_int_equal(callers, FD_BUDGET_API_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ours_are_set_aside_first),
        cmocka_unit_test(test_below_the_least_nothing_is_shared),
        cmocka_unit_test(test_with_enough_nothing_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
