/* chunked.h - a body in chunks (RFC 9112, 7.1), decoded as it comes in. Callers that do not know a
 * body's length beforehand send it so, for example Node's http.request() with write(). */
#ifndef BASE_CHUNKED_H
#define BASE_CHUNKED_H

#include "base/buf.h"

/* Bytes of extensions and trailers of one body: nobody uses them, and they must not be endless. */
enum { CHUNKED_EXTRA_MAX = 4096 };

enum chunked_state {
    CHUNKED_SIZE,
    CHUNKED_EXTENSION,
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER, /* at the start of a line of the trailer */
    CHUNKED_TRAILER_LINE,
    CHUNKED_TRAILER_LF,
    CHUNKED_END_LF,
    CHUNKED_DONE,
    CHUNKED_BAD,
};

/* All zero at the start. */
struct chunked {
    enum chunked_state state;
    uint64_t left;   /* bytes of the chunk that are still to come */
    unsigned digits; /* hexadecimal digits of the chunk's size read so far */
    size_t skipped;  /* bytes of extensions and trailers so far */
};

/* Takes the next bytes of the connection, any number, and appends the body's content to out.
 * *ret_done: the body's end was among them; bytes behind that end are ignored. MALFORMED (and
 * from then on always), TOO_LARGE over out's maximum. */
enum wb_err chunked_push(struct chunked *c, struct span in, struct buf *out,
                         bool *ret_done) WB_MUST_CHECK;

#endif
