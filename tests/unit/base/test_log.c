/* Log lines: both formats, hostile text, levels, and a file that is rotated away. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/text.h"

static int64_t fixed_ms(void *ctx)
{
    (void)ctx;
    return 1700000000123; /* 2023-11-14T22:13:20.123Z */
}

static const struct clock fixed_clock = {fixed_ms, fixed_ms, NULL};

struct fixture {
    struct log log;
    char dir[64], path[96], moved[96], text[32768];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    snprintf(f->dir, sizeof f->dir, "/tmp/test_log.XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/bridge.log", f->dir);
    snprintf(f->moved, sizeof f->moved, "%s/bridge.log.1", f->dir);
    *state = f;
    return log_open(&f->log, &fixed_clock, f->path) == WB_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    log_close(&f->log);
    unlink(f->path);
    unlink(f->moved);
    rmdir(f->dir);
    free(f);
    return 0;
}

static const char *content(struct fixture *f, const char *path)
{
    FILE *file = fopen(path, "r");
    size_t n;

    assert_non_null(file);
    n = fread(f->text, 1, sizeof f->text - 1, file);
    fclose(file);
    f->text[n] = 0;
    return f->text;
}

static void text_lines(void **state)
{
    struct fixture *f = *state;

    log_info(&f->log, "conn", "state %s -> %s", "idle", "dialing");
    snprintf(f->log.role, sizeof f->log.role, "SALES");
    log_error(&f->log, "store", "\"disk\" %d\\%d", 1, 2);
    assert_string_equal(content(f, f->path),
                        "2023-11-14T22:13:20.123Z INFO  conn: state idle -> dialing\n"
                        "2023-11-14T22:13:20.123Z ERROR [SALES] store: \"disk\" 1\\2\n");
}

static void json_lines(void **state)
{
    struct fixture *f = *state;

    f->log.format = LOG_JSON;
    snprintf(f->log.role, sizeof f->log.role, "a\"b\\");
    log_warn(&f->log, "conn", "say \"hi\" \\ caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80\n");
    assert_string_equal(
        content(f, f->path),
        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"WARN\",\"role\":\"a\\\"b\\\\\","
        "\"area\":\"conn\",\"msg\":\"say \\\"hi\\\" \\\\ caf\xc3\xa9 \xe6\xbc\xa2 "
        "\xf0\x9f\x98\x80\"}\n");
}

/* As texts of libraries have it. */
static void a_line_break_at_the_end_is_none_of_the_line(void **state)
{
    struct fixture *f = *state;

    log_info(&f->log, "a", "%s", "no such key\n");
    log_info(&f->log, "a", "%s", "two \r\n\n");
    log_info(&f->log, "a", "%s", "\n");
    assert_string_equal(content(f, f->path), "2023-11-14T22:13:20.123Z INFO  a: no such key\n"
                                             "2023-11-14T22:13:20.123Z INFO  a: two\n"
                                             "2023-11-14T22:13:20.123Z INFO  a: \n");
}

/* Many lines are one write; nothing is lost and nothing overtakes. */
static void held_lines_are_written_in_order(void **state)
{
    struct fixture *f = *state;
    unsigned n = 0;

    log_hold(&f->log);
    log_info(&f->log, "a", "first");
    assert_string_equal(content(f, f->path), "");
    log_warn(&f->log, "b", "second");
    log_release(&f->log);
    log_info(&f->log, "c", "third");
    assert_string_equal(content(f, f->path), "2023-11-14T22:13:20.123Z INFO  a: first\n"
                                             "2023-11-14T22:13:20.123Z WARN  b: second\n"
                                             "2023-11-14T22:13:20.123Z INFO  c: third\n");
    log_hold(&f->log);
    for (int i = 0; i < 20; i++) /* more than is held */
        log_info(&f->log, "d", "%01000d", i);
    log_close(&f->log);
    for (const char *c = content(f, f->path); *c; c++)
        n += *c == '\n';
    assert_int_equal(n, 23);
}

static void control_characters_cannot_forge(void **state)
{
    struct fixture *f = *state;

    log_info(&f->log, "a", "%s", "x\n2023 ERROR \r\x1b[2J\x7f\t\xc2\x9b|\xc2\xa0");
    assert_string_equal(content(f, f->path), "2023-11-14T22:13:20.123Z INFO  a: x\\x0a2023 ERROR "
                                             "\\x0d\\x1b[2J\\x7f\\x09\\xc2\\x9b|\xc2\xa0\n");
}

/* Unicode's line ends, and what turns the direction of writing: U+2028 to U+202E, U+2066 to U+2069.
 * Their neighbours are plain. */
static void unicode_cannot_forge_lines_nor_turn_them_around(void **state)
{
    static const char hostile[] = "\xe2\x80\xa7|\xe2\x80\xa8|\xe2\x80\xae|\xe2\x80\xaf|"
                                  "\xe2\x81\xa5|\xe2\x81\xa6|\xe2\x81\xa9|\xe2\x81\xaa";
    struct fixture *f = *state;

    log_info(&f->log, "a", "%s", hostile);
    assert_string_equal(content(f, f->path),
                        "2023-11-14T22:13:20.123Z INFO  a: "
                        "\xe2\x80\xa7|\\xe2\\x80\\xa8|\\xe2\\x80\\xae|\xe2\x80\xaf|"
                        "\xe2\x81\xa5|\\xe2\\x81\\xa6|\\xe2\\x81\\xa9|\xe2\x81\xaa\n");
    f->log.format = LOG_JSON;
    log_info(&f->log, "a", "%s", hostile);
    assert_non_null(strstr(content(f, f->path), "\"\xe2\x80\xa7|\\u2028|\\u202e|\xe2\x80\xaf|"
                                                "\xe2\x81\xa5|\\u2066|\\u2069|\xe2\x81\xaa\""));
}

static void text_that_is_not_utf8(void **state)
{
    struct fixture *f = *state;

    f->log.format = LOG_JSON;
    log_info(&f->log, "a", "%s", "\xff\xc3\xa9");
    assert_non_null(strstr(content(f, f->path), "\"msg\":\"\\u00ff\\u00c3\\u00a9\"}\n"));
}

/* Whatever is cut away, a line stays one whole line of valid UTF-8. */
static void long_lines_are_cut(void **state)
{
    struct fixture *f = *state;
    static const char *const fill[] = {"x", "\x1b", "\xf0\x9f\x98\x80", "\"", "a\xe6\xbc\xa2"};

    for (size_t k = 0; k < 2 * sizeof fill / sizeof *fill; k++) {
        char big[6000] = "";
        const char *piece = fill[k / 2];

        f->log.format = k % 2 ? LOG_JSON : LOG_TEXT;
        while (strlen(big) + strlen(piece) < sizeof big)
            strcat(big, piece);
        assert_int_equal(truncate(f->path, 0), 0);
        log_info(&f->log, "a", "%s", big);
        const char *line = content(f, f->path);
        size_t n = strlen(line);
        assert_true(n > 1000 && n < 5000);
        assert_int_equal(strcspn(line, "\n"), n - 1);
        assert_true(utf8_valid(span_cstr(line)));
        if (k % 2)
            assert_string_equal(line + n - 3, "\"}\n");
    }
}

static int computed;

static int compute(void)
{
    return ++computed;
}

static void levels(void **state)
{
    struct fixture *f = *state;
    enum log_level level = LOG_ERROR;

    log_debug(&f->log, "a", "hidden %d", compute());
    log_trace(&f->log, "a", "hidden %d", compute());
    assert_int_equal(computed, 0);
    assert_string_equal(content(f, f->path), "");
    assert_true(log_level_parse("Debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_false(log_level_parse("loud", &level));
    assert_int_equal(level, LOG_DEBUG);
    f->log.level = level;
    log_debug(&f->log, "a", "seen %d", compute());
    log_trace(&f->log, "a", "hidden %d", compute());
    assert_string_equal(content(f, f->path), "2023-11-14T22:13:20.123Z DEBUG a: seen 1\n");
    f->log.level = LOG_ERROR;
    log_warn(&f->log, "a", "hidden");
    assert_string_equal(content(f, f->path), "2023-11-14T22:13:20.123Z DEBUG a: seen 1\n");
}

static void rotation(void **state)
{
    struct fixture *f = *state;

    log_info(&f->log, "a", "one");
    assert_int_equal(rename(f->path, f->moved), 0);
    log_info(&f->log, "a", "two"); /* still the old file */
    assert_int_equal(log_reopen(&f->log), WB_OK);
    log_info(&f->log, "a", "three");
    assert_string_equal(content(f, f->path), "2023-11-14T22:13:20.123Z INFO  a: three\n");
    assert_string_equal(content(f, f->moved), "2023-11-14T22:13:20.123Z INFO  a: one\n"
                                              "2023-11-14T22:13:20.123Z INFO  a: two\n");
}

static void rotation_that_fails_keeps_the_old_file(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(rename(f->path, f->moved), 0);
    assert_int_equal(mkdir(f->path, 0700), 0); /* cannot be opened for writing, root or not */
    assert_int_equal(log_reopen(&f->log), WB_ERR_IO);
    log_info(&f->log, "a", "kept");
    assert_int_equal(rmdir(f->path), 0);
    assert_string_equal(content(f, f->moved), "2023-11-14T22:13:20.123Z INFO  a: kept\n");
}

static void opening(void **state)
{
    struct fixture *f = *state;
    struct log untouched = {.fd = 77}, out;
    char path[128];

    snprintf(path, sizeof path, "%s/absent/bridge.log", f->dir);
    assert_int_equal(log_open(&untouched, &fixed_clock, path), WB_ERR_IO);
    assert_int_equal(untouched.fd, 77);
    assert_int_equal(log_open(&out, &fixed_clock, NULL), WB_OK);
    assert_int_equal(out.fd, STDOUT_FILENO);
    assert_int_equal(log_reopen(&out), WB_OK);
    log_close(&out);
    assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0); /* not closed */
}

static void phone_numbers_are_shortened(void **state)
{
    static const char *const cases[][2] = {
        {"27820000001", "2782\xe2\x80\xa6"
                        "0001"},
        {"+27820000001", "+278\xe2\x80\xa6"
                         "0001"},
        {"27820000001@s.whatsapp.net", "2782\xe2\x80\xa6"
                                       "0001@s.whatsapp.net"},
        {"27820000001:12@s.whatsapp.net", "2782\xe2\x80\xa6"
                                          "0001:12@s.whatsapp.net"},
        {"88120000000003:3@lid", "8812\xe2\x80\xa6"
                                 "0003:3@lid"},
        {"120363000000000001@g.us", "120363000000000001@g.us"},
        {"27820000001-1500000000@g.us", "2782\xe2\x80\xa6"
                                        "0001-1500000000@g.us"},
        {"status@broadcast", "status@broadcast"},
        {"s.whatsapp.net", "s.whatsapp.net"},
        {"1234567", "1234567"},
        {"", ""},
    };
    char buf[LOG_PHONE_BYTES], big[300];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(log_phone(buf, cases[i][0]), cases[i][1]);
    memset(big, '7', sizeof big);
    big[sizeof big - 1] = 0;
    assert_string_equal(log_phone(buf, big), "7777\xe2\x80\xa6"
                                             "7777");
    memset(big, 'x', sizeof big - 1);
    assert_int_equal(strlen(log_phone(buf, big)), LOG_PHONE_BYTES - 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(text_lines),
        T(json_lines),
        T(a_line_break_at_the_end_is_none_of_the_line),
        T(held_lines_are_written_in_order),
        T(control_characters_cannot_forge),
        T(unicode_cannot_forge_lines_nor_turn_them_around),
        T(text_that_is_not_utf8),
        T(long_lines_are_cut),
        T(levels),
        T(rotation),
        T(rotation_that_fails_keeps_the_old_file),
        T(opening),
        cmocka_unit_test(phone_numbers_are_shortened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
