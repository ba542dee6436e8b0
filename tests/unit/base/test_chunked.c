/* Bodies in chunks, in every way that they may be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/call/limits.h"
#include "base/chunked.h"

/* Pushes `text` in pieces of `step` bytes; the body, or the error. */
static enum wb_err decode(const char *text, size_t step, size_t max, struct buf *body, bool *done)
{
    struct chunked c = {0};
    struct span in = span_cstr(text);
    enum wb_err err = WB_OK;

    *body = buf_new(max);
    *done = false;
    while (in.n > 0 && err == WB_OK) {
        size_t n = in.n < step ? in.n : step;

        err = chunked_push(&c, SPAN(in.p, n), body, done);
        in = span_skip(in, n);
    }
    return err;
}

static void assert_body(const char *text, const char *want)
{
    for (size_t step = 1; step <= strlen(text); step++) {
        struct buf body;
        bool done;

        assert_int_equal(decode(text, step, 1000, &body, &done), WB_OK);
        assert_true(done);
        assert_string_equal(buf_cstr(&body), want);
        buf_free(&body);
    }
}

static void bodies(void **state)
{
    (void)state;
    assert_body("5\r\nhello\r\n0\r\n\r\n", "hello");
    assert_body("0\r\n\r\n", "");
    assert_body("1\r\na\r\n0000B\r\nbcdefghijkl\r\n0\r\n\r\n", "abcdefghijkl");
    assert_body("2;name=\"v\"\r\nhi\r\n0;last\r\n\r\n", "hi");
    assert_body("2 \r\n\r\n\r\n0\r\nExpires: never\r\nX: 1\r\n\r\n", "\r\n");
    assert_body("2\r\nhi\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hi"); /* the next request is not ours */
}

static void unfinished(void **state)
{
    static const char whole[] = "5;x\r\nhello\r\n0\r\nT: 1\r\n\r\n";
    struct buf body;
    char part[sizeof whole];
    bool done;

    (void)state;
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        memcpy(part, whole, n);
        part[n] = '\0';
        assert_int_equal(decode(part, 3, 1000, &body, &done), WB_OK);
        assert_false(done);
        buf_free(&body);
    }
}

static void no_chunks(void **state)
{
    static const char *const texts[] = {
        "{\"recipient\":1}",
        "\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "-1\r\n",
        "0x5\r\n",
        "5\r\nhelloo",
        "g\r\n",
        "5\r\nhello\n0\r\n\r\n",
        ";x\r\n",
        "5\rx",
        "100000000\r\n" /* 4 GiB */,
        "0\r\n\rx",
        "0\r\nT: 1\n\r\n",
        "5\r\nhello\rx",
        "0\r\n\n",
        "5\r\nhello\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf body;
        bool done = false;
        enum wb_err err = decode(texts[i], 1, 1000, &body, &done);

        if (err == WB_OK)
            print_error("taken: %s\n", texts[i]);
        assert_int_equal(err, WB_ERR_MALFORMED);
        assert_false(done);
        buf_free(&body);
    }
}

static void too_much(void **state)
{
    static char text[CHUNKED_EXTRA_MAX + 100];
    struct buf body;
    bool done;

    (void)state;
    assert_int_equal(decode("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", 4, 10, &body, &done),
                     WB_ERR_TOO_LARGE);
    buf_free(&body);
    /* Endless extensions and trailers. */
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "5;", 2);
    assert_int_equal(decode(text, 7, 10, &body, &done), WB_ERR_MALFORMED);
    buf_free(&body);
    memcpy(text, "0\r\n", 3);
    assert_int_equal(decode(text, 7, 10, &body, &done), WB_ERR_MALFORMED);
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(unfinished),
        cmocka_unit_test(no_chunks),
        cmocka_unit_test(too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
