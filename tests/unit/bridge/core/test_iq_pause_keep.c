/* The pauses that WhatsApp wants, written down for the next start and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/core/iq_pause_keep.h"

enum { NOW_S = 1790000000, NOW_MS = 5000000, START_MS = 70000 };

/* As another process reads it `later_s` seconds afterwards by the wall clock. */
static struct iq_pauses over_a_restart(const struct iq_pauses *before, int64_t later_s)
{
    struct iq_pauses after = {0};
    struct buf text = buf_new(4096);

    iq_pauses_write(before, NOW_S, NOW_MS, &text);
    assert_int_equal(buf_err(&text), WB_OK);
    iq_pauses_read(&after, buf_span(&text), NOW_S + later_s, START_MS);
    buf_free(&text);
    return after;
}

static void pauses_go_on_after_a_restart(void **state)
{
    struct iq_pauses before = {0}, after;
    bool probe;

    (void)state;
    iq_pause_begin(&before, "usync get", 600, NOW_MS);
    iq_pause_begin(&before, "md set remove-companion-device", 30, NOW_MS);
    after = over_a_restart(&before, 20);
    assert_int_equal(after.n, 2);
    assert_int_equal(iq_pause_left(&after, "usync get", START_MS), 580 * 1000);
    assert_int_equal(iq_pause_left(&after, "md set remove-companion-device", START_MS), 10 * 1000);
    assert_false(iq_pause_may_send(&after, "usync get", START_MS, &probe));
    assert_true(iq_pause_may_send(&after, "usync get", START_MS + 580 * 1000, &probe));
    assert_true(probe);
    iq_pause_probed(&after, "usync get", true);
    assert_int_equal(after.n, 1);
}

/* Refusals in a row: the pause after the next one is not the first again. */
static void pauses_keep_growing_over_a_restart(void **state)
{
    struct iq_pauses before = {0}, after;

    (void)state;
    iq_pause_begin(&before, "usync get", 0, NOW_MS - 20000);
    iq_pause_begin(&before, "usync get", 0, NOW_MS);
    assert_int_equal(iq_pause_left(&before, "usync get", NOW_MS), 2 * IQ_PAUSE_FIRST_S * 1000);
    after = over_a_restart(&before, 3600);
    assert_int_equal(iq_pause_left(&after, "usync get", START_MS), 0);
    iq_pause_begin(&after, "usync get", 0, START_MS + 1);
    assert_int_equal(iq_pause_left(&after, "usync get", START_MS + 1), 4 * IQ_PAUSE_FIRST_S * 1000);
}

static void a_clock_that_was_set_back_makes_none_longer(void **state)
{
    struct iq_pauses before = {0}, after;

    (void)state;
    iq_pause_begin(&before, "usync get", 600, NOW_MS);
    after = over_a_restart(&before, -INT64_C(5) * 365 * 86400);
    assert_int_equal(iq_pause_left(&after, "usync get", START_MS), IQ_BACKOFF_MAX_S * 1000LL);
}

static void what_others_wrote_is_passed_over(void **state)
{
    static const char text[] = "1790000100 1 usync get\n\nx 1 a\n1790000100 y b\n1790000100 2\n"
                               "1790000100 4294967296 c\n99999999999999999999 1 d\n1790000050 0 e";
    struct iq_pauses p = {0};

    (void)state;
    iq_pauses_read(&p, SPAN(text, sizeof text - 1), NOW_S, START_MS);
    assert_int_equal(p.n, 2);
    assert_string_equal(p.list[0].kind, "usync get");
    assert_string_equal(p.list[1].kind, "e");
    assert_int_equal(p.list[1].until_ms, START_MS + 50 * 1000);
}

static void no_more_than_there_is_room_for(void **state)
{
    struct iq_pauses p = {0};
    struct buf text = buf_new(64 * 1024);

    (void)state;
    for (unsigned i = 0; i < 3 * IQ_PAUSES_MAX; i++)
        buf_printf(&text, "1790000100 1 kind %u\n", i);
    buf_printf(&text, "1790000100 1 %0*d\n", 2 * IQ_KIND_MAX, 7);
    iq_pauses_read(&p, buf_span(&text), NOW_S, START_MS);
    assert_int_equal(p.n, IQ_PAUSES_MAX);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_go_on_after_a_restart),
        cmocka_unit_test(pauses_keep_growing_over_a_restart),
        cmocka_unit_test(a_clock_that_was_set_back_makes_none_longer),
        cmocka_unit_test(what_others_wrote_is_passed_over),
        cmocka_unit_test(no_more_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
