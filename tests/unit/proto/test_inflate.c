/* zlib streams: whole, cut, damaged, and bombs. The streams were made with Python's zlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "proto/inflate.h"

static const char hello[] = "78dacb48cdc9c957c84090003a2e067d"; /* "hello hello hello" */
static const char zeros[] =                                     /* 100,000 zero bytes */
    "78daedc13101000000c2a0f54f6d0d0fa00000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000000080570386af0001";

static enum wb_err run(const char *hex, size_t cut, struct buf *out)
{
    uint8_t bytes[256];
    size_t n;

    assert_int_equal(hex_decode(span_cstr(hex), bytes, sizeof bytes, &n), WB_OK);
    return inflate_zlib(SPAN(bytes, n - cut), out);
}

static void whole_streams(void **state)
{
    struct buf out = buf_new(1 << 20);

    (void)state;
    buf_append_cstr(&out, "kept ");
    assert_int_equal(run(hello, 0, &out), WB_OK);
    assert_string_equal(buf_cstr(&out), "kept hello hello hello");
    buf_clear(&out);
    assert_int_equal(run(zeros, 0, &out), WB_OK);
    assert_int_equal(out.n, 100000);
    for (size_t i = 0; i < out.n; i++)
        assert_int_equal(out.p[i], 0);
    buf_free(&out);
}

static void the_maximum_is_exact(void **state)
{
    struct buf out = buf_new(99999);

    (void)state;
    assert_int_equal(run(zeros, 0, &out), WB_ERR_TOO_LARGE);
    buf_free(&out);
    out = buf_new(100000);
    assert_int_equal(run(zeros, 0, &out), WB_OK);
    buf_free(&out);
}

/* What is more than the maximum is not inflated to its end: a bomb would keep us busy. */
static void more_than_the_maximum_is_not_made(void **state)
{
    uint8_t bytes[256];
    size_t n, size = 7;

    (void)state;
    assert_int_equal(hex_decode(span_cstr(zeros), bytes, sizeof bytes, &n), WB_OK);
    assert_int_equal(inflate_size(SPAN(bytes, n), 99999, &size), WB_ERR_TOO_LARGE);
    assert_int_equal(size, 7);
    /* Its end is not looked for: cut off far behind the maximum it is still too large. */
    assert_int_equal(inflate_size(SPAN(bytes, n - 5), 1000, &size), WB_ERR_TOO_LARGE);
    assert_int_equal(inflate_size(SPAN(bytes, n), 100000, &size), WB_OK);
    assert_int_equal(size, 100000);
}

static void cut_streams(void **state)
{
    (void)state;
    for (size_t cut = 1; cut <= sizeof hello / 2; cut++) {
        struct buf out = buf_new(1024);

        assert_int_equal(run(hello, cut, &out), WB_ERR_TRUNCATED);
        buf_free(&out);
    }
}

static void damaged_streams(void **state)
{
    struct buf out = buf_new(1024);
    char hex[sizeof hello + 2];

    (void)state;
    memcpy(hex, hello, sizeof hello);
    strcat(hex, "00");
    assert_int_equal(run(hex, 0, &out), WB_ERR_TRAILING);
    buf_clear(&out);
    memcpy(hex, hello, sizeof hello);
    hex[strlen(hex) - 1] ^= 1; /* the check sum */
    assert_int_equal(run(hex, 0, &out), WB_ERR_MALFORMED);
    buf_clear(&out);
    assert_int_equal(run("000102030405", 0, &out), WB_ERR_MALFORMED);
    buf_clear(&out);
    assert_int_equal(run("78bb00000001", 0, &out), WB_ERR_MALFORMED); /* asks for a dictionary */
    buf_clear(&out);
    assert_int_equal(inflate_zlib(SPAN_NULL, &out), WB_ERR_TRUNCATED);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_streams),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(more_than_the_maximum_is_not_made),
        cmocka_unit_test(cut_streams),
        cmocka_unit_test(damaged_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
