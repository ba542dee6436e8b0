/* A byte stream fed whole and fed in pieces must give the same frames and the same error.
 * Input: one byte that seeds the cuts, then the stream. */
#include <stdlib.h>

#include "proto/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FRAME = 4096, OUT_MAX = 1 << 20 };

/* Appends every complete frame, with its size before it; stops at an error. */
static enum wb_err take(struct frame_reader *r, struct buf *frames)
{
    struct span f = SPAN_NULL;

    for (;;) {
        enum wb_err err = frame_reader_next(r, &f);

        if (err != WB_OK || span_is_null(f))
            return err;
        buf_u32be(frames, (uint32_t)f.n);
        buf_append(frames, f);
    }
}

/* seed: chooses the sizes of the pieces; 0 feeds pieces as large as they may be. */
static enum wb_err feed(struct span stream, uint32_t seed, struct buf *frames)
{
    struct frame_reader r = frame_reader_new(MAX_FRAME);
    enum wb_err err = WB_OK;

    while (stream.n && err == WB_OK) {
        size_t n = MAX_FRAME;

        if (seed) {
            seed = seed * 1103515245 + 12345;
            n = 1 + (seed >> 16) % 40;
        }
        struct span piece = span_first(stream, n);
        stream = span_skip(stream, n);
        if (frame_reader_push(&r, piece) != WB_OK)
            abort(); /* it was drained before every push: there is always room */
        err = take(&r, frames);
    }
    frame_reader_free(&r);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = buf_new(OUT_MAX), cut = buf_new(OUT_MAX);

    if (size > 0 && size < OUT_MAX / 4) {
        struct span stream = SPAN(data + 1, size - 1);
        enum wb_err a = feed(stream, 0, &whole), b = feed(stream, data[0] + 1U, &cut);

        if (a != b || !span_eq(buf_span(&whole), buf_span(&cut)))
            abort();
    }
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
