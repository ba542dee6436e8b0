/* pb.h - protobuf fields by number, read and written one at a time.
 *
 * The mock looks at what clients send with its own eyes and not through the schemas of the bridge:
 * a field number wrong in those must not be wrong here too. */
#ifndef MOCK_CORE_PB_H
#define MOCK_CORE_PB_H

#include "base/buf.h"

struct pb_field {
    uint32_t number;
    uint8_t wire;      /* 0 varint, 1 fixed64, 2 bytes, 5 fixed32 */
    uint64_t v;        /* wire 0, 1, 5 */
    struct span bytes; /* wire 2, borrowed */
};

/* Takes one field off the front of *in. False at the end and on malformed input; afterwards *in is
 * empty exactly when all was well. */
bool pb_next(struct span *in, struct pb_field *ret_f);
/* Is it a well-formed sequence of fields? */
bool pb_valid(struct span msg);
/* Content of the last length-delimited field of that number; SPAN_NULL without one. */
struct span pb_bytes(struct span msg, uint32_t number);
/* Value of the last varint (or fixed) field of that number. */
uint64_t pb_u64(struct span msg, uint32_t number, uint64_t dflt);
bool pb_has(struct span msg, uint32_t number);

void pb_put_u64(struct buf *out, uint32_t number, uint64_t v);
void pb_put_bytes(struct buf *out, uint32_t number, struct span v);
void pb_put_text(struct buf *out, uint32_t number, const char *text);

#endif
