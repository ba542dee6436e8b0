#include "tools/mock/core/pb.h"

static bool varint(struct span *in, uint64_t *ret_v)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 10 && i < in->n; i++) {
        v |= (uint64_t)(in->p[i] & 0x7f) << (7 * i);
        if ((in->p[i] & 0x80) == 0) {
            *in = span_skip(*in, i + 1);
            *ret_v = v;
            return true;
        }
    }
    return false;
}

static bool fixed(struct span *in, unsigned n, uint64_t *ret_v)
{
    if (in->n < n)
        return false;
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)in->p[i] << (8 * i);
    *in = span_skip(*in, n);
    *ret_v = v;
    return true;
}

bool pb_next(struct span *in, struct pb_field *ret_f)
{
    struct span left = *in;
    struct pb_field f = {0};
    uint64_t key, n;

    if (left.n == 0 || !varint(&left, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff)
        return false;
    f.number = (uint32_t)(key >> 3);
    f.wire = (uint8_t)(key & 7);
    switch (f.wire) {
    case 0:
        if (!varint(&left, &f.v))
            return false;
        break;
    case 1:
        if (!fixed(&left, 8, &f.v))
            return false;
        break;
    case 5:
        if (!fixed(&left, 4, &f.v))
            return false;
        break;
    case 2:
        if (!varint(&left, &n) || n > left.n)
            return false;
        f.bytes = span_first(left, (size_t)n);
        left = span_skip(left, (size_t)n);
        break;
    default:
        return false;
    }
    *in = left;
    *ret_f = f;
    return true;
}

bool pb_valid(struct span msg)
{
    struct pb_field f;

    while (pb_next(&msg, &f)) {
    }
    return msg.n == 0;
}

static bool last(struct span msg, uint32_t number, struct pb_field *ret_f)
{
    struct pb_field f;
    bool found = false;

    while (pb_next(&msg, &f)) {
        if (f.number == number) {
            *ret_f = f;
            found = true;
        }
    }
    return found;
}

struct span pb_bytes(struct span msg, uint32_t number)
{
    struct pb_field f;

    return last(msg, number, &f) && f.wire == 2 ? f.bytes : SPAN_NULL;
}

uint64_t pb_u64(struct span msg, uint32_t number, uint64_t dflt)
{
    struct pb_field f;

    return last(msg, number, &f) && f.wire != 2 ? f.v : dflt;
}

bool pb_has(struct span msg, uint32_t number)
{
    struct pb_field f;

    return last(msg, number, &f);
}

static void put_varint(struct buf *out, uint64_t v)
{
    while (v >= 0x80) {
        buf_u8(out, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    buf_u8(out, (uint8_t)v);
}

void pb_put_u64(struct buf *out, uint32_t number, uint64_t v)
{
    put_varint(out, (uint64_t)number << 3);
    put_varint(out, v);
}

void pb_put_bytes(struct buf *out, uint32_t number, struct span v)
{
    put_varint(out, (uint64_t)number << 3 | 2);
    put_varint(out, v.n);
    buf_append(out, v);
}

void pb_put_text(struct buf *out, uint32_t number, const char *text)
{
    pb_put_bytes(out, number, span_cstr(text));
}
