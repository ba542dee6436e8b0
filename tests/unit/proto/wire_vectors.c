/* wire_vectors.c - see wire_vectors.h. */
#include "tests/unit/proto/wire_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct buf vector_bytes(const char *hex)
{
    struct buf b = buf_new(1 << 20);
    size_t n = strlen(hex) / 2;
    uint8_t *p = buf_extend(&b, n ? n : 1);

    assert_non_null(p);
    assert_int_equal(hex_decode(span_cstr(hex), p, n, &b.n), WB_OK);
    return b;
}

void assert_hex(const struct buf *b, const char *hex)
{
    struct buf text = buf_new(1 << 20);

    assert_int_equal(buf_err(b), WB_OK);
    buf_hex(&text, buf_span(b));
    assert_string_equal(buf_cstr(&text), hex);
    buf_free(&text);
}

void assert_span(struct span s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_memory_equal(s.p ? s.p : (const uint8_t *)"", text, s.n);
}

void counting(uint8_t *p, size_t n, uint8_t from)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(from + i);
}
