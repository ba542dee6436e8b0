#include "proto/wire_field.h"

enum { VARINT_BYTES_MAX = 10 };

static enum wb_err take_varint(struct span *rest, uint64_t *ret_v)
{
    uint64_t v = 0;

    for (size_t i = 0; i < VARINT_BYTES_MAX; i++) {
        if (i >= rest->n)
            return WB_ERR_TRUNCATED;
        uint8_t b = rest->p[i];
        /* The tenth byte has room for one bit. */
        if (i == VARINT_BYTES_MAX - 1 && b > 1)
            return WB_ERR_MALFORMED;
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80)) {
            *rest = span_skip(*rest, i + 1);
            *ret_v = v;
            return WB_OK;
        }
    }
    return WB_ERR_MALFORMED;
}

static enum wb_err take_fixed(struct span *rest, size_t n, uint64_t *ret_v)
{
    uint64_t v = 0;

    if (rest->n < n)
        return WB_ERR_TRUNCATED;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)rest->p[i] << (8 * i);
    *rest = span_skip(*rest, n);
    *ret_v = v;
    return WB_OK;
}

static enum wb_err take_bytes(struct span *rest, struct span *ret_bytes)
{
    enum wb_err err;
    uint64_t n = 0;

    TRY(take_varint(rest, &n));
    if (n > rest->n)
        return WB_ERR_TRUNCATED;
    *ret_bytes = SPAN(rest->p, (size_t)n);
    *rest = span_skip(*rest, (size_t)n);
out:
    return err;
}

enum wb_err wire_next(struct span *rest, struct wire_field *ret_f)
{
    struct wire_field f = {0};
    struct span at = *rest;
    uint64_t tag = 0;
    enum wb_err err;

    TRY(take_varint(&at, &tag));
    if (tag >> 3 == 0 || tag > UINT32_MAX)
        return WB_ERR_MALFORMED;
    f.number = (uint32_t)(tag >> 3);
    switch (tag & 7) {
    case WIRE_VARINT:
        f.type = WIRE_VARINT;
        TRY(take_varint(&at, &f.value));
        break;
    case WIRE_FIXED64:
        f.type = WIRE_FIXED64;
        TRY(take_fixed(&at, 8, &f.value));
        break;
    case WIRE_BYTES:
        f.type = WIRE_BYTES;
        TRY(take_bytes(&at, &f.bytes));
        break;
    case WIRE_FIXED32:
        f.type = WIRE_FIXED32;
        TRY(take_fixed(&at, 4, &f.value));
        break;
    default:
        return WB_ERR_MALFORMED;
    }
    *rest = at;
    *ret_f = f;
out:
    return err;
}

enum wb_err wire_find(struct span message, uint32_t number, struct span *ret_bytes)
{
    struct span found = SPAN_NULL;
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (message.n) {
        TRY(wire_next(&message, &f));
        if (f.number == number && f.type == WIRE_BYTES)
            found = f.bytes;
    }
    if (span_is_null(found))
        return WB_ERR_NOT_FOUND;
    *ret_bytes = found;
out:
    return err;
}

void wire_put_varint(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_u8(out, (uint8_t)(v | 0x80));
    buf_u8(out, (uint8_t)v);
}

void wire_put_uint(struct buf *out, uint32_t number, uint64_t v)
{
    wire_put_varint(out, (uint64_t)number << 3 | WIRE_VARINT);
    wire_put_varint(out, v);
}

void wire_put_bytes(struct buf *out, uint32_t number, struct span bytes)
{
    wire_put_varint(out, (uint64_t)number << 3 | WIRE_BYTES);
    wire_put_varint(out, bytes.n);
    buf_append(out, bytes);
}

void wire_put_double(struct buf *out, uint32_t number, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    wire_put_varint(out, (uint64_t)number << 3 | WIRE_FIXED64);
    for (unsigned i = 0; i < 8; i++)
        buf_u8(out, (uint8_t)(bits >> (8 * i)));
}

size_t wire_open(struct buf *out, uint32_t number)
{
    wire_put_varint(out, (uint64_t)number << 3 | WIRE_BYTES);
    return out->n;
}

void wire_close(struct buf *out, size_t mark)
{
    uint8_t length[VARINT_BYTES_MAX];
    size_t n = 0;
    size_t body;

    if (buf_err(out) != WB_OK)
        return;
    body = out->n - mark;
    for (uint64_t v = body;; v >>= 7) {
        length[n++] = (uint8_t)(v >= 0x80 ? v | 0x80 : v);
        if (v < 0x80)
            break;
    }
    if (!buf_extend(out, n))
        return;
    memmove(out->p + mark + n, out->p + mark, body);
    memcpy(out->p + mark, length, n);
}

enum wb_err wire_collect(struct span message, uint32_t number, struct arena *a,
                         const struct span **ret_list, size_t *ret_n)
{
    struct span rest = message;
    struct span *list = NULL;
    struct wire_field f;
    size_t n = 0;
    enum wb_err err = WB_OK;

    while (rest.n) {
        TRY(wire_next(&rest, &f));
        n += f.number == number && f.type == WIRE_BYTES;
    }
    if (n) {
        list = arena_alloc(a, n * sizeof *list);
        if (!list)
            return WB_ERR_TOO_LARGE;
    }
    for (n = 0, rest = message; list && rest.n;) {
        TRY(wire_next(&rest, &f));
        if (f.number == number && f.type == WIRE_BYTES)
            list[n++] = f.bytes;
    }
    *ret_list = list;
    *ret_n = n;
out:
    return err;
}
