#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 4096 };

static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
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

enum wb_err log_reopen(struct log *l)
{
    int fd;

    if (!l->path)
        return WB_OK;
    fd = open_log(l->path);
    if (fd < 0)
        return WB_ERR_IO;
    close(l->fd);
    l->fd = fd;
    return WB_OK;
}

void log_close(struct log *l)
{
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

/* Control characters could forge lines or drive a terminal: \xNN (text) or \u00NN (JSON). */
static size_t escape(char *out, size_t cap, const char *in, bool json)
{
    size_t n = 0;

    for (; *in && n + 7 < cap; in++) {
        unsigned char c = (unsigned char)*in;
        if (c < 0x20 || c == 0x7F)
            n += (size_t)snprintf(out + n, cap - n, json ? "\\u%04x" : "\\x%02x", c);
        else if (json && (c == '"' || c == '\\'))
            n += (size_t)snprintf(out + n, cap - n, "\\%c", c);
        else
            out[n++] = (char)c;
    }
    out[n] = 0;
    return n;
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

void log_write(struct log *l, enum log_level level, const char *area, const char *fmt, ...)
{
    char message[LOG_LINE_MAX / 2], line[LOG_LINE_MAX + 256], stamp[40], text[LOG_LINE_MAX];
    bool json = l->format == LOG_JSON;
    int64_t now = clock_unix_ms(l->clock);
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;
    va_list ap;
    int n;

    if (level > l->level)
        return;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    escape(text, sizeof text, message, json);
    gmtime_r(&seconds, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    if (json)
        n = snprintf(line, sizeof line,
                     "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"role\":\"%s\",\"area\":\"%s\","
                     "\"msg\":\"%s\"}\n",
                     stamp, (int)(now % 1000), level_names[level], l->role, area, text);
    else
        n = snprintf(line, sizeof line, "%s.%03dZ %-5s %s%s%s%s: %s\n", stamp, (int)(now % 1000),
                     level_names[level], l->role[0] ? "[" : "", l->role, l->role[0] ? "] " : "",
                     area, text);
    if (n > 0)
        write_line(l->fd, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

const char *log_phone(char buf[static LOG_PHONE_BYTES], const char *number_or_jid)
{
    const char *at = strchr(number_or_jid, '@');
    size_t user = at ? (size_t)(at - number_or_jid) : strlen(number_or_jid);
    size_t digits = strspn(number_or_jid, "+0123456789");

    if (digits > user)
        digits = user;
    if ((at && strcmp(at, "@g.us") == 0) || digits < 8)
        snprintf(buf, LOG_PHONE_BYTES, "%s", number_or_jid);
    else
        snprintf(buf, LOG_PHONE_BYTES, "%.4s…%.4s%s", number_or_jid, number_or_jid + digits - 4,
                 number_or_jid + digits);
    return buf;
}
