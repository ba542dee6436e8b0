/* padding.h - random padding of message plaintexts, enc v=2 (P-SG-36). */
#ifndef PROTO_PADDING_H
#define PROTO_PADDING_H

#include "base/buf.h"

/* Appends 1..15 bytes: n = random & 15, 0 becomes 15. random is one random byte. */
enum wb_err padding_add(struct buf *plain, uint8_t random) WB_MUST_CHECK;
/* The content without its padding (1..16 equal bytes); BAD_PADDING otherwise. */
enum wb_err padding_strip(struct span padded, struct span *ret_content) WB_MUST_CHECK;

#endif
