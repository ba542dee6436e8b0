#include "proto/wire_map.h"

#include "proto/wire_field.h"

/* Only hand-written tables nest; the deepest today has 3 levels. */
enum { NESTED_MAX = 6 };

static enum wb_err read_at(const struct wire_slot *slots, struct span in, uint8_t *base,
                           unsigned depth);

static enum wb_err store(const struct wire_slot *s, const struct wire_field *f, uint8_t *at,
                         unsigned depth)
{
    if (s->type == SLOT_SEEN) {
        *(bool *)(void *)at = true;
        return WB_OK;
    }
    if (s->type == SLOT_SPAN || s->type == SLOT_NESTED) {
        if (f->type != WIRE_BYTES)
            return WB_OK;
        if (s->type == SLOT_NESTED)
            return read_at(s->nested, f->bytes, at, depth + 1);
        *(struct span *)(void *)at = f->bytes;
        return WB_OK;
    }
    if (s->type == SLOT_DOUBLE) {
        if (f->type == WIRE_FIXED64)
            memcpy(at, &f->value, sizeof(double));
        return WB_OK;
    }
    if (f->type != WIRE_VARINT)
        return WB_OK;
    if (s->type == SLOT_U32 || s->type == SLOT_I32)
        *(uint32_t *)(void *)at = (uint32_t)f->value;
    else if (s->type == SLOT_BOOL)
        *(bool *)(void *)at = f->value != 0;
    else
        *(uint64_t *)(void *)at = f->value;
    return WB_OK;
}

static enum wb_err read_at(const struct wire_slot *slots, struct span in, uint8_t *base,
                           unsigned depth)
{
    struct wire_field f;
    enum wb_err err = WB_OK;

    if (depth > NESTED_MAX)
        return WB_ERR_BUG;
    while (in.n) {
        TRY(wire_next(&in, &f));
        for (const struct wire_slot *s = slots; s->number; s++)
            if (s->number == f.number)
                TRY(store(s, &f, base + s->offset, depth));
    }
out:
    return err;
}

enum wb_err wire_map_read(const struct wire_slot *slots, struct span in, void *ret)
{
    return read_at(slots, in, ret, 0);
}

static uint64_t number_at(const struct wire_slot *s, const uint8_t *at)
{
    switch (s->type) {
    case SLOT_U32:
        return *(const uint32_t *)(const void *)at;
    case SLOT_I32: /* negative numbers are sign-extended on the wire */
        return (uint64_t)(int64_t) * (const int32_t *)(const void *)at;
    case SLOT_U64:
    case SLOT_I64:
        return *(const uint64_t *)(const void *)at;
    case SLOT_BOOL:
        return *(const bool *)(const void *)at;
    case SLOT_SPAN:
    case SLOT_DOUBLE:
    case SLOT_SEEN:
    case SLOT_NESTED:
    default:
        return 0;
    }
}

static void write_at(const struct wire_slot *slots, const uint8_t *base, struct buf *out,
                     unsigned depth);

static void write_nested(const struct wire_slot *s, const uint8_t *at, struct buf *out,
                         unsigned depth)
{
    size_t before = out->n;
    size_t mark = wire_open(out, s->number);

    write_at(s->nested, at, out, depth + 1);
    if (buf_err(out) == WB_OK && out->n == mark)
        out->n = before;
    else
        wire_close(out, mark);
}

static void write_at(const struct wire_slot *slots, const uint8_t *base, struct buf *out,
                     unsigned depth)
{
    for (const struct wire_slot *s = slots; s->number && depth <= NESTED_MAX; s++) {
        const uint8_t *at = base + s->offset;

        if (s->type == SLOT_SPAN) {
            const struct span *bytes = (const void *)at;

            if (!span_is_null(*bytes))
                wire_put_bytes(out, s->number, *bytes);
        } else if (s->type == SLOT_NESTED) {
            write_nested(s, at, out, depth);
        } else if (s->type == SLOT_DOUBLE) {
            double v;

            memcpy(&v, at, sizeof v);
            wire_put_double(out, s->number, v);
        } else if (number_at(s, at)) {
            wire_put_uint(out, s->number, number_at(s, at));
        }
    }
}

void wire_map_write(const struct wire_slot *slots, const void *from, struct buf *out)
{
    write_at(slots, from, out, 0);
}
