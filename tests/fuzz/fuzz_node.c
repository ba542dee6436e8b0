/* Any bytes as a transport plaintext. A node that can be decoded must survive our own encoder: the
 * same tree printed, and the same bytes when encoded again. */
#include <stdlib.h>

#include "proto/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_MAX = 16 << 20, TEXT_MAX = 64 << 20 };

/* The raw agent of a phone number JID is read but, as in other clients, never written. */
static void drop_agents(struct arena *a, struct node *n)
{
    for (struct node_attr *attr = n->attrs; attr; attr = attr->next) {
        struct jid *copy;

        if (!attr->jid || !attr->jid->agent)
            continue;
        if (!(copy = ARENA_NEW(a, struct jid)))
            abort();
        *copy = *attr->jid;
        copy->agent = 0;
        attr->jid = copy;
    }
    for (struct node *c = n->first; c; c = c->next)
        drop_agents(a, c);
}

/* A text without a short form (an address as content, a long packed string) comes back as bytes. */
static void text_to_bytes(struct node *n)
{
    if (n->content == NODE_TEXT)
        n->content = NODE_BYTES;
    for (struct node *c = n->first; c; c = c->next)
        text_to_bytes(c);
}

static void print(struct node *n, struct buf *text)
{
    node_print_text(n, text);
    buf_clear(text);
    text_to_bytes(n);
    node_print(n, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(ARENA_MAX), b = arena_new(2 * ARENA_MAX);
    struct buf packed = buf_new(ARENA_MAX), again = buf_new(ARENA_MAX);
    struct buf text = buf_new(TEXT_MAX), text_again = buf_new(TEXT_MAX);
    struct node *n, *back;

    if (node_unpack(SPAN(data, size), &a, &n) != WB_OK)
        goto out;
    drop_agents(&b, n);
    /* Nodes named "0" can be read, but we write no such form. */
    if (node_pack(n, &packed) != WB_OK)
        goto out;
    if (node_unpack(buf_span(&packed), &b, &back) != WB_OK || node_pack(back, &again) != WB_OK ||
        !span_eq(buf_span(&packed), buf_span(&again)))
        abort();
    print(n, &text);
    print(back, &text_again);
    if (!span_eq(buf_span(&text), buf_span(&text_again)))
        abort();
out:
    buf_free(&packed);
    buf_free(&again);
    buf_free(&text);
    buf_free(&text_again);
    arena_free(&a);
    arena_free(&b);
    return 0;
}
