/* wire_map.h - maps a protobuf's fields to a struct by a table, both ways. The table is the schema.
 * It serves the big, nested and mostly unread messages (message content), where protobuf-c would
 * copy every thumbnail and follow a peer's nesting without a limit: here spans borrow from the
 * input, and only nesting that a table names is entered. */
#ifndef PROTO_WIRE_MAP_H
#define PROTO_WIRE_MAP_H

#include "base/buf.h"

enum wire_slot_type {
    SLOT_SPAN,   /* struct span */
    SLOT_U32,    /* uint32_t */
    SLOT_I32,    /* int32_t */
    SLOT_U64,    /* uint64_t */
    SLOT_I64,    /* int64_t */
    SLOT_BOOL,   /* bool */
    SLOT_DOUBLE, /* double */
    SLOT_SEEN,   /* bool: the field is there, with any value (reading only) */
    SLOT_NESTED, /* a sub-message, read by its own table, whose offsets begin at this offset */
};

struct wire_slot {
    uint32_t number; /* 0 ends a table */
    enum wire_slot_type type;
    size_t offset;
    const struct wire_slot *nested;
};

/* Fills the members whose fields the input has, and leaves the rest of *ret alone. As in every
 * protobuf reader a field of unknown number or of another wire type is skipped and the last of
 * several wins. TRUNCATED, MALFORMED; then *ret is partly filled, so callers read into a scratch
 * struct. */
enum wb_err wire_map_read(const struct wire_slot *slots, struct span in, void *ret) WB_MUST_CHECK;

/* Appends the fields in table order (keep tables ascending): null spans, zeros, false and empty
 * sub-messages are left out. The error is out's. */
void wire_map_write(const struct wire_slot *slots, const void *from, struct buf *out);

#endif
