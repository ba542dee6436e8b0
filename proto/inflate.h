/* inflate.h - inflates zlib streams, with a guard against bombs (P-BN-02). A stream is read twice,
 * first to learn its size: so the output takes exactly that size, while a growing buffer would take
 * two or three times as much. */
#ifndef PROTO_INFLATE_H
#define PROTO_INFLATE_H

#include "base/buf.h"

/* Size of the inflated RFC 1950 stream `in`; TOO_LARGE over max, which is the bomb guard.
 * TRUNCATED / MALFORMED / TRAILING on a bad stream, NOMEM. Keeps nothing. */
enum wb_err inflate_size(struct span in, size_t max, size_t *ret_n) WB_MUST_CHECK;
/* Inflates into exactly the n bytes that inflate_size() has told. Same errors. */
enum wb_err inflate_into(struct span in, uint8_t *out, size_t n) WB_MUST_CHECK;
/* Appends the inflated stream to out, whose maximum is the guard. Same errors; out is useless after
 * one. */
enum wb_err inflate_zlib(struct span in, struct buf *out) WB_MUST_CHECK;

/* For streams that are too large to be kept: each() gets the output in parts of 16 kB at most, and
 * stops the stream by returning an error. TOO_LARGE over max; the other errors as above. */
typedef enum wb_err inflate_part_fn(void *ctx, struct span part);
enum wb_err inflate_each(struct span in, uint64_t max, inflate_part_fn *each,
                         void *ctx) WB_MUST_CHECK;

#endif
