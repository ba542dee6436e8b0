#include "proto/inflate.h"
#include "proto/limits.h"
#include "proto/node.h"
#include "proto/node_wire.h"
#include "proto/token_dict.h"

#include <stdio.h>

#include "base/reader.h"

/* The reader's sticky error also serves the decoder: helpers return empty values after a
 * failure. */
struct decoder {
    struct reader r;
    struct arena *a;
    size_t bytes_left; /* of NODE_MEMORY_MAX */
    size_t nodes_left; /* of NODE_COUNT_MAX */
};

enum value_kind {
    VALUE_NONE,  /* LIST_EMPTY, or failed */
    VALUE_TEXT,  /* a token or packed string */
    VALUE_BYTES, /* BINARY_*: text or bytes, depending on where it stands */
    VALUE_JID,
};

struct value {
    enum value_kind kind;
    struct span text;
    struct jid *jid;
};

static const struct value no_value = {VALUE_NONE, {NULL, 0}, NULL};

static uint8_t next_u8(struct decoder *d)
{
    if (d->r.err == WB_OK && d->r.at < d->r.in.n)
        return d->r.in.p[d->r.at++];
    reader_fail(&d->r, WB_ERR_TRUNCATED);
    return 0;
}

/* A frame that is too large is the peer's fault; want of memory is ours, and only that ends the
 * connection, after which the server sends the same frame again. */
static void *alloc(struct decoder *d, size_t n)
{
    size_t used = d->a->used;
    void *p;

    if (n > d->bytes_left) {
        reader_fail(&d->r, WB_ERR_TOO_LARGE);
        return NULL;
    }
    p = arena_alloc(d->a, n);
    if (!p) {
        reader_fail(&d->r, arena_is_full(d->a, n) ? WB_ERR_TOO_LARGE : WB_ERR_NOMEM);
        return NULL;
    }
    used = d->a->used - used; /* rounded up */
    d->bytes_left -= used < d->bytes_left ? used : d->bytes_left;
    return p;
}

static struct span read_token(struct decoder *d, uint8_t tag)
{
    if (tag < WIRE_DICTIONARY_0)
        return token_text(tag);
    return token_text(TOKEN_SINGLE_COUNT + 256U * (tag - (unsigned)WIRE_DICTIONARY_0) + next_u8(d));
}

/* P-BN-08, P-BN-09. The nibble behind an odd last character is padding; writers put 15 there, but
 * any nibble of the alphabet is accepted. */
static struct span read_packed(struct decoder *d, uint8_t tag)
{
    static const char hex[16] = "0123456789ABCDEF";
    static const char nibble[16] = "0123456789-."; /* 12..15 are NUL: no character */
    const char *alphabet = tag == WIRE_HEX_8 ? hex : nibble;
    uint8_t head = next_u8(d);
    bool odd = head & WIRE_PACKED_ODD;
    struct span packed = reader_bytes(&d->r, head & ~(unsigned)WIRE_PACKED_ODD);
    size_t n = packed.n * 2 - (odd && packed.n ? 1 : 0);
    char *out;

    if (odd && packed.n == 0)
        reader_fail(&d->r, WB_ERR_MALFORMED);
    if (d->r.err != WB_OK || !(out = alloc(d, n)))
        return SPAN_NULL;
    for (size_t i = 0; i < n; i++) {
        out[i] = alphabet[i % 2 ? packed.p[i / 2] & 0x0F : packed.p[i / 2] >> 4];
        if (!out[i])
            reader_fail(&d->r, WB_ERR_MALFORMED);
    }
    if (odd) {
        uint8_t pad = packed.p[packed.n - 1] & 0x0F;

        if (pad != WIRE_PACKED_PAD && !alphabet[pad])
            reader_fail(&d->r, WB_ERR_MALFORMED);
    }
    return d->r.err == WB_OK ? SPAN(out, n) : SPAN_NULL;
}

static struct span read_binary(struct decoder *d, uint8_t tag)
{
    size_t n;

    if (tag == WIRE_BINARY_8)
        n = next_u8(d);
    else if (tag == WIRE_BINARY_20)
        n = reader_u24be(&d->r) & 0x0FFFFF; /* P-BN-07 */
    else
        n = reader_u32be(&d->r);
    return reader_bytes(&d->r, n);
}

static bool is_token(uint8_t tag)
{
    return tag > WIRE_LIST_EMPTY && tag <= WIRE_DICTIONARY_3;
}

static bool is_binary(uint8_t tag)
{
    return tag == WIRE_BINARY_8 || tag == WIRE_BINARY_20 || tag == WIRE_BINARY_32;
}

/* Reads a string in any form; LIST_EMPTY is an empty string. SPAN_NULL after a failure. */
static struct span read_string(struct decoder *d)
{
    uint8_t tag = next_u8(d);

    if (d->r.err != WB_OK)
        return SPAN_NULL;
    if (tag == WIRE_LIST_EMPTY)
        return SPAN_LIT("");
    if (is_token(tag))
        return read_token(d, tag);
    if (tag == WIRE_NIBBLE_8 || tag == WIRE_HEX_8)
        return read_packed(d, tag);
    if (is_binary(tag))
        return read_binary(d, tag);
    reader_fail(&d->r, WB_ERR_MALFORMED);
    return SPAN_NULL;
}

/* ---- addresses ---- */

/* An address that struct jid cannot hold (unknown server, very long user) is kept as its text: it
 * is only an attribute. */
static struct value jid_as_text(struct decoder *d, const struct jid *j, struct span user,
                                struct span server)
{
    enum { EXTRA = sizeof ".255:65535@" };
    char middle[EXTRA] = "";
    size_t n;
    uint8_t *p;

    if (j->agent)
        snprintf(middle, sizeof middle, ".%u:%u", j->agent, j->device);
    else if (j->device)
        snprintf(middle, sizeof middle, ":%u", j->device);
    if (user.n)
        strncat(middle, "@", sizeof middle - strlen(middle) - 1);
    n = strlen(middle);
    if (!(p = alloc(d, user.n + n + server.n)))
        return no_value;
    if (user.n)
        memcpy(p, user.p, user.n);
    memcpy(p + user.n, middle, n);
    memcpy(p + user.n + n, server.p, server.n);
    return (struct value){VALUE_TEXT, SPAN(p, user.n + n + server.n), NULL};
}

/* Makes a JID value. want: server, device, agent and integrator; the user is filled in here. */
static struct value jid_value(struct decoder *d, struct jid want, struct span user,
                              struct span server)
{
    struct jid j, *kept;

    if (d->r.err != WB_OK)
        return no_value;
    if (jid_make(user, want.server, want.device, &j) != WB_OK)
        return jid_as_text(d, &want, user, server);
    if (!(kept = alloc(d, sizeof *kept)))
        return no_value;
    j.agent = want.agent;
    j.integrator = want.integrator;
    *kept = j;
    return (struct value){VALUE_JID, SPAN_NULL, kept};
}

static struct value read_jid_pair(struct decoder *d) /* P-BN-13 */
{
    struct span user = read_string(d);
    struct span server = read_string(d);

    if (d->r.err == WB_OK && server.n == 0)
        reader_fail(&d->r, WB_ERR_MALFORMED);
    return jid_value(d, jid_server_only(jid_server_parse(server)), user, server);
}

static struct value read_ad_jid(struct decoder *d) /* P-BN-14 */
{
    struct jid j = {.server = JID_PN};
    uint8_t domain = next_u8(d);

    j.device = next_u8(d);
    if (domain == WIRE_DOMAIN_LID)
        j.server = JID_LID;
    else if (domain == WIRE_DOMAIN_HOSTED)
        j.server = JID_HOSTED;
    else if (domain == WIRE_DOMAIN_HOSTED_LID)
        j.server = JID_HOSTED_LID;
    else
        j.agent = domain;
    return jid_value(d, j, read_string(d), span_cstr(jid_server_name(j.server)));
}

static struct value read_fb_jid(struct decoder *d) /* P-BN-16 */
{
    struct jid j = {.server = JID_MSGR};
    struct span user = read_string(d), server;

    j.device = reader_u16be(&d->r);
    server = read_string(d);
    if (d->r.err == WB_OK && !span_eq_cstr(server, "msgr"))
        reader_fail(&d->r, WB_ERR_MALFORMED);
    return jid_value(d, j, user, server);
}

static struct value read_interop_jid(struct decoder *d) /* P-BN-17 */
{
    struct jid j = {.server = JID_INTEROP};
    struct span user = read_string(d), server;
    struct reader before;

    j.device = reader_u16be(&d->r);
    j.integrator = reader_u16be(&d->r);
    if (d->r.err != WB_OK)
        return no_value;
    before = d->r;
    server = read_string(d);
    if (d->r.err != WB_OK || !span_eq_cstr(server, "interop"))
        d->r = before; /* some writers leave the server's name out */
    return jid_value(d, j, user, SPAN_LIT("interop"));
}

/* Reads any value except lists of nodes. */
static struct value read_value(struct decoder *d)
{
    uint8_t tag = next_u8(d);
    struct span s;

    if (d->r.err != WB_OK || tag == WIRE_LIST_EMPTY)
        return no_value;
    switch (tag) {
    case WIRE_JID_PAIR:
        return read_jid_pair(d);
    case WIRE_AD_JID:
        return read_ad_jid(d);
    case WIRE_FB_JID:
        return read_fb_jid(d);
    case WIRE_INTEROP_JID:
        return read_interop_jid(d);
    default:
        d->r.at--; /* a string: read_string looks at the tag again */
        s = read_string(d);
        if (d->r.err != WB_OK)
            return no_value;
        return (struct value){is_binary(tag) ? VALUE_BYTES : VALUE_TEXT, s, NULL};
    }
}

/* ---- nodes ---- */

/* The number of elements of a list whose tag is read; each element takes at least min_bytes, so
 * that a small frame cannot announce a large list (P-BN-23). */
static size_t read_list_size(struct decoder *d, uint8_t tag, size_t min_bytes)
{
    size_t n = 0;

    if (tag == WIRE_LIST_8)
        n = next_u8(d);
    else if (tag == WIRE_LIST_16)
        n = reader_u16be(&d->r);
    else
        reader_fail(&d->r, WB_ERR_MALFORMED);
    if (n * min_bytes > reader_left(&d->r))
        reader_fail(&d->r, WB_ERR_TRUNCATED);
    return d->r.err == WB_OK ? n : 0;
}

static void read_attrs(struct decoder *d, struct node *n, size_t count)
{
    for (size_t i = 0; i < count && d->r.err == WB_OK; i++) {
        struct span key = read_string(d);
        struct value v = read_value(d);
        struct node_attr *attr;

        if (d->r.err == WB_OK && key.n == 0)
            reader_fail(&d->r, WB_ERR_MALFORMED);
        /* An empty value is the same as no attribute (P-BN-11). */
        if (d->r.err != WB_OK || (v.kind != VALUE_JID && v.text.n == 0))
            continue;
        if (!(attr = alloc(d, sizeof *attr)))
            return;
        *attr = (struct node_attr){NULL, key, v.text, v.jid};
        if (n->last_attr)
            n->last_attr->next = attr;
        else
            n->attrs = attr;
        n->last_attr = attr;
    }
}

static struct node *read_node(struct decoder *d, int depth);

static void read_children(struct decoder *d, struct node *n, uint8_t tag, int depth)
{
    enum { NODE_MIN_BYTES = 3 }; /* list tag, size, a token as the node's tag */
    size_t count = read_list_size(d, tag, NODE_MIN_BYTES);

    for (size_t i = 0; i < count; i++) {
        struct node *child = read_node(d, depth + 1);

        if (!child)
            return;
        node_add(n, child);
    }
}

static void read_content(struct decoder *d, struct node *n, int depth)
{
    uint8_t tag = next_u8(d);
    char text[JID_TEXT_MAX];
    struct value v;

    if (d->r.err != WB_OK || tag == WIRE_LIST_EMPTY)
        return;
    if (tag == WIRE_LIST_8 || tag == WIRE_LIST_16) {
        read_children(d, n, tag, depth);
        return;
    }
    d->r.at--;
    v = read_value(d);
    n->content = v.kind == VALUE_BYTES ? NODE_BYTES : NODE_TEXT;
    n->bytes = v.text;
    if (v.kind == VALUE_JID) { /* content has no JID form here: it becomes text */
        size_t size = strlen(jid_text(v.jid, text));
        uint8_t *copy = alloc(d, size);

        n->bytes = copy ? SPAN(memcpy(copy, text, size), size) : SPAN_NULL;
    }
}

static struct node *read_node(struct decoder *d, int depth)
{
    size_t size = read_list_size(d, next_u8(d), 1);
    struct node *n;

    if (d->r.err == WB_OK && depth > NODE_DEPTH_MAX)
        reader_fail(&d->r, WB_ERR_TOO_DEEP);
    if (d->r.err == WB_OK && size == 0)
        reader_fail(&d->r, WB_ERR_MALFORMED);
    if (d->r.err == WB_OK && d->nodes_left == 0)
        reader_fail(&d->r, WB_ERR_TOO_LARGE);
    if (d->r.err != WB_OK || !(n = alloc(d, sizeof *n)))
        return NULL;
    d->nodes_left--;
    n->tag = read_string(d);
    if (d->r.err == WB_OK && n->tag.n == 0)
        reader_fail(&d->r, WB_ERR_MALFORMED);
    read_attrs(d, n, (size - 1) / 2);
    if (size % 2 == 0) /* P-BN-04 */
        read_content(d, n, depth);
    return d->r.err == WB_OK ? n : NULL;
}

/* taken: bytes of memory that the frame has taken so far, `in` included. */
static enum wb_err decode(struct span in, size_t taken, struct arena *a, struct node **ret_node)
{
    struct decoder d = {.r = reader_new(in), .a = a, .nodes_left = NODE_COUNT_MAX};
    struct node *n;

    if (taken > NODE_MEMORY_MAX)
        return WB_ERR_TOO_LARGE;
    d.bytes_left = NODE_MEMORY_MAX - taken;
    n = read_node(&d, 1);
    if (n && reader_left(&d.r) > 0)
        reader_fail(&d.r, WB_ERR_TRAILING);
    if (reader_err(&d.r) == WB_OK)
        *ret_node = n;
    return reader_err(&d.r);
}

enum wb_err node_unpack(struct span in, struct arena *a, struct node **ret_node)
{
    struct span body = span_skip(in, 1);
    uint8_t *inflated;
    size_t n;
    enum wb_err err;

    if (in.n == 0)
        return WB_ERR_TRUNCATED;
    if (!(in.p[0] & WIRE_FLAG_ZLIB))
        return decode(body, in.n, a, ret_node);
    /* Learns the size first: a growing buffer would take two or three times the memory. */
    TRY(inflate_size(body, NODE_INFLATED_MAX, &n));
    inflated = arena_alloc(a, n); /* the nodes point into it */
    if (!inflated)
        return arena_is_full(a, n) ? WB_ERR_TOO_LARGE : WB_ERR_NOMEM;
    TRY(inflate_into(body, inflated, n));
    err = decode(SPAN(inflated, n), in.n + n, a, ret_node);
out:
    return err;
}
