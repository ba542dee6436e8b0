/* buf.h - owned bytes that grow up to a maximum given at birth, and are wiped when freed.
 *
 * Errors are sticky: after a failed append every later one does nothing, so an encoder may write
 * all its fields and look at buf_err() once at its end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/span.h"

struct buf {
    uint8_t *p;
    size_t n;
    size_t cap;
    size_t max;
    enum wb_err err; /* WB_OK, NOMEM, or TOO_LARGE when max was reached */
};

/* An empty buffer of at most max bytes; allocates nothing yet. */
static inline struct buf buf_new(size_t max)
{
    return (struct buf){NULL, 0, 0, max, WB_OK};
}

void buf_free(struct buf *b);  /* wipes and frees; NULL-safe; b is reusable afterwards */
void buf_clear(struct buf *b); /* wipes the content, keeps the memory, clears the error */

void buf_append(struct buf *b, struct span s);
void buf_append_cstr(struct buf *b, const char *s);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16be(struct buf *b, uint16_t v);
void buf_u24be(struct buf *b, uint32_t v);
void buf_u32be(struct buf *b, uint32_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for n more bytes at the end, already counted in b->n; NULL on failure (b->err is set).
 * The pointer lives until the next append. */
uint8_t *buf_extend(struct buf *b, size_t n) WB_MUST_CHECK;
/* Drop the first n bytes (stream consumption). */
void buf_consume(struct buf *b, size_t n);

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->p, b->n};
}

static inline enum wb_err buf_err(const struct buf *b)
{
    return b->err;
}

/* NUL-terminated view (the NUL is not counted); "" on failure. Lives until the next append. */
const char *buf_cstr(struct buf *b);
/* The same view for people to read: a text that did not fit whole is cut and ends in " ...". ""
 * only when nothing fitted. */
const char *buf_text(struct buf *b);

#endif
