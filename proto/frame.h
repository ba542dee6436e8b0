/* frame.h - cuts frames with a 3-byte length out of a byte stream that may be cut anywhere
 * (P-WS-05..08). */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include "base/buf.h"

enum { FRAME_HEADER_BYTES = 3, WA_INTRO_BYTES = 4 };

/* 'W' 'A' 6 3: sent once before the first frame; also the Noise prologue (P-WS-05, P-HS-02). */
extern const uint8_t wa_intro[WA_INTRO_BYTES];

struct frame_reader {
    struct buf pending; /* bytes of frames not yet complete */
    size_t max_frame;
    size_t taken; /* bytes at the front of pending already handed out */
};

/* max_frame: largest accepted payload, at most 2^24 - 1. */
struct frame_reader frame_reader_new(size_t max_frame);
void frame_reader_free(struct frame_reader *r);
/* Adds bytes of one WebSocket message (or part of one). NOMEM/TOO_LARGE: close the connection. */
enum wb_err frame_reader_push(struct frame_reader *r, struct span bytes) WB_MUST_CHECK;
/* Takes the next complete frame. *ret_frame is SPAN_NULL (p == NULL) when more bytes are needed; it
 * borrows from the reader until the next push or next. An empty frame has n == 0 and p != NULL. */
enum wb_err frame_reader_next(struct frame_reader *r, struct span *ret_frame) WB_MUST_CHECK;

/* Appends length + payload. TOO_LARGE at 2^24 and above. */
enum wb_err frame_write(struct buf *out, struct span payload) WB_MUST_CHECK;

#endif
