/* Padding of message plaintexts (P-SG-36). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/padding.h"

static void every_random_byte(void **state)
{
    (void)state;
    for (unsigned random = 0; random < 256; random++) {
        struct buf b = buf_new(64);
        struct span content = SPAN_NULL;
        size_t want = random % 16 ? random % 16 : 15;

        buf_append_cstr(&b, "text");
        assert_int_equal(padding_add(&b, (uint8_t)random), WB_OK);
        assert_int_equal(b.n, 4 + want);
        for (size_t i = 4; i < b.n; i++)
            assert_int_equal(b.p[i], want);
        assert_int_equal(padding_strip(buf_span(&b), &content), WB_OK);
        assert_true(span_eq_cstr(content, "text"));
        buf_free(&b);
    }
}

static void what_is_accepted(void **state)
{
    struct span c = SPAN_NULL;
    uint8_t sixteen[17];

    (void)state;
    memset(sixteen, 16, sizeof sixteen);
    assert_int_equal(padding_strip(SPAN_ARRAY(sixteen), &c), WB_OK); /* as Baileys pads */
    assert_int_equal(c.n, 1);
    assert_int_equal(padding_strip(SPAN(sixteen, 16), &c), WB_OK);
    assert_int_equal(c.n, 0);
    assert_non_null(c.p);
    assert_int_equal(padding_strip(SPAN_LIT("\1"), &c), WB_OK);
    assert_int_equal(c.n, 0);
}

static void what_is_refused(void **state)
{
    static const struct span bad[] = {
        {NULL, 0},
        {(const uint8_t *)"", 0},
        {(const uint8_t *)"text\0", 5},
        {(const uint8_t *)"\2", 1},
        {(const uint8_t *)"text\1\2", 6},
        {(const uint8_t *)"text\3\2\3", 7},
        {(const uint8_t *)"0123456789012345\x11", 17},
    };
    struct span c = SPAN_LIT("untouched");
    struct buf small = buf_new(4);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(padding_strip(bad[i], &c), WB_ERR_BAD_PADDING);
    assert_true(span_eq_cstr(c, "untouched"));
    assert_int_equal(padding_add(&small, 5), WB_ERR_TOO_LARGE);
    buf_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_random_byte),
        cmocka_unit_test(what_is_accepted),
        cmocka_unit_test(what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
