/* wire_arena.h - lets protobuf-c take its memory from an arena, so that what a peer sends can
 * never allocate more than the arena's maximum, and one arena_reset() drops the whole message.
 * Only proto/ and the crypto files that parse protobufs include this header. */
#ifndef PROTO_WIRE_ARENA_H
#define PROTO_WIRE_ARENA_H

#include "base/arena.h"
#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>

/* Parses `in` as a message of type d. The message and its bytes live in a, and are freed only with
 * it; a part of a is always left free. TOO_LARGE when the rest is not enough, NOMEM when the
 * machine has no more memory, MALFORMED otherwise. Unknown fields are kept by protobuf-c as
 * message->unknown_fields and otherwise ignored. */
enum wb_err wire_unpack(const ProtobufCMessageDescriptor *d, struct span in, struct arena *a,
                        ProtobufCMessage **ret_m) WB_MUST_CHECK;

/* Appends the serialised message (fields ascending by number) to out; the error is out's. */
enum wb_err wire_pack(const ProtobufCMessage *m, struct buf *out) WB_MUST_CHECK;

/* Turns a span into protobuf-c's bytes and back. An absent field is SPAN_NULL, an empty one is
 * not. */
static inline ProtobufCBinaryData wire_bytes(struct span s)
{
    /* protobuf-c has no const; packing does not write. */
    return (ProtobufCBinaryData){s.n, (uint8_t *)(uintptr_t)s.p};
}

static inline struct span wire_span(protobuf_c_boolean has, ProtobufCBinaryData b)
{
    static const uint8_t empty[1];

    if (!has)
        return SPAN_NULL;
    return b.data ? SPAN(b.data, b.len) : SPAN(empty, 0);
}

/* Sets an optional bytes field of m from a span; SPAN_NULL leaves it out. */
#define WIRE_SET_BYTES(m, field, s)                                                                \
    do {                                                                                           \
        struct span wire_s_ = (s);                                                                 \
        (m)->has_##field = !span_is_null(wire_s_);                                                 \
        (m)->field = wire_bytes(wire_s_);                                                          \
    } while (0)
/* Sets an optional scalar field. */
#define WIRE_SET(m, field, v)                                                                      \
    do {                                                                                           \
        (m)->has_##field = 1;                                                                      \
        (m)->field = (v);                                                                          \
    } while (0)
/* Reads an optional bytes field. */
#define WIRE_SPAN(m, field) wire_span((m)->has_##field, (m)->field)

/* Copies a field that must have exactly n bytes: MALFORMED when absent or of another size. */
enum wb_err wire_fixed(protobuf_c_boolean has, ProtobufCBinaryData b, uint8_t *out,
                       size_t n) WB_MUST_CHECK;

#endif
