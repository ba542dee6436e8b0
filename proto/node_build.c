#include "proto/node.h"

#include <inttypes.h>
#include <stdio.h>

struct node *node_new(struct arena *a, const char *static_tag)
{
    struct node *n = ARENA_NEW(a, struct node);

    if (n)
        n->tag = span_cstr(static_tag);
    return n;
}

/* The attribute with that key, made if there is none; NULL (and n failed) without memory. */
static struct node_attr *attr_for(struct arena *a, struct node *n, const char *key)
{
    struct node_attr *attr;

    for (attr = n->attrs; attr; attr = attr->next)
        if (span_eq_cstr(attr->key, key))
            return attr;
    attr = ARENA_NEW(a, struct node_attr);
    if (!attr) {
        n->failed = true;
        return NULL;
    }
    attr->key = span_cstr(key);
    if (n->last_attr)
        n->last_attr->next = attr;
    else
        n->attrs = attr;
    n->last_attr = attr;
    return attr;
}

static struct span copy_into(struct arena *a, struct node *n, struct span s)
{
    struct span copy = arena_copy(a, s);

    if (span_is_null(copy))
        n->failed = true;
    return copy;
}

void node_attr_span(struct arena *a, struct node *n, const char *key, struct span value)
{
    struct node_attr *attr;

    if (!n || value.n == 0 || !(attr = attr_for(a, n, key)))
        return;
    attr->jid = NULL;
    attr->str = copy_into(a, n, value);
}

void node_attr_text(struct arena *a, struct node *n, const char *key, const char *value)
{
    node_attr_span(a, n, key, span_cstr(value));
}

void node_attr_u64(struct arena *a, struct node *n, const char *key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    node_attr_text(a, n, key, text);
}

void node_attr_jid(struct arena *a, struct node *n, const char *key, const struct jid *value)
{
    struct node_attr *attr;
    struct jid *copy;

    if (!n || !value || jid_is_none(value) || !(attr = attr_for(a, n, key)))
        return;
    copy = ARENA_NEW(a, struct jid);
    if (!copy) {
        n->failed = true;
        return;
    }
    *copy = *value;
    attr->jid = copy;
    attr->str = SPAN_NULL;
}

void node_copy_attr(struct arena *a, struct node *dst, const struct node *src, const char *key)
{
    const struct node_attr *attr = node_find_attr(src, key);

    if (!attr)
        return;
    if (attr->jid)
        node_attr_jid(a, dst, key, attr->jid);
    else
        node_attr_span(a, dst, key, attr->str);
}

struct node *node_add(struct node *parent, struct node *child)
{
    if (!parent)
        return child;
    if (!child) {
        parent->failed = true;
        return NULL;
    }
    parent->content = NODE_CHILDREN;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    return child;
}

struct node *node_child_new(struct arena *a, struct node *parent, const char *static_tag)
{
    return node_add(parent, node_new(a, static_tag));
}

void node_set_bytes(struct arena *a, struct node *n, struct span bytes)
{
    if (!n)
        return;
    n->content = NODE_BYTES;
    n->bytes = copy_into(a, n, bytes);
}

void node_set_text(struct arena *a, struct node *n, const char *text)
{
    if (!n)
        return;
    n->content = NODE_TEXT;
    n->bytes = copy_into(a, n, span_cstr(text));
}
