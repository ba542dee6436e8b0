#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum {
    LOG_HELD_MAX = 16 * 1024,
    LOG_LINE_MAX = 4096,
    LOG_ROLE_MAX = 6 * sizeof((struct log *)0)->role
};

static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

/* The descriptor of the log; -1: the file cannot be opened, or is no place for a log. Writing to
 * the descriptor never waits. */
static int open_log(const char *path)
{
    struct stat st;
    int fd;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode) &&
        !S_ISFIFO(st.st_mode))
        return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
        return fd; /* a pipe's slow reader loses lines, and does not stop us */
    if (fcntl(fd, F_SETFL, O_APPEND) == 0) /* a terminal gets all lines */
        return fd;
    close(fd);
    return -1;
}

enum wb_err log_open(struct log *l, const struct clock *clock, const char *path)
{
    struct log fresh = {.clock = clock, .level = LOG_INFO, .format = LOG_TEXT, .fd = STDOUT_FILENO};

    if (path) {
        fresh.fd = open_log(path);
        if (fresh.fd < 0)
            return WB_ERR_IO;
        fresh.path = strdup(path);
        if (!fresh.path) {
            close(fresh.fd);
            return WB_ERR_NOMEM;
        }
    }
    *l = fresh;
    return WB_OK;
}

static void write_line(int fd, const char *line, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, line, n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return; /* a full disk must not stop the bridge */
        line += w;
        n -= (size_t)w;
    }
}

static void flush(struct log *l)
{
    write_line(l->fd, l->held, l->nheld);
    l->nheld = 0;
}

static void put_line(struct log *l, const char *line, size_t n)
{
    if (!l->holding || !l->held) {
        write_line(l->fd, line, n);
        return;
    }
    if (n > LOG_HELD_MAX - l->nheld)
        flush(l);
    memcpy(l->held + l->nheld, line, n); /* a line is shorter than LOG_HELD_MAX */
    l->nheld += n;
}

void log_hold(struct log *l)
{
    if (!l->held)
        l->held = malloc(LOG_HELD_MAX);
    l->holding = true;
}

void log_release(struct log *l)
{
    flush(l);
    l->holding = false;
}

enum wb_err log_reopen(struct log *l)
{
    int fd;

    if (!l->path)
        return WB_OK;
    fd = open_log(l->path);
    if (fd < 0)
        return WB_ERR_IO;
    flush(l);
    close(l->fd);
    l->fd = fd;
    return WB_OK;
}

void log_close(struct log *l)
{
    log_release(l);
    free(l->held);
    l->held = NULL;
    if (l->path)
        close(l->fd);
    free(l->path);
    l->path = NULL;
    l->fd = STDOUT_FILENO;
}

bool log_level_parse(const char *text, enum log_level *ret_level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (strcasecmp(text, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    return false;
}

/* The character at `in` when it ends a line (U+2028, U+2029) or turns the direction of writing, so
 * that a line reads as another one (U+202A to U+202E, U+2066 to U+2069); else 0. All are three
 * bytes of UTF-8. */
static unsigned misleading(const unsigned char *in)
{
    if (in[0] != 0xE2)
        return 0;
    if (in[1] == 0x80 && in[2] >= 0xA8 && in[2] <= 0xAE)
        return 0x2000 + in[2] - 0x80u;
    if (in[1] == 0x81 && in[2] >= 0xA6 && in[2] <= 0xA9)
        return 0x2040 + in[2] - 0x80u;
    return 0;
}

/* Bytes of the character at `in` that may be printed as they are; 0: escape its first byte. */
static size_t plain_bytes(const unsigned char *in, bool utf8)
{
    if (*in < 0x20 || *in == 0x7F)
        return 0;
    if (*in < 0x80)
        return 1;
    if (!utf8 || *in < 0xC0 || (*in == 0xC2 && in[1] < 0xA0)) /* C1: controls too */
        return 0;
    if (misleading(in))
        return 0;
    return *in < 0xE0 ? 2 : *in < 0xF0 ? 3 : 4;
}

/* Escapes control characters, which could forge lines, drive a terminal or turn the text around,
 * and bytes that are not UTF-8, which JSON forbids. Text: \xNN per byte. JSON: \u00NN per byte,
 * \u20NN for a whole character. Cuts between characters. */
static void escape(char *out, size_t cap, const char *in, bool json)
{
    bool utf8 = utf8_valid(span_cstr(in));
    size_t n = 0;

    while (*in && n + 7 < cap) {
        size_t plain = plain_bytes((const unsigned char *)in, utf8);
        unsigned turn = json && utf8 && plain == 0 ? misleading((const unsigned char *)in) : 0;

        if (turn) {
            n += (size_t)snprintf(out + n, cap - n, "\\u%04x", turn);
            plain = 3;
        } else if (plain == 0) {
            n += (size_t)snprintf(out + n, cap - n, json ? "\\u%04x" : "\\x%02x",
                                  (unsigned char)*in);
            plain = 1;
        } else if (json && (*in == '"' || *in == '\\')) {
            n += (size_t)snprintf(out + n, cap - n, "\\%c", *in);
        } else {
            memcpy(out + n, in, plain);
            n += plain;
        }
        in += plain;
    }
    out[n] = 0;
}

/* A cut text may end inside a character. */
static void drop_last_character(char *s)
{
    size_t n = strlen(s);

    while (n > 0 && ((unsigned char)s[n - 1] & 0xC0) == 0x80)
        n--;
    if (n > 0 && (unsigned char)s[n - 1] >= 0xC0)
        n--;
    s[n] = 0;
}

/* Texts of libraries and lists of problems end with a line end, which the log adds itself. */
static void drop_line_end(char *s)
{
    size_t n = strlen(s);

    while (n > 0 && strchr("\r\n\t ", s[n - 1]))
        n--;
    s[n] = 0;
}

void log_write(struct log *l, enum log_level level, const char *area, const char *fmt, ...)
{
    char message[LOG_LINE_MAX / 2], line[LOG_LINE_MAX + 512], stamp[40], text[LOG_LINE_MAX];
    char role[LOG_ROLE_MAX + 8];
    bool json = l->format == LOG_JSON;
    int64_t now = clock_unix_ms(l->clock);
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;
    va_list ap;
    int n;

    if (level > l->level)
        return;
    l->lines++;
    va_start(ap, fmt);
    n = vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof message)
        drop_last_character(message);
    drop_line_end(message);
    escape(role, sizeof role, l->role, json);
    escape(text, sizeof text, message, json);
    gmtime_r(&seconds, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    if (json)
        n = snprintf(line, sizeof line,
                     "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"role\":\"%s\",\"area\":\"%s\","
                     "\"msg\":\"%s\"}\n",
                     stamp, (int)(now % 1000), level_names[level], role, area, text);
    else
        n = snprintf(line, sizeof line, "%s.%03dZ %-5s %s%s%s%s: %s\n", stamp, (int)(now % 1000),
                     level_names[level], role[0] ? "[" : "", role, role[0] ? "] " : "", area, text);
    if (n > 0)
        put_line(l, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

const char *log_phone(char buf[static LOG_PHONE_BYTES], const char *number_or_jid)
{
    const char *at = strchr(number_or_jid, '@');
    size_t user = at ? (size_t)(at - number_or_jid) : strlen(number_or_jid);
    size_t digits = strspn(number_or_jid, "+0123456789");

    if (digits > user)
        digits = user;
    /* Old group ids begin with their creator's number: "<phone>-<time>@g.us". */
    if ((at && strcmp(at, "@g.us") == 0 && digits == user) || digits < 8)
        snprintf(buf, LOG_PHONE_BYTES, "%s", number_or_jid);
    else
        snprintf(buf, LOG_PHONE_BYTES, "%.4s…%.4s%s", number_or_jid, number_or_jid + digits - 4,
                 number_or_jid + digits);
    return buf;
}
