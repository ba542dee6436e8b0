#include "base/text.h"

#include <sodium.h>
#include <string.h>

void buf_hex(struct buf *b, struct span s)
{
    uint8_t *at = buf_extend(b, HEX_CHARS(s.n));

    if (at) /* buf_extend keeps one byte spare for the NUL */
        sodium_bin2hex((char *)at, HEX_CHARS(s.n) + 1, s.p, s.n);
}

static void append_b64(struct buf *b, struct span s, int variant)
{
    size_t with_nul = sodium_base64_encoded_len(s.n, variant);
    uint8_t *at = buf_extend(b, with_nul - 1);

    if (at)
        sodium_bin2base64((char *)at, with_nul, s.p, s.n, variant);
}

void buf_b64(struct buf *b, struct span s)
{
    append_b64(b, s, sodium_base64_VARIANT_ORIGINAL);
}

void buf_b64url(struct buf *b, struct span s, bool padded)
{
    append_b64(b, s,
               padded ? sodium_base64_VARIANT_URLSAFE : sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

enum wb_err hex_decode(struct span text, uint8_t *out, size_t max, size_t *ret_n)
{
    size_t n;
    const char *end;

    if (text.n % 2 != 0)
        return WB_ERR_MALFORMED;
    if (text.n / 2 > max)
        return WB_ERR_TOO_LARGE;
    if (sodium_hex2bin(out, max, (const char *)text.p, text.n, NULL, &n, &end) != 0 ||
        n != text.n / 2)
        return WB_ERR_MALFORMED;
    *ret_n = n;
    return WB_OK;
}

static enum wb_err decode_b64(struct span text, uint8_t *out, size_t max, size_t *ret_n,
                              int variant)
{
    size_t n;
    const char *end = NULL;

    if (text.n == 0) {
        *ret_n = 0;
        return WB_OK;
    }
    if (sodium_base642bin(out, max, (const char *)text.p, text.n, NULL, &n, &end, variant) != 0)
        return text.n / 4 * 3 > max + 2 ? WB_ERR_TOO_LARGE : WB_ERR_MALFORMED;
    if (end != (const char *)text.p + text.n)
        return WB_ERR_MALFORMED;
    *ret_n = n;
    return WB_OK;
}

enum wb_err b64_decode(struct span text, uint8_t *out, size_t max, size_t *ret_n)
{
    return decode_b64(text, out, max, ret_n, sodium_base64_VARIANT_ORIGINAL);
}

enum wb_err b64url_decode(struct span text, uint8_t *out, size_t max, size_t *ret_n)
{
    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    return decode_b64(text, out, max, ret_n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* Length of the valid character at s, 0 if there is none (RFC 3629 table 3-7). */
static size_t utf8_char(struct span s)
{
    uint8_t c = s.p[0], lo = 0x80, hi = 0xBF;
    size_t n;

    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c <= 0xDF) {
        n = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        n = 3;
        lo = c == 0xE0 ? 0xA0 : 0x80;
        hi = c == 0xED ? 0x9F : 0xBF;
    } else if (c >= 0xF0 && c <= 0xF4) {
        n = 4;
        lo = c == 0xF0 ? 0x90 : 0x80;
        hi = c == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (s.n < n || s.p[1] < lo || s.p[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s.p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

bool utf8_valid(struct span s)
{
    while (s.n) {
        size_t n = utf8_char(s);

        if (n == 0)
            return false;
        s = span_skip(s, n);
    }
    return true;
}

size_t utf8_chars(struct span s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xC0) != 0x80;
    return n;
}

struct span utf8_first(struct span s, size_t n)
{
    if (n >= s.n)
        return s;
    while (n > 0 && (s.p[n] & 0xC0) == 0x80)
        n--;
    return span_first(s, n);
}

void utf8_clean(char *text)
{
    struct span left = span_cstr(text);

    while (left.n) {
        size_t n = utf8_char(left);

        if (n == 0)
            text[(const char *)left.p - text] = '?';
        left = span_skip(left, n ? n : 1);
    }
}

bool text_yes_no(const char *text, bool *ret)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}
