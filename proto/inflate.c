#include "proto/inflate.h"

#include <limits.h>
#include <zlib.h>

enum { CHUNK = 16 * 1024 };

static enum wb_err run(z_stream *z, struct buf *out)
{
    uint8_t chunk[CHUNK];
    int rc;

    do {
        z->next_out = chunk;
        z->avail_out = CHUNK;
        rc = inflate(z, Z_NO_FLUSH);
        if (rc == Z_MEM_ERROR)
            return WB_ERR_NOMEM;
        if (rc == Z_BUF_ERROR) /* no progress: the input ended before the stream did */
            return WB_ERR_TRUNCATED;
        if (rc != Z_OK && rc != Z_STREAM_END) /* bad data, or a preset dictionary is asked for */
            return WB_ERR_MALFORMED;
        buf_append(out, SPAN(chunk, CHUNK - z->avail_out));
        if (buf_err(out) != WB_OK)
            return buf_err(out);
    } while (rc != Z_STREAM_END);
    return z->avail_in ? WB_ERR_TRAILING : WB_OK;
}

enum wb_err inflate_zlib(struct span in, struct buf *out)
{
    z_stream z = {0};
    enum wb_err err;

    if (in.n > UINT_MAX)
        return WB_ERR_TOO_LARGE;
    if (inflateInit(&z) != Z_OK)
        return WB_ERR_NOMEM;
    z.next_in = (z_const Bytef *)(uintptr_t)in.p; /* zlib only reads it */
    z.avail_in = (uInt)in.n;
    err = run(&z, out);
    inflateEnd(&z);
    return err;
}
