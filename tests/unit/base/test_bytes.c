/* Spans, buffers, readers, arenas, text: the types that every file uses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/reader.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/text.h"

static void buf_keeps_its_maximum(void **state)
{
    (void)state;
    struct buf b = buf_new(4);

    buf_u16be(&b, 0x0102);
    buf_u16be(&b, 0x0304);
    assert_int_equal(buf_err(&b), WB_OK);
    buf_u8(&b, 5);
    assert_int_equal(buf_err(&b), WB_ERR_TOO_LARGE);
    buf_u8(&b, 6); /* sticky: still refused, content unchanged */
    assert_int_equal(b.n, 4);
    assert_memory_equal(b.p, "\x01\x02\x03\x04", 4);
    buf_clear(&b);
    buf_append_cstr(&b, "ok");
    assert_string_equal(buf_cstr(&b), "ok");
    buf_free(&b);
}

/* For people: a text that is too long is cut, not lost. */
static void buf_text_shows_what_fitted(void **state)
{
    struct buf b = buf_new(12);

    (void)state;
    assert_string_equal(buf_text(&b), "");
    buf_append_cstr(&b, "first, ");
    assert_string_equal(buf_text(&b), "first, ");
    buf_append_cstr(&b, "second, ");
    buf_append_cstr(&b, "3");
    assert_int_equal(buf_err(&b), WB_ERR_TOO_LARGE);
    assert_string_equal(buf_cstr(&b), "");
    assert_string_equal(buf_text(&b), "first,  ...");
    assert_string_equal(buf_text(&b), "first,  ...");
    assert_int_equal(b.n, 7);
    buf_free(&b);
}

static void buf_grows_by_copy(void **state)
{
    (void)state;
    struct buf b = buf_new(100000);

    for (unsigned i = 0; i < 20000; i++)
        buf_u32be(&b, i);
    assert_int_equal(b.n, 80000);
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(b.p[4 * i + 3], i & 0xff);
    buf_consume(&b, 79996);
    assert_int_equal(b.n, 4);
    assert_memory_equal(b.p, "\x00\x00\x4e\x1f", 4);
    buf_free(&b);
}

static void reader_stops_at_the_end(void **state)
{
    (void)state;
    struct reader r = reader_new(SPAN_LIT("\x01\x02\x03\x04\x05"));

    assert_int_equal(reader_u16be(&r), 0x0102);
    assert_int_equal(reader_u24be(&r), 0x030405);
    assert_int_equal(reader_err(&r), WB_OK);
    assert_int_equal(reader_u8(&r), 0);
    assert_int_equal(reader_err(&r), WB_ERR_TRUNCATED);
    reader_fail(&r, WB_ERR_MALFORMED); /* the first error stays */
    assert_int_equal(reader_err(&r), WB_ERR_TRUNCATED);
}

static void arena_is_zeroed_and_bounded(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 20);

    for (int round = 0; round < 3; round++) {
        uint8_t *p = arena_alloc(&a, 100000);

        assert_non_null(p);
        for (size_t i = 0; i < 100000; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, 100000);
        char *s = arena_cstr(&a, SPAN_LIT("text"));
        assert_string_equal(s, "text");
        assert_null(arena_alloc(&a, 1 << 20));
        arena_reset(&a);
    }
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_free(&a);
}

static void base64_and_hex_both_ways(void **state)
{
    (void)state;
    struct buf b = buf_new(100);
    uint8_t out[16];
    size_t n = 0;

    buf_b64(&b, SPAN_LIT("\xfb\xff\x00q"));
    assert_string_equal(buf_cstr(&b), "+/8AcQ==");
    assert_int_equal(b64_decode(buf_span(&b), out, sizeof out, &n), WB_OK);
    assert_int_equal(n, 4);
    assert_int_equal(b64_decode(SPAN_LIT("+/8AcQ="), out, sizeof out, &n), WB_ERR_MALFORMED);
    assert_int_equal(b64_decode(SPAN_LIT("+/8A cQ=="), out, sizeof out, &n), WB_ERR_MALFORMED);
    buf_clear(&b);
    buf_b64url(&b, SPAN_LIT("\xfb\xff\x00q"), false);
    assert_string_equal(buf_cstr(&b), "-_8AcQ");
    assert_int_equal(b64url_decode(SPAN_LIT("-_8AcQ=="), out, sizeof out, &n), WB_OK);
    buf_clear(&b);
    buf_hex(&b, SPAN_LIT("\x00\xab"));
    assert_string_equal(buf_cstr(&b), "00ab");
    assert_int_equal(hex_decode(SPAN_LIT("00AB"), out, sizeof out, &n), WB_OK);
    assert_int_equal(n, 2);
    assert_int_equal(hex_decode(SPAN_LIT("00A"), out, sizeof out, &n), WB_ERR_MALFORMED);
    assert_int_equal(hex_decode(SPAN_LIT("zz"), out, sizeof out, &n), WB_ERR_MALFORMED);
    buf_free(&b);
}

static void utf8_is_cleaned(void **state)
{
    char good[] = "a\xc3\xa4\xe2\x82\xac", odd[] = "\xff"
                                                   "a\xe2\x82"
                                                   "b\xc3\xa4\xf0\x9f\x98";

    (void)state;
    utf8_clean(good);
    assert_string_equal(good, "a\xc3\xa4\xe2\x82\xac");
    utf8_clean(odd);
    assert_string_equal(odd, "?a??b\xc3\xa4???");
}

static void utf8_is_judged_strictly(void **state)
{
    (void)state;
    assert_true(utf8_valid(SPAN_LIT("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_false(utf8_valid(SPAN_LIT("\xc0\xaf")));         /* overlong */
    assert_false(utf8_valid(SPAN_LIT("\xed\xa0\x80")));     /* surrogate */
    assert_false(utf8_valid(SPAN_LIT("\xf4\x90\x80\x80"))); /* above U+10FFFF */
    assert_false(utf8_valid(SPAN_LIT("\xe2\x82")));         /* cut */
    assert_int_equal(utf8_first(SPAN_LIT("a\xe2\x82\xac"), 3).n, 1);
    assert_int_equal(utf8_first(SPAN_LIT("a\xe2\x82\xac"), 4).n, 4);
    assert_int_equal(utf8_chars(SPAN_LIT("a\xe2\x82\xac\xf0\x9f\x98\x80")), 3);
    assert_int_equal(utf8_chars(SPAN_NULL), 0);
}

static void numbers_do_not_wrap(void **state)
{
    (void)state;
    uint64_t v = 7;

    assert_true(span_to_u64(SPAN_LIT("18446744073709551615"), &v));
    assert_true(v == UINT64_MAX);
    assert_false(span_to_u64(SPAN_LIT("18446744073709551616"), &v));
    assert_false(span_to_u64(SPAN_LIT(""), &v));
    assert_false(span_to_u64(SPAN_LIT("-1"), &v));
    assert_true(v == UINT64_MAX);
}

static void seeded_rng_repeats(void **state)
{
    (void)state;
    static const uint8_t seed[32] = {1};
    struct rng_seeded sa, sb;
    struct rng a = rng_from_seed(&sa, seed), b = rng_from_seed(&sb, seed);

    for (int i = 0; i < 100; i++) {
        uint32_t v = rng_below(&a, 10);

        assert_true(v < 10);
        assert_int_equal(v, rng_below(&b, 10));
    }
}

static void yes_and_no_are_words_of_one_list(void **state)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    static const char *const neither[] = {"", "TRUE", "2", "truer", "y"};
    bool value = false;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(text_yes_no(yes[i], &value));
        assert_true(value);
        assert_true(text_yes_no(no[i], &value));
        assert_false(value);
    }
    value = true;
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++)
        assert_false(text_yes_no(neither[i], &value));
    assert_true(value);
}

static void errno_says_what_a_file_is(void **state)
{
    (void)state;
    assert_int_equal(wb_err_of_errno(ENOENT), WB_ERR_NOT_FOUND);
    assert_int_equal(wb_err_of_errno(EEXIST), WB_ERR_EXISTS);
    assert_int_equal(wb_err_of_errno(ELOOP), WB_ERR_NOT_PLAIN);
    assert_int_equal(wb_err_of_errno(EDQUOT), WB_ERR_NO_SPACE);
    assert_int_equal(wb_err_of_errno(ENOMEM), WB_ERR_NOMEM);
    assert_int_equal(wb_err_of_errno(EACCES), WB_ERR_IO);
    assert_int_equal(wb_err_of_errno(0), WB_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_text_shows_what_fitted),
        cmocka_unit_test(buf_keeps_its_maximum),
        cmocka_unit_test(buf_grows_by_copy),
        cmocka_unit_test(reader_stops_at_the_end),
        cmocka_unit_test(arena_is_zeroed_and_bounded),
        cmocka_unit_test(base64_and_hex_both_ways),
        cmocka_unit_test(utf8_is_judged_strictly),
        cmocka_unit_test(base64_and_hex_both_ways),
        cmocka_unit_test(utf8_is_cleaned),
        cmocka_unit_test(numbers_do_not_wrap),
        cmocka_unit_test(yes_and_no_are_words_of_one_list),
        cmocka_unit_test(errno_says_what_a_file_is),
        cmocka_unit_test(seeded_rng_repeats),
    };

    if (secret_init() != WB_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
