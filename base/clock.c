#include "base/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_mono_ms(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_BOOTTIME);
}

static int64_t system_unix_ms(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_REALTIME);
}

const struct clock clock_system = {system_mono_ms, system_unix_ms, NULL};

const char *clock_text(int64_t unix_s, char out[static CLOCK_TEXT_MAX])
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (!gmtime_r(&t, &tm) || !strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm))
        snprintf(out, CLOCK_TEXT_MAX, "%lld",
                 (long long)unix_s); /* a year that gmtime_r() cannot express */
    return out;
}
