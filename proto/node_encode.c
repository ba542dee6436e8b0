#include "proto/limits.h"
#include "proto/node.h"
#include "proto/node_wire.h"
#include "proto/token_dict.h"

enum { BINARY_20_END = 1 << 20 };

static void write_length(struct buf *out, size_t n) /* P-BN-06 */
{
    if (n < 256) {
        buf_u8(out, WIRE_BINARY_8);
        buf_u8(out, (uint8_t)n);
    } else if (n < BINARY_20_END) {
        buf_u8(out, WIRE_BINARY_20);
        buf_u24be(out, (uint32_t)n);
    } else if (n <= INT32_MAX) { /* readers take the length as signed */
        buf_u8(out, WIRE_BINARY_32);
        buf_u32be(out, (uint32_t)n);
    } else if (out->err == WB_OK) {
        out->err = WB_ERR_TOO_LARGE;
    }
}

static void write_binary(struct buf *out, struct span s)
{
    write_length(out, s.n);
    buf_append(out, s);
}

static uint8_t nibble_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0');
    if (c >= 'A' && c <= 'F')
        return (uint8_t)(c - 'A' + 10);
    return c == '-' ? 10 : 11; /* '.' */
}

/* The packing that fits s, or 0 (P-BN-08, P-BN-09). */
static uint8_t packing_of(struct span s)
{
    bool nibble = true, hex = true;

    if (s.n > WIRE_PACKED_MAX)
        return 0;
    for (size_t i = 0; i < s.n && (nibble || hex); i++) {
        uint8_t c = s.p[i];

        if (c >= '0' && c <= '9')
            continue;
        nibble = nibble && (c == '-' || c == '.');
        hex = hex && c >= 'A' && c <= 'F';
    }
    return nibble ? WIRE_NIBBLE_8 : hex ? WIRE_HEX_8 : 0;
}

static void write_packed(struct buf *out, uint8_t packing, struct span s)
{
    size_t n = (s.n + 1) / 2;
    uint8_t *at = buf_extend(out, 2 + n);

    if (!at)
        return;
    *at++ = packing;
    *at++ = (uint8_t)(n | (s.n % 2 ? WIRE_PACKED_ODD : 0));
    for (size_t i = 0; i < s.n; i += 2) {
        uint8_t low = i + 1 < s.n ? nibble_of(s.p[i + 1]) : (uint8_t)WIRE_PACKED_PAD;

        *at++ = (uint8_t)(nibble_of(s.p[i]) << 4 | low);
    }
}

static void write_string(struct buf *out, struct span s) /* order of forms: P-BN-06 */
{
    unsigned code = token_code(s);
    uint8_t packing;

    if (code >= TOKEN_SINGLE_COUNT) {
        code -= TOKEN_SINGLE_COUNT;
        buf_u16be(out, (uint16_t)((WIRE_DICTIONARY_0 + code / 256) << 8 | code % 256));
    } else if (code) {
        buf_u8(out, (uint8_t)code);
    } else if ((packing = packing_of(s)) != 0) {
        write_packed(out, packing, s); /* also the empty string: FF 00 (P-BN-10) */
    } else {
        write_binary(out, s);
    }
}

static enum wb_err write_jid(struct buf *out, const struct jid *j) /* P-BN-13..17 */
{
    struct span user = span_cstr(j->user), server = span_cstr(jid_server_name(j->server));
    bool hosted = j->server == JID_HOSTED || j->server == JID_HOSTED_LID;

    if (hosted || ((j->server == JID_PN || j->server == JID_LID) && j->device > 0)) {
        if (j->device > UINT8_MAX)
            return WB_ERR_INVALID; /* cut to one byte, it would name another device */
        buf_u8(out, WIRE_AD_JID);
        buf_u8(out, jid_domain(j));
        buf_u8(out, (uint8_t)j->device);
        write_string(out, user);
        return WB_OK;
    }
    if (j->server == JID_MSGR || j->server == JID_INTEROP) {
        buf_u8(out, j->server == JID_MSGR ? WIRE_FB_JID : WIRE_INTEROP_JID);
        write_string(out, user);
        buf_u16be(out, j->device);
        if (j->server == JID_INTEROP)
            buf_u16be(out, j->integrator);
    } else {
        buf_u8(out, WIRE_JID_PAIR);
        if (user.n)
            write_string(out, user);
        else
            buf_u8(out, WIRE_LIST_EMPTY);
    }
    write_string(out, server);
    return WB_OK;
}

static bool has_value(const struct node_attr *a)
{
    return a->jid ? !jid_is_none(a->jid) : a->str.n > 0;
}

static enum wb_err write_list_start(struct buf *out, size_t n)
{
    if (n > WIRE_LIST_MAX)
        return WB_ERR_TOO_LARGE;
    if (n == 0) {
        buf_u8(out, WIRE_LIST_EMPTY);
    } else if (n < 256) {
        buf_u8(out, WIRE_LIST_8);
        buf_u8(out, (uint8_t)n);
    } else {
        buf_u8(out, WIRE_LIST_16);
        buf_u16be(out, (uint16_t)n);
    }
    return WB_OK;
}

static enum wb_err write_head(struct buf *out, const struct node *n) /* P-BN-04 */
{
    size_t size = 1 + (n->content != NODE_EMPTY ? 1 : 0);
    enum wb_err err;

    for (const struct node_attr *a = n->attrs; a; a = a->next)
        size += has_value(a) ? 2 : 0;
    TRY(write_list_start(out, size));
    write_string(out, n->tag);
    for (const struct node_attr *a = n->attrs; a; a = a->next) {
        if (!has_value(a))
            continue;
        write_string(out, a->key);
        if (a->jid)
            TRY(write_jid(out, a->jid));
        else
            write_string(out, a->str);
    }
out:
    return err;
}

static enum wb_err write_node(struct buf *out, const struct node *n, int depth)
{
    enum wb_err err = WB_OK;

    if (!n || n->failed)
        return WB_ERR_NOMEM;
    if (depth > NODE_DEPTH_MAX)
        return WB_ERR_TOO_DEEP;
    if (n->tag.n == 0 || span_eq_cstr(n->tag, "0"))
        return WB_ERR_INVALID; /* P-BN-25 */
    TRY(write_head(out, n));
    if (n->content == NODE_BYTES)
        write_binary(out, n->bytes);
    else if (n->content == NODE_TEXT)
        write_string(out, n->bytes);
    else if (n->content == NODE_CHILDREN) {
        TRY(write_list_start(out, node_child_count(n)));
        for (const struct node *c = n->first; c; c = c->next)
            TRY(write_node(out, c, depth + 1));
    }
out:
    return err;
}

enum wb_err node_pack(const struct node *n, struct buf *out)
{
    size_t start = out->n;
    enum wb_err err;

    buf_u8(out, 0); /* not compressed (P-BN-02) */
    err = write_node(out, n, 1);
    if (err == WB_OK)
        err = buf_err(out);
    if (err != WB_OK)
        out->n = start;
    return err;
}
