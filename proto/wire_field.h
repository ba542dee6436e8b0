/* wire_field.h - reads and writes a protobuf's fields one by one, without allocating: for the small
 * messages of the hot path, and for messages whose parts are decoded only when needed. */
#ifndef PROTO_WIRE_FIELD_H
#define PROTO_WIRE_FIELD_H

#include "base/arena.h"
#include "base/buf.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_field {
    uint32_t number; /* 1..2^29-1 */
    enum wire_type type;
    uint64_t value;    /* varint or fixed */
    struct span bytes; /* WIRE_BYTES: borrowed, never null */
};

/* Takes the next field off *rest. At the end of the message *ret_f is left alone (the caller loops
 * until rest->n == 0). TRUNCATED; MALFORMED on groups, number 0, varints over 64 bits. */
enum wb_err wire_next(struct span *rest, struct wire_field *ret_f) WB_MUST_CHECK;

/* The last bytes field of that number (protobuf: the last one counts); NOT_FOUND. */
enum wb_err wire_find(struct span message, uint32_t number, struct span *ret_bytes) WB_MUST_CHECK;

/* Collects all bytes fields of that number in order; the list lives in a. TOO_LARGE when a is
 * exhausted. */
enum wb_err wire_collect(struct span message, uint32_t number, struct arena *a,
                         const struct span **ret_list, size_t *ret_n) WB_MUST_CHECK;

void wire_put_varint(struct buf *out, uint64_t v);
void wire_put_uint(struct buf *out, uint32_t number, uint64_t v);
void wire_put_bytes(struct buf *out, uint32_t number, struct span bytes);
void wire_put_double(struct buf *out, uint32_t number, double v);

/* Writes a sub-message in place: open, append its fields, close with the value that open
 * returned. */
size_t wire_open(struct buf *out, uint32_t number) WB_MUST_CHECK;
void wire_close(struct buf *out, size_t mark);

#endif
