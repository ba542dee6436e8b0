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
    CHUNKED_TRAILER, /* at the start of a line of it */
    CHUNKED_TRAILER_LINE,
    CHUNKED_TRAILER_LF,
    CHUNKED_END_LF,
    CHUNKED_DONE,
    CHUNKED_BAD,
};

/* All zero at the start. */
struct chunked {
    enum chunked_state state;
    uint64_t left;   /* of the chunk */
    unsigned digits; /* of its size */
    size_t skipped;  /* bytes of extensions and trailers so far */
};

/* The next bytes of the connection, any number; the body's own are appended to out. *ret_done: the
 * end was among them, what is behind it is ignored. MALFORMED (and from then on always), TOO_LARGE
 * over out's maximum. */
enum wb_err chunked_push(struct chunked *c, struct span in, struct buf *out,
                         bool *ret_done) WB_MUST_CHECK;

#endif
