/* pb.h - protobuf fields by number, read and written one at a time.
 *
 * The mock reads what clients send with code of its own, not through the bridge's schemas: a wrong
 * field number in the schemas must not be wrong here too. */
#ifndef MOCK_CORE_PB_H
#define MOCK_CORE_PB_H

#include "base/buf.h"

struct pb_field {
    uint32_t number;
    uint8_t wire;      /* 0 varint, 1 fixed64, 2 bytes, 5 fixed32 */
    uint64_t v;        /* wire 0, 1, 5 */
    struct span bytes; /* wire 2, borrowed */
};

/* Takes one field off the front of *in. False at the end and on malformed input; then *in is empty
 * only if all was well-formed. */
bool pb_next(struct span *in, struct pb_field *ret_f);
/* Whether msg is a well-formed sequence of fields. */
bool pb_valid(struct span msg);
/* The content of the last length-delimited field with that number; SPAN_NULL if there is none. */
struct span pb_bytes(struct span msg, uint32_t number);
/* The value of the last varint (or fixed) field with that number. */
uint64_t pb_u64(struct span msg, uint32_t number, uint64_t dflt);
bool pb_has(struct span msg, uint32_t number);

void pb_put_u64(struct buf *out, uint32_t number, uint64_t v);
void pb_put_bytes(struct buf *out, uint32_t number, struct span v);
void pb_put_text(struct buf *out, uint32_t number, const char *text);

#endif
