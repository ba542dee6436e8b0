/* clock.h - time as a port, so that tests own it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*mono_ms)(void *ctx); /* never steps; counts while suspended (CLOCK_BOOTTIME) */
    int64_t (*unix_ms)(void *ctx); /* wall clock; may step */
    void *ctx;
};

/* The machine's clocks. */
extern const struct clock clock_system;

enum { CLOCK_TEXT_MAX = 32 };
/* "2026-12-01 10:00:00 UTC", the form of all times in texts for people. Returns out. */
const char *clock_text(int64_t unix_s, char out[static CLOCK_TEXT_MAX]);

static inline int64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->ctx);
}

static inline int64_t clock_unix_ms(const struct clock *c)
{
    return c->unix_ms(c->ctx);
}

static inline int64_t clock_unix_s(const struct clock *c)
{
    return c->unix_ms(c->ctx) / 1000;
}

#endif
