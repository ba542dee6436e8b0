/* reader.h - a cursor over borrowed bytes that carries its own error: after a read past the end
 * every later read gives zeros / empty spans, and reader_err() says TRUNCATED. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/err.h"
#include "base/span.h"

struct reader {
    struct span in;
    size_t at;
    enum wb_err err;
};

static inline struct reader reader_new(struct span in)
{
    return (struct reader){in, 0, WB_OK};
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16be(struct reader *r);
uint32_t reader_u24be(struct reader *r);
uint32_t reader_u32be(struct reader *r);
struct span reader_bytes(struct reader *r, size_t n); /* borrows from the input */

static inline size_t reader_left(const struct reader *r)
{
    return r->in.n - r->at;
}

/* First error wins. */
static inline void reader_fail(struct reader *r, enum wb_err e)
{
    if (r->err == WB_OK)
        r->err = e;
}

static inline enum wb_err reader_err(const struct reader *r)
{
    return r->err;
}

#endif
