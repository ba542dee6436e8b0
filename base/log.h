/* log.h - log lines for bridge/, api/ and tools/. Library folders return errors and do not log.
 * Never a key, never a plaintext; phone numbers go through log_phone(). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };
enum log_format { LOG_TEXT, LOG_JSON };

struct log {
    const struct clock *clock;
    enum log_level level;
    enum log_format format;
    char role[32]; /* printed as [ROLE]; empty: nothing */
    char *path;    /* NULL: standard output */
    int fd;
    uint64_t lines; /* written so far */
    char *held;     /* since log_hold(): nheld bytes that are not written yet */
    size_t nheld;
    bool holding;
};

/* path is copied; NULL writes to standard output. IO when path cannot be opened, or is something
 * else than a plain file, a character device (a terminal) or a pipe that somebody reads. A pipe
 * whose reader falls behind loses lines. */
enum wb_err log_open(struct log *l, const struct clock *clock, const char *path) WB_MUST_CHECK;
/* After a log rotation (SIGHUP): the old file stays in use when the new one cannot be opened. */
enum wb_err log_reopen(struct log *l) WB_MUST_CHECK;
void log_close(struct log *l);

/* For many lines at once: from log_hold() to log_release() lines are collected and written with
 * one write(2) per some 16 kB, in order with all other lines. Without memory they are written
 * one by one. */
void log_hold(struct log *l);
void log_release(struct log *l);

bool log_level_parse(const char *text, enum log_level *ret_level);

/* One line, one write(2). area is the module, e.g. "conn". */
void log_write(struct log *l, enum log_level level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define log_error(l, area, ...) log_write((l), LOG_ERROR, (area), __VA_ARGS__)
#define log_warn(l, area, ...)  log_write((l), LOG_WARN, (area), __VA_ARGS__)
#define log_info(l, area, ...)  log_write((l), LOG_INFO, (area), __VA_ARGS__)
/* The arguments of debug and trace lines are not computed when nobody reads them. */
#define log_debug(l, area, ...)                                                                    \
    do {                                                                                           \
        if ((l)->level >= LOG_DEBUG)                                                               \
            log_write((l), LOG_DEBUG, (area), __VA_ARGS__);                                        \
    } while (0)
#define log_trace(l, area, ...)                                                                    \
    do {                                                                                           \
        if ((l)->level >= LOG_TRACE)                                                               \
            log_write((l), LOG_TRACE, (area), __VA_ARGS__);                                        \
    } while (0)

/* "2782…0001": enough to recognise, not enough to call. Works on digits or JID text; group ids
 * stay whole, except for the phone number in old ones. buf gets a NUL-terminated text and is
 * returned. */
#define LOG_PHONE_BYTES 96
const char *log_phone(char buf[static LOG_PHONE_BYTES], const char *number_or_jid);

#endif
