#include "tools/mock/route/held.h"

#include <stdlib.h>

#include "tools/mock/route/message.h"

enum { HELD_BYTES_MAX = 16 << 20 };

struct held {
    struct held *next;
    uint16_t device;
    struct buf packed;
};

static void free_all(void *value)
{
    struct held *h = value;

    while (h) {
        struct held *next = h->next;

        buf_free(&h->packed);
        free(h);
        h = next;
    }
}

bool held_add(struct device *from, const struct node *stanza)
{
    struct part *part = &from->account->held;
    struct held *h = calloc(1, sizeof *h), *last = part->value;

    if (!h)
        return false;
    h->device = from->number;
    h->packed = buf_new(HELD_BYTES_MAX);
    if (node_pack(stanza, &h->packed) != WB_OK) {
        buf_free(&h->packed);
        free(h);
        return false;
    }
    while (last && last->next)
        last = last->next;
    if (last)
        last->next = h;
    else
        *part = (struct part){h, free_all};
    return true;
}

static bool route(struct mock *m, struct mock_account *a, const struct held *h, const char *id)
{
    struct device *from = world_device(a, h->device);
    struct message_verdict v;
    struct node *n = NULL;

    if (!from || node_unpack(buf_span(&h->packed), &m->a, &n) != WB_OK)
        return false;
    if (id[0] != '\0')
        node_attr_text(&m->a, n, "id", id);
    message_route(m, from, "contact", n, &v);
    return v.error == 0;
}

size_t held_release(struct mock *m, struct mock_account *a, const char *id, bool again)
{
    size_t n = 0;

    for (const struct held *h = a->held.value; h != NULL; h = h->next)
        n += route(m, a, h, id);
    if (!again) {
        free_all(a->held.value);
        a->held.value = NULL;
    }
    return n;
}
