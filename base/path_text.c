#include "base/path_text.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

void path_shell_word(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:@%+=,-";

    if (word[0] && strspn(word, plain) == strlen(word)) {
        buf_append_cstr(out, word);
        return;
    }
    buf_u8(out, '\'');
    for (; *word; word++)
        if (*word == '\'')
            buf_append_cstr(out, "'\\''"); /* a quote cannot be escaped inside single quotes: close,
                                              escape, reopen */
        else
            buf_u8(out, (uint8_t)*word);
    buf_u8(out, '\'');
}

void path_directory(const char *path, char out[static PATH_DIRECTORY_BYTES])
{
    static const char more[] = "…";
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) : 0;
    const size_t fits = PATH_DIRECTORY_BYTES - sizeof more;

    if (n == 0) {
        snprintf(out, PATH_DIRECTORY_BYTES, "%s", slash ? "/" : ".");
        return;
    }
    snprintf(out, PATH_DIRECTORY_BYTES, "%.*s%s", (int)(n < fits ? n : fits), path,
             n > fits ? more : "");
    utf8_clean(out); /* snprintf() may have cut a character */
}
