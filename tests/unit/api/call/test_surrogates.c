/* Halves of characters in JSON: what becomes U+FFFD and what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/call/surrogates.h"

static void assert_mended(const char *from, const char *to)
{
    char text[100];

    assert_true(strlen(from) < sizeof text);
    memcpy(text, from, strlen(from) + 1);
    surrogates_mend((uint8_t *)text, strlen(text));
    assert_string_equal(text, to);
}

static void halves_become_the_replacement_character(void **state)
{
    (void)state;
    assert_mended("\"a\\ud83d\"", "\"a\\ufffd\"");
    assert_mended("\"\\uDE00b\"", "\"\\ufffdb\"");
    assert_mended("\"\\ude00\\ud83d\"", "\"\\ufffd\\ufffd\""); /* the wrong way round */
    assert_mended("\"\\ud83d\\ud83d\\ude00\"", "\"\\ufffd\\ud83d\\ude00\"");
    assert_mended("\"\\ud83d\\ude00\\ude00\"", "\"\\ud83d\\ude00\\ufffd\"");
    assert_mended("\"\\ud83d\\n\\ude00\"", "\"\\ufffd\\n\\ufffd\"");
    assert_mended("\"\\\\\\ud83d\"", "\"\\\\\\ufffd\""); /* behind a backslash that is text */
    assert_mended("\"\\udbff\\\\udfff\"", "\"\\ufffd\\\\udfff\"");
}

static void everything_else_stays(void **state)
{
    static const char *const good[] = {
        "",
        "\"\\ud83d\\ude00\"",
        "\"\\uD800\\uDC00 \\uDBFF\\uDFFF\"",
        "\"\\ud7ff\\ue000\\u0041\"",
        "\"\\\\ud83d\"", /* a backslash and the word ud83d */
        "\"\\\\\\\\ude00\"",
        "\"ud83d\"",
        "\"\\ud83\"",
        "\"\\ud83x\"",
        "\"\\ud83",
        "\\",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_mended(good[i], good[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_become_the_replacement_character),
        cmocka_unit_test(everything_else_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
