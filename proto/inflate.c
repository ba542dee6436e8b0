#include "proto/inflate.h"

#include <limits.h>
#include <zlib.h>

enum { CHUNK = 16 * 1024 };

/* Where the output goes: into memory of a known size, to a function, or nowhere (it is only
 * counted). */
struct sink {
    uint8_t *to;
    inflate_part_fn *each;
    void *ctx;
    uint64_t n;
    uint64_t max;
};

static enum wb_err step(z_stream *z, struct sink *s, int *ret_rc)
{
    uint8_t counted[CHUNK];
    size_t room = s->max - s->n < CHUNK ? (size_t)(s->max - s->n) : CHUNK;

    /* Without room left, one more byte is asked for: it shows whether the stream is too long. */
    z->next_out = s->to && room ? s->to + s->n : counted;
    z->avail_out = room ? (uInt)room : 1;
    room = z->avail_out;
    *ret_rc = inflate(z, Z_NO_FLUSH);
    if (*ret_rc == Z_MEM_ERROR)
        return WB_ERR_NOMEM;
    if (*ret_rc == Z_BUF_ERROR) /* no progress: the input ended before the stream did */
        return WB_ERR_TRUNCATED;
    if (*ret_rc != Z_OK &&
        *ret_rc != Z_STREAM_END) /* bad data, or the stream wants a preset dictionary */
        return WB_ERR_MALFORMED;
    s->n += room - z->avail_out;
    if (s->n > s->max)
        return WB_ERR_TOO_LARGE;
    return s->each && room > z->avail_out ? s->each(s->ctx, SPAN(counted, room - z->avail_out))
                                          : WB_OK;
}

static enum wb_err run(struct span in, struct sink *s)
{
    z_stream z = {0};
    enum wb_err err;
    int rc = Z_OK;

    if (in.n > UINT_MAX)
        return WB_ERR_TOO_LARGE;
    if (inflateInit(&z) != Z_OK)
        return WB_ERR_NOMEM;
    z.next_in = (z_const Bytef *)(uintptr_t)in.p; /* zlib only reads it */
    z.avail_in = (uInt)in.n;
    do
        err = step(&z, s, &rc);
    while (err == WB_OK && rc != Z_STREAM_END);
    if (err == WB_OK && z.avail_in)
        err = WB_ERR_TRAILING;
    inflateEnd(&z);
    return err;
}

enum wb_err inflate_size(struct span in, size_t max, size_t *ret_n)
{
    struct sink s = {.max = max};
    enum wb_err err = run(in, &s);

    if (err == WB_OK)
        *ret_n = (size_t)s.n;
    return err;
}

enum wb_err inflate_into(struct span in, uint8_t *out, size_t n)
{
    struct sink s = {.max = n};
    enum wb_err err;

    s.to = out;
    err = run(in, &s);
    return err == WB_OK && s.n != n ? WB_ERR_TRUNCATED : err;
}

enum wb_err inflate_zlib(struct span in, struct buf *out)
{
    size_t n;
    uint8_t *to;
    enum wb_err err;

    TRY(buf_err(out));
    TRY(inflate_size(in, out->max - out->n, &n));
    to = buf_extend(out, n);
    if (!to)
        return buf_err(out);
    err = inflate_into(in, to, n);
out:
    return err;
}

enum wb_err inflate_each(struct span in, uint64_t max, inflate_part_fn *each, void *ctx)
{
    struct sink s = {.each = each, .ctx = ctx, .max = max};

    return run(in, &s);
}
