/* Paths in the form that people read, and in the form that a shell takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/path_text.h"

/* A real shell is asked. */
static void a_shell_takes_it_for_one_word(void **state)
{
    static const char *const words[] = {
        "/var/lib/bridge/store",
        "/home/x/My Files/store",
        "it's",
        "",
        "a;touch $(b) \"c\" `d` \\",
        "~/x",
        "*",
        "#x",
        "new\nline",
    };

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct buf command = buf_new(4096);
        char heard[256];
        size_t n;
        FILE *shell;

        buf_append_cstr(&command, "printf '%s|' ");
        path_shell_word(&command, words[i]);
        buf_append_cstr(&command, " end");
        assert_int_equal(buf_err(&command), WB_OK);
        shell = popen(buf_cstr(&command), "r");
        assert_non_null(shell);
        n = fread(heard, 1, sizeof heard - 1, shell);
        heard[n] = '\0';
        assert_int_equal(pclose(shell), 0);
        assert_int_equal(n, strlen(words[i]) + 5);
        assert_memory_equal(heard, words[i], strlen(words[i]));
        assert_string_equal(heard + strlen(words[i]), "|end|");
        buf_free(&command);
    }
}

static void what_needs_no_quotes_has_none(void **state)
{
    struct buf out = buf_new(4096);

    (void)state;
    path_shell_word(&out, "/var/lib/wa-bridge_1/store.d");
    assert_string_equal(buf_cstr(&out), "/var/lib/wa-bridge_1/store.d");
    buf_free(&out);
}

/* Of each length: 250, 500 and more are no other case. */
static void a_directory_is_whole_or_ends_with_an_ellipsis(void **state)
{
    char out[PATH_DIRECTORY_BYTES], path[1100];

    (void)state;
    path_directory("/whatsapp.db", out);
    assert_string_equal(out, "/");
    path_directory("whatsapp.db", out);
    assert_string_equal(out, ".");
    for (size_t n = 1; n < 1000; n++) {
        memset(path, 'd', n);
        path[0] = '/';
        memcpy(path + n, "/whatsapp.db", sizeof "/whatsapp.db");
        if (n == 1)
            memcpy(path, "/d/whatsapp.db", sizeof "/d/whatsapp.db");
        path_directory(path, out);
        if (n <= 250) {
            assert_int_equal(strlen(out), n == 1 ? 2 : n);
            assert_memory_equal(out, path, strlen(out));
        } else {
            assert_memory_equal(out, path, 250);
            assert_string_equal(out + 250, "…");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shell_takes_it_for_one_word),
        cmocka_unit_test(what_needs_no_quotes_has_none),
        cmocka_unit_test(a_directory_is_whole_or_ends_with_an_ellipsis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
