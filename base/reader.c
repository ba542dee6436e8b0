#include "base/reader.h"

struct span reader_bytes(struct reader *r, size_t n)
{
    struct span s;

    if (r->err != WB_OK || n > reader_left(r)) {
        reader_fail(r, WB_ERR_TRUNCATED);
        return SPAN_NULL;
    }
    s = SPAN(r->in.p + r->at, n);
    r->at += n;
    return s;
}

static uint32_t read_be(struct reader *r, size_t n)
{
    struct span s = reader_bytes(r, n);
    uint32_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)read_be(r, 1);
}

uint16_t reader_u16be(struct reader *r)
{
    return (uint16_t)read_be(r, 2);
}

uint32_t reader_u24be(struct reader *r)
{
    return read_be(r, 3);
}

uint32_t reader_u32be(struct reader *r)
{
    return read_be(r, 4);
}
