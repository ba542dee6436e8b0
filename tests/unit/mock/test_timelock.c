/* wa-mock's restricted account: whom it may write to, and which client is flagged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "tools/mock/assembly.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/privacy.h"
#include "tools/mock/devices/timelock.h"

enum { START_MS = 1700000000, HOUR_S = 3600 };

struct fixture {
    struct mock m;
    int64_t now_ms;
    struct clock clock;
    struct mock_account *own; /* somebody who pairs a client */
    struct device *client;
};

static int64_t fixed_now(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static int setup(void **state)
{
    static struct fixture f;
    struct mock_config c = config_default();

    c.has_seed = true;
    c.seed[0] = 7;
    c.contacts = 4;
    memset(&f, 0, sizeof f);
    f.now_ms = START_MS * 1000LL;
    f.clock = (struct clock){fixed_now, fixed_now, &f};
    assert_int_equal(secret_init(), WB_OK);
    assert_int_equal(mock_init(&f.m, &c, &f.clock), WB_OK);
    assert_int_equal(mock_populate(&f.m), WB_OK);
    f.own = f.m.world.accounts[0];
    f.own->contact = false;
    f.client = world_add_device(&f.m, f.own);
    assert_non_null(f.client);
    mock_enter(&f.m);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    mock_leave(&f->m);
    mock_free(&f->m);
    return 0;
}

static int writes_to(struct fixture *f, size_t i)
{
    return timelock_refuses(&f->m, f->client, f->m.world.accounts[i], "test",
                            mock_node(&f->m, "message"));
}

static size_t flags(const struct fixture *f)
{
    size_t n = 0;

    for (const struct flag *at = f->m.flags; at != NULL; at = at->next)
        n += strcmp(at->what, "first-contact-in-lock") == 0;
    return n;
}

static void only_strangers_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(writes_to(f, 1), 0);
    timelock_set(&f->m, f->own, true, START_MS + HOUR_S, "BIZ_QUALITY", false);
    timelock_met(f->own, f->m.world.accounts[1]);
    privacy_issue(&f->m, f->m.world.accounts[2], f->own, START_MS);
    assert_int_equal(writes_to(f, 0), 0);
    assert_int_equal(writes_to(f, 1), 0);
    assert_int_equal(writes_to(f, 2), 0);
    assert_int_equal(writes_to(f, 3), 463);
    f->now_ms += HOUR_S * 1000LL;
    assert_int_equal(writes_to(f, 3), 0);
    timelock_set(&f->m, f->own, true, 0, "BIZ_QUALITY", false); /* without an end */
    f->now_ms += 1000LL * HOUR_S * 1000;
    assert_int_equal(writes_to(f, 3), 463);
    timelock_set(&f->m, f->own, false, 0, "", false);
    assert_int_equal(writes_to(f, 3), 0);
}

static void a_client_that_knows_is_flagged(void **state)
{
    struct fixture *f = *state;

    timelock_set(&f->m, f->own, true, START_MS + HOUR_S, "BIZ_QUALITY", false);
    assert_int_equal(writes_to(f, 3), 463);
    assert_int_equal(writes_to(f, 3), 463); /* was on its way */
    assert_int_equal(flags(f), 0);
    f->now_ms += 1001;
    assert_int_equal(writes_to(f, 3), 463);
    assert_int_equal(flags(f), 1);
    /* By the notification: when it has acked that. */
    timelock_set(&f->m, f->own, true, START_MS + HOUR_S, "BIZ_QUALITY", true);
    assert_int_equal(writes_to(f, 3), 463);
    assert_int_equal(flags(f), 1);
}

static void who_asks_is_answered(void **state)
{
    struct fixture *f = *state;
    struct span json = timelock_answer(&f->m, f->own, "23983697327930364");

    assert_true(span_eq_cstr(json, "{\"data\":{\"xwa2_fetch_account_reachout_timelock\":"
                                   "{\"is_active\":false,\"enforcement_type\":\"DEFAULT\"}}}"));
    timelock_set(&f->m, f->own, true, 1700003600, "BIZ_QUALITY", false);
    json = timelock_answer(&f->m, f->own, "23983697327930364");
    assert_true(span_eq_cstr(json, "{\"data\":{\"xwa2_fetch_account_reachout_timelock\":"
                                   "{\"is_active\":true,\"time_enforcement_ends\":\"1700003600\","
                                   "\"enforcement_type\":\"BIZ_QUALITY\"}}}"));
    assert_null(timelock_answer(&f->m, f->own, "6388546374527196").p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(only_strangers_are_refused),
        T(a_client_that_knows_is_flagged),
        T(who_asks_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
