#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"

enum { BUF_FIRST_CAP = 64 };

/* realloc() may leave a copy of secrets behind: grow by copy and wipe. */
static bool grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;
    uint8_t *p;

    if (need <= b->cap)
        return true;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    p = malloc(cap);
    if (!p) {
        b->err = WB_ERR_NOMEM;
        return false;
    }
    if (b->n)
        memcpy(p, b->p, b->n);
    if (b->p)
        secret_wipe(b->p, b->cap);
    free(b->p);
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_free(struct buf *b)
{
    if (!b)
        return;
    if (b->p)
        secret_wipe(b->p, b->cap);
    free(b->p);
    *b = buf_new(b->max);
}

void buf_clear(struct buf *b)
{
    if (b->n)
        secret_wipe(b->p, b->n);
    b->n = 0;
    b->err = WB_OK;
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
    uint8_t *at;

    if (b->err != WB_OK)
        return NULL;
    if (n > b->max || b->n > b->max - n) {
        b->err = WB_ERR_TOO_LARGE;
        return NULL;
    }
    if (!grow(b, b->n + n + 1)) /* one more: buf_cstr() never has to grow */
        return NULL;
    at = b->p + b->n;
    b->n += n;
    return at;
}

void buf_append(struct buf *b, struct span s)
{
    uint8_t *at = buf_extend(b, s.n);

    if (at && s.n)
        memcpy(at, s.p, s.n);
}

void buf_append_cstr(struct buf *b, const char *s)
{
    buf_append(b, span_cstr(s));
}

static void append_be(struct buf *b, uint64_t v, size_t n)
{
    uint8_t *at = buf_extend(b, n);

    for (size_t i = 0; at && i < n; i++)
        at[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

void buf_u8(struct buf *b, uint8_t v)
{
    append_be(b, v, 1);
}

void buf_u16be(struct buf *b, uint16_t v)
{
    append_be(b, v, 2);
}

void buf_u24be(struct buf *b, uint32_t v)
{
    append_be(b, v, 3);
}

void buf_u32be(struct buf *b, uint32_t v)
{
    append_be(b, v, 4);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;
    uint8_t *at;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->err = WB_ERR_BUG;
        return;
    }
    at = buf_extend(b, (size_t)n);
    if (!at)
        return;
    va_start(ap, fmt);
    vsnprintf((char *)at, (size_t)n + 1, fmt, ap);
    va_end(ap);
}

const char *buf_text(struct buf *b)
{
    static const char more[] = " ...";

    if (b->err != WB_ERR_TOO_LARGE)
        return buf_cstr(b);
    if (b->n == 0 || !grow(b, b->n + sizeof more))
        return "";
    memcpy(b->p + b->n, more, sizeof more); /* behind the content: n stays */
    return (const char *)b->p;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->n)
        n = b->n;
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
    if (!b->p || b->err != WB_OK)
        return "";
    b->p[b->n] = 0;
    return (const char *)b->p;
}
