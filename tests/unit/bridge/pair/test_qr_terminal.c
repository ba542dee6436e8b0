/* A QR and the other ways to link, as they fit into a terminal's window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/pair/qr_terminal.h"

enum { OUT_MAX = 256 * 1024, WHATSAPP_MIN = 231, WHATSAPP_MAX = 367 };

/* Lines of what is printed, and columns of the longest: escapes take none, a character takes one.
 */
static void measure(const char *s, unsigned *ret_lines, unsigned *ret_columns)
{
    unsigned lines = 0, columns = 0, longest = 0;

    for (; *s; s++) {
        if (*s == '\x1b') {
            s += strcspn(s, "m");
        } else if (*s == '\n') {
            lines++;
            longest = columns > longest ? columns : longest;
            columns = 0;
        } else if (((unsigned char)*s & 0xC0) != 0x80) {
            columns++;
        }
    }
    assert_int_equal(columns, 0); /* the last line is ended */
    *ret_lines = lines;
    *ret_columns = longest;
}

static struct qr_symbol *symbol(size_t n)
{
    struct qr_symbol *q = malloc(sizeof *q);
    char text[512];

    assert_non_null(q);
    memset(text, 'a', n);
    text[n] = '\0';
    assert_int_equal(qr_make(text, q), WB_OK);
    return q;
}

static bool has_sextants(const char *s)
{
    return strstr(s, "\xF0\x9F\xAC") != NULL; /* U+1FB00 to U+1FB3F */
}

/* The lines that qr_terminal_draw() says are there, and whether all fits with the cursor's line. */
static bool fits(const struct qr_symbol *q, const struct qr_terminal *t, const char *bind,
                 struct buf *out)
{
    unsigned lines, columns, said;

    buf_clear(out);
    said = qr_terminal_draw(q, t, bind, 8080, NULL, out);
    measure(buf_cstr(out), &lines, &columns);
    assert_int_equal(said, lines);
    assert_non_null(strstr(buf_cstr(out), "ssh -L 8080:"));
    assert_non_null(strstr(buf_cstr(out), "--pair-code"));
    return lines < t->rows && columns <= t->columns;
}

/* WhatsApp's texts are some 240 to 280 characters; the window that everybody has shows them, and
 * longer ones up to 367, whole. */
static void test_fits_into_80_by_24(void **state)
{
    const struct qr_terminal usual = {80, 24, true, false};
    struct buf out = buf_new(OUT_MAX);

    (void)state;
    for (size_t n = WHATSAPP_MIN; n <= WHATSAPP_MAX; n += 8) {
        struct qr_symbol *q = symbol(n);

        assert_true(fits(q, &usual, "127.0.0.1", &out));
        assert_true(has_sextants(buf_cstr(&out)));
        free(q);
    }
    buf_free(&out);
}

/* Whatever the window, nothing is wider or longer than it, unless the words alone are. */
static void test_every_window(void **state)
{
    struct buf out = buf_new(OUT_MAX);
    struct qr_symbol *q = symbol(277);

    (void)state;
    for (unsigned rows = 14; rows <= 60; rows++)
        for (unsigned columns = 48; columns <= 200; columns += 4) {
            const struct qr_terminal t = {columns, rows, true, false};

            if (!fits(q, &t, "127.0.0.1", &out))
                assert_false(strstr(buf_cstr(&out), "\x1b[") != NULL);
        }
    free(q);
    buf_free(&out);
}

/* Half blocks where they fit, where nobody knows the size, and never sextants where the terminal
 * has none: then words only. */
static void test_kinds(void **state)
{
    static const struct {
        struct qr_terminal t;
        bool picture, sextants;
    } cases[] = {
        {{80, 38, true, false}, true, false},  {{80, 37, true, false}, true, true},
        {{120, 34, true, false}, true, false}, {{80, 24, false, false}, false, false},
        {{0, 0, false, false}, true, false},   {{60, 24, true, false}, false, false},
        {{80, 38, false, false}, true, false},
    };
    struct buf out = buf_new(OUT_MAX);
    struct qr_symbol *q = symbol(277);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&out);
        (void)qr_terminal_draw(q, &cases[i].t, "127.0.0.1", 8080, NULL, &out);
        assert_int_equal(strstr(buf_cstr(&out), "\x1b[107m") != NULL, cases[i].picture);
        assert_int_equal(has_sextants(buf_cstr(&out)), cases[i].sextants);
        if (!cases[i].picture)
            assert_non_null(strstr(buf_cstr(&out), "needs a window of 38 lines, 76 columns"));
    }
    free(q);
    buf_free(&out);
}

/* The address is one that works: of this machine where it listens there, else the one it has. */
static void test_addresses(void **state)
{
    static const struct {
        const char *bind, *browser, *tunnel;
    } cases[] = {
        {"127.0.0.1", "http://127.0.0.1:8080/pair", "ssh -L 8080:127.0.0.1:8080 HOST"},
        {"127.0.0.5", "http://127.0.0.5:8080/pair", "ssh -L 8080:127.0.0.5:8080 HOST"},
        {"LocalHost", "http://127.0.0.1:8080/pair", "ssh -L 8080:127.0.0.1:8080 HOST"},
        {"localhost", "http://127.0.0.1:8080/pair", "ssh -L 8080:127.0.0.1:8080 HOST"},
        {"0.0.0.0", "http://127.0.0.1:8080/pair", "ssh -L 8080:127.0.0.1:8080 HOST"},
        {"::1", "http://[::1]:8080/pair", "ssh -L 8080:[::1]:8080 HOST"},
        {"192.0.2.7", "http://192.0.2.7:8080/pair", "ssh -L 8080:192.0.2.7:8080 HOST"},
    };
    const struct qr_terminal usual = {80, 24, true, false};
    struct buf out = buf_new(OUT_MAX);
    struct qr_symbol *q = symbol(277);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(fits(q, &usual, cases[i].bind, &out));
        assert_non_null(strstr(buf_cstr(&out), cases[i].browser));
        assert_non_null(strstr(buf_cstr(&out), cases[i].tunnel));
    }
    free(q);
    buf_free(&out);
}

/* A code that is on show is at the picture's side or below it; nobody is told to start with
 * --pair-code who has. */
static void test_the_code_is_in_the_words(void **state)
{
    static const struct qr_terminal windows[] = {
        {80, 38, true, false}, {80, 24, true, false}, {60, 16, true, false}, {80, 24, false, true}};
    struct buf out = buf_new(OUT_MAX);
    struct qr_symbol *q = symbol(277);

    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        unsigned lines, columns, said;

        buf_clear(&out);
        said = qr_terminal_draw(q, &windows[i], "127.0.0.1", 8080, "ABCD-EFGH", &out);
        measure(buf_cstr(&out), &lines, &columns);
        assert_int_equal(said, lines);
        assert_true(lines < windows[i].rows && columns <= windows[i].columns);
        assert_non_null(strstr(buf_cstr(&out), "ABCD-EFGH"));
        assert_null(strstr(buf_cstr(&out), "--pair-code"));
        buf_clear(&out);
        (void)qr_terminal_draw(q, &windows[i], "127.0.0.1", 8080, "", &out);
        assert_null(strstr(buf_cstr(&out), "--pair-code"));
        assert_non_null(strstr(buf_cstr(&out), "ask that page for a code"));
    }
    free(q);
    buf_free(&out);
}

/* Blocks would be rubbish there: words only, and why. */
static void test_letters_only(void **state)
{
    static const struct {
        const char *term, *lc_all, *lang;
        bool letters_only;
    } cases[] = {
        {"xterm", "C", "de_DE.UTF-8", true},
        {"xterm", "", "de_DE@euro", true},
        {"xterm", "en_US.ISO-8859-1", "", true},
        {"dumb", "C.UTF-8", "", true},
        {"xterm", "C.UTF-8", "C", false},
        {"xterm", "", "en_US.utf8", false},
        {"xterm", "", "", false},
        {"xterm", "de_DE.UTF-8@euro", "", false},
    };
    const struct qr_terminal large = {200, 60, true, true};
    struct buf out = buf_new(OUT_MAX);
    struct qr_symbol *q = symbol(277);

    (void)state;
    unsetenv("LC_CTYPE");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("TERM", cases[i].term, 1);
        setenv("LC_ALL", cases[i].lc_all, 1);
        setenv("LANG", cases[i].lang, 1);
        assert_int_equal(qr_terminal_look(-1).letters_only, cases[i].letters_only);
    }
    (void)qr_terminal_draw(q, &large, "127.0.0.1", 8080, NULL, &out);
    for (const char *p = buf_cstr(&out); *p; p++)
        assert_true(*p == '\n' || (*p >= ' ' && *p <= '~'));
    assert_non_null(strstr(buf_cstr(&out), "No QR: TERM or the locale lacks its characters."));
    assert_non_null(strstr(buf_cstr(&out), "http://127.0.0.1:8080/pair"));
    free(q);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits_into_80_by_24),
        cmocka_unit_test(test_every_window),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_the_code_is_in_the_words),
        cmocka_unit_test(test_letters_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
