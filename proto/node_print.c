#include "proto/limits.h"
#include "proto/node.h"

#include "base/text.h"

static const char *entity(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\\':
        return "\\\\"; /* escaped, so that "\x.." below is never ambiguous */
    default:
        return NULL;
    }
}

/* Traces are read by people and by JSON parsers: control characters, and the bytes of text that
 * is not UTF-8, become \xNN. */
static void print_text(struct buf *out, struct span s)
{
    bool utf8 = utf8_valid(s);
    size_t plain = 0; /* start of the run that needs no escaping */

    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        const char *e = entity(c);
        bool hex = c < 0x20 || c == 0x7F || (c >= 0x80 && !utf8);

        if (!e && !hex)
            continue;
        buf_append(out, SPAN(s.p + plain, i - plain));
        plain = i + 1;
        if (e)
            buf_append_cstr(out, e);
        else
            buf_printf(out, "\\x%02x", c);
    }
    buf_append(out, span_skip(s, plain));
}

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 0x20 && s.p[i] != '\n' && s.p[i] != '\t') || s.p[i] == 0x7F)
            return false;
    return utf8_valid(s);
}

static void print_attr(struct buf *out, const struct node_attr *a)
{
    char text[JID_TEXT_MAX];

    buf_u8(out, ' ');
    print_text(out, a->key);
    buf_append_cstr(out, "=\"");
    print_text(out, a->jid ? span_cstr(jid_text(a->jid, text)) : a->str);
    buf_u8(out, '"');
}

static void print_node(struct buf *out, const struct node *n, bool text_bytes, int depth)
{
    if (depth > NODE_DEPTH_MAX) {
        buf_append_cstr(out, "<!-- deeper -->");
        return;
    }
    buf_u8(out, '<');
    print_text(out, n->tag);
    for (const struct node_attr *a = n->attrs; a; a = a->next)
        print_attr(out, a);
    if (n->content == NODE_EMPTY) {
        buf_append_cstr(out, "/>");
        return;
    }
    buf_u8(out, '>');
    if (n->content == NODE_CHILDREN)
        for (const struct node *c = n->first; c; c = c->next)
            print_node(out, c, text_bytes, depth + 1);
    else if (n->content == NODE_TEXT || (text_bytes && is_printable(n->bytes)))
        print_text(out, n->bytes);
    else
        buf_hex(out, n->bytes);
    buf_append_cstr(out, "</");
    print_text(out, n->tag);
    buf_u8(out, '>');
}

void node_print(const struct node *n, struct buf *out)
{
    if (n)
        print_node(out, n, false, 1);
}

void node_print_text(const struct node *n, struct buf *out)
{
    if (n)
        print_node(out, n, true, 1);
}
