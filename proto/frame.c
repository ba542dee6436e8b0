#include "proto/frame.h"

const uint8_t wa_intro[WA_INTRO_BYTES] = {'W', 'A', 6, 3};

enum {
    FRAME_WIRE_MAX = 0xFFFFFF,
    /* A reader that has handed out everything frees memory above this: otherwise one big frame,
     * which is rare, would hold its memory as long as the connection lives. */
    FRAME_KEEP_BYTES = 64 * 1024,
};

struct frame_reader frame_reader_new(size_t max_frame)
{
    if (max_frame > FRAME_WIRE_MAX)
        max_frame = FRAME_WIRE_MAX;
    /* Room for one frame not yet complete, and one WebSocket message as large as the largest
     * frame. */
    return (struct frame_reader){.pending = buf_new(2 * (max_frame + FRAME_HEADER_BYTES)),
                                 .max_frame = max_frame};
}

void frame_reader_free(struct frame_reader *r)
{
    buf_free(&r->pending);
    r->taken = 0;
}

static void drop_taken(struct frame_reader *r)
{
    if (r->taken < r->pending.n)
        buf_consume(&r->pending, r->taken);
    else if (r->pending.cap > FRAME_KEEP_BYTES)
        buf_free(&r->pending);
    else
        buf_clear(&r->pending);
    r->taken = 0;
}

enum wb_err frame_reader_push(struct frame_reader *r, struct span bytes)
{
    if (r->taken)
        drop_taken(r);
    buf_append(&r->pending, bytes);
    return buf_err(&r->pending);
}

enum wb_err frame_reader_next(struct frame_reader *r, struct span *ret_frame)
{
    struct span left = span_skip(buf_span(&r->pending), r->taken);
    size_t n;

    if (left.n < FRAME_HEADER_BYTES) {
        *ret_frame = SPAN_NULL;
        return WB_OK;
    }
    n = (size_t)left.p[0] << 16 | (size_t)left.p[1] << 8 | left.p[2];
    if (n > r->max_frame)
        return WB_ERR_TOO_LARGE; /* refused before its bytes are waited for */
    if (left.n - FRAME_HEADER_BYTES < n) {
        *ret_frame = SPAN_NULL;
        return WB_OK;
    }
    *ret_frame = SPAN(left.p + FRAME_HEADER_BYTES, n);
    r->taken += FRAME_HEADER_BYTES + n;
    return WB_OK;
}

enum wb_err frame_write(struct buf *out, struct span payload)
{
    if (payload.n > FRAME_WIRE_MAX)
        return WB_ERR_TOO_LARGE;
    buf_u24be(out, (uint32_t)payload.n);
    buf_append(out, payload);
    return buf_err(out);
}
