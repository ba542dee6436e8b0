#include "proto/node.h"

bool node_is(const struct node *n, const char *tag)
{
    return n && span_eq_cstr(n->tag, tag);
}

static const struct node *first_of(const struct node *n, const char *tag)
{
    while (n && !node_is(n, tag))
        n = n->next;
    return n;
}

const struct node *node_child(const struct node *n, const char *tag)
{
    return n && n->content == NODE_CHILDREN ? first_of(n->first, tag) : NULL;
}

const struct node *node_next(const struct node *n, const char *tag)
{
    return n ? first_of(n->next, tag) : NULL;
}

size_t node_child_count(const struct node *n)
{
    size_t count = 0;

    if (n && n->content == NODE_CHILDREN)
        for (const struct node *c = n->first; c; c = c->next)
            count++;
    return count;
}

const struct node_attr *node_find_attr(const struct node *n, const char *key)
{
    const struct node_attr *found = NULL;

    for (const struct node_attr *a = n ? n->attrs : NULL; a; a = a->next)
        if (span_eq_cstr(a->key, key))
            found = a;
    return found;
}

bool node_has_attr(const struct node *n, const char *key)
{
    return node_find_attr(n, key) != NULL;
}

struct span node_attr_str(const struct node *n, const char *key, struct arena *a)
{
    const struct node_attr *attr = node_find_attr(n, key);
    char text[JID_TEXT_MAX];

    if (!attr)
        return SPAN_NULL;
    return attr->jid ? arena_copy(a, span_cstr(jid_text(attr->jid, text))) : attr->str;
}

bool node_attr_is(const struct node *n, const char *key, const char *value)
{
    const struct node_attr *attr = node_find_attr(n, key);
    char text[JID_TEXT_MAX];

    if (!attr)
        return false;
    return attr->jid ? strcmp(jid_text(attr->jid, text), value) == 0
                     : span_eq_cstr(attr->str, value);
}

bool node_attr_get_jid(const struct node *n, const char *key, struct jid *ret_jid)
{
    const struct node_attr *attr = node_find_attr(n, key);

    if (!attr)
        return false;
    if (!attr->jid)
        return jid_parse(attr->str, ret_jid) == WB_OK;
    *ret_jid = *attr->jid;
    return true;
}

bool node_attr_get_u64(const struct node *n, const char *key, uint64_t *ret_v)
{
    const struct node_attr *attr = node_find_attr(n, key);

    return attr && !attr->jid && span_to_u64(attr->str, ret_v);
}

struct span node_content_bytes(const struct node *n)
{
    return n && (n->content == NODE_BYTES || n->content == NODE_TEXT) ? n->bytes : SPAN_NULL;
}
