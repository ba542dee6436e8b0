#include "api/call/surrogates.h"

#include <string.h>

enum { ESCAPE = 6 }; /* \uXXXX */

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of a \uXXXX at p; -1: there is no \uXXXX. */
static int unit_at(const uint8_t *p, size_t n)
{
    int unit = 0;

    if (n < ESCAPE || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < ESCAPE; i++) {
        int digit = hex_value(p[i]);

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static int is_high(int unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static int is_low(int unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

void surrogates_mend(uint8_t *json, size_t n)
{
    size_t i = 0;

    while (i < n) {
        int unit = unit_at(json + i, n - i);

        if (is_high(unit) && is_low(unit_at(json + i + ESCAPE, n - i - ESCAPE))) {
            i += 2 * (size_t)ESCAPE;
            continue;
        }
        if (is_high(unit) || is_low(unit))
            memcpy(json + i, "\\ufffd", ESCAPE);
        /* A backslash takes the next byte with it: "\\ud83d" is an escaped backslash and no \u
         * escape. */
        i += unit >= 0 ? (size_t)ESCAPE : json[i] == '\\' ? 2 : 1;
    }
}
