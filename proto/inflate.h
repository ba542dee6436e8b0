/* inflate.h - zlib streams with a bomb guard (P-BN-02). A stream is read twice, once to learn its
 * size: the output then takes what it is long, while a growing buffer takes two or three times
 * that. */
#ifndef PROTO_INFLATE_H
#define PROTO_INFLATE_H

#include "base/buf.h"

/* Size of the inflated RFC 1950 stream `in`; TOO_LARGE over max, which is the bomb guard.
 * TRUNCATED / MALFORMED / TRAILING on a bad stream, NOMEM. Keeps nothing. */
enum wb_err inflate_size(struct span in, size_t max, size_t *ret_n) WB_MUST_CHECK;
/* Inflates into exactly the n bytes that inflate_size() told. Same errors. */
enum wb_err inflate_into(struct span in, uint8_t *out, size_t n) WB_MUST_CHECK;
/* Appends it to out, whose max is the guard. Same errors; out is then to be thrown away. */
enum wb_err inflate_zlib(struct span in, struct buf *out) WB_MUST_CHECK;

/* For streams that are too large to be kept: each() gets them part by part, of 16 kB at most, and
 * ends it with an error of its own. TOO_LARGE over max; the other errors as above. */
typedef enum wb_err inflate_part_fn(void *ctx, struct span part);
enum wb_err inflate_each(struct span in, uint64_t max, inflate_part_fn *each,
                         void *ctx) WB_MUST_CHECK;

#endif
