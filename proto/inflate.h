/* inflate.h - zlib streams with a bomb guard (P-BN-02). */
#ifndef PROTO_INFLATE_H
#define PROTO_INFLATE_H

#include "base/buf.h"

/* Appends the inflated RFC 1950 stream `in` to out; out->max is the bomb guard (TOO_LARGE).
 * TRUNCATED / MALFORMED / TRAILING on a bad stream; out is then to be thrown away. */
enum wb_err inflate_zlib(struct span in, struct buf *out) WB_MUST_CHECK;

#endif
