#include "proto/wire_arena.h"

/* protobuf-c makes large structs out of fields of two bytes. One part in so many of the arena is
 * kept from it, for answering a message that was too large: without an answer that message would
 * come again. */
enum { LEFT_FOR_OTHERS = 32 };

struct bounded {
    struct arena *arena;
    bool too_large, no_memory;
};

static void *bounded_alloc(void *data, size_t n)
{
    struct bounded *b = data;
    void *p = arena_alloc(b->arena, n);

    if (!p && arena_is_full(b->arena, n))
        b->too_large = true;
    else if (!p)
        b->no_memory = true;
    return p;
}

/* Nothing is freed singly: the arena frees everything at once. */
static void bounded_free(void *data, void *p)
{
    (void)data;
    (void)p;
}

enum wb_err wire_unpack(const ProtobufCMessageDescriptor *d, struct span in, struct arena *a,
                        ProtobufCMessage **ret_m)
{
    struct bounded b = {a, false, false};
    size_t max = a->max;
    ProtobufCAllocator allocator = {bounded_alloc, bounded_free, &b};
    static const uint8_t empty[1];
    ProtobufCMessage *m;

    a->max -= max / LEFT_FOR_OTHERS;
    m = protobuf_c_message_unpack(d, &allocator, in.n, in.n ? in.p : empty);
    a->max = max;
    if (!m)
        return b.no_memory ? WB_ERR_NOMEM : b.too_large ? WB_ERR_TOO_LARGE : WB_ERR_MALFORMED;
    *ret_m = m;
    return WB_OK;
}

enum wb_err wire_pack(const ProtobufCMessage *m, struct buf *out)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *p;

    if (n == 0)
        return buf_err(out);
    p = buf_extend(out, n);
    if (!p)
        return buf_err(out);
    (void)protobuf_c_message_pack(m, p);
    return WB_OK;
}

enum wb_err wire_fixed(protobuf_c_boolean has, ProtobufCBinaryData b, uint8_t *out, size_t n)
{
    if (!has || b.len != n)
        return WB_ERR_MALFORMED;
    memcpy(out, b.data, n);
    return WB_OK;
}
