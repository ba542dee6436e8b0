#include "tools/mock/devices/deliver.h"

#include <stdlib.h>

#include "tools/mock/wire/client.h"

static void send_stanza(struct mock *m, struct device *d, struct queued *s)
{
    s->sent = true;
    if (m->trace) {
        struct node *n;

        if (node_unpack(SPAN(s->packed, s->n), &m->a, &n) == WB_OK)
            mock_trace(m, "out", d->client->label, n);
    }
    client_send_packed(d->client, SPAN(s->packed, s->n));
    if (m->trouble.duplicate_stanzas > 0) {
        m->trouble.duplicate_stanzas--;
        client_send_packed(d->client, SPAN(s->packed, s->n));
    }
}

/* Queues a stanza for a device that the mock plays. */
static void to_inbox(struct mock *m, struct device *d, struct span packed)
{
    struct inbox_item *i = malloc(sizeof *i + packed.n);

    if (!i)
        return;
    *i = (struct inbox_item){NULL, d, packed.n};
    memcpy(i->packed, packed.p, packed.n);
    if (m->inbox_last)
        m->inbox_last->next = i;
    else
        m->inbox = i;
    m->inbox_last = i;
}

static struct queued *queued_new(struct mock *m, const struct device *d, const struct node *n,
                                 struct span packed)
{
    struct queued *s = malloc(sizeof *s + packed.n);

    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    (void)snprintf(s->id, sizeof s->id, "%s", mock_attr(m, n, "id"));
    (void)snprintf(s->cls, sizeof s->cls, "%.*s", (int)n->tag.n, (const char *)n->tag.p);
    (void)snprintf(s->type, sizeof s->type, "%s", mock_attr(m, n, "type"));
    (void)node_attr_get_jid(n, "from", &s->from);
    s->own_copy =
        node_is(n, "message") && node_has_attr(n, "recipient") &&
        !node_attr_is(n, "category", "peer") &&
        (jid_same_user(&s->from, &d->account->lid) || jid_same_user(&s->from, &d->account->pn));
    s->n = packed.n;
    memcpy(s->packed, packed.p, packed.n);
    return s;
}

void deliver(struct mock *m, struct device *d, struct node *n)
{
    struct buf packed = buf_new(MOCK_STANZA_BYTES);
    bool now = d->client != NULL && d->client->active;

    if (!world_is_played(d) && !now)
        node_attr_text(&m->a, n, "offline", "0");
    if (node_pack(n, &packed) != WB_OK) {
        mock_say(m, "a stanza could not be packed");
        goto out;
    }
    if (world_is_played(d)) {
        to_inbox(m, d, buf_span(&packed));
        goto out;
    }
    if (d->nqueued >= MOCK_QUEUE_MAX)
        goto out;
    struct queued *s = queued_new(m, d, n, buf_span(&packed));
    if (!s)
        goto out;
    bool swap = now && m->trouble.reorder_stanzas > 0 && d->last != NULL && !d->last->sent;
    if (d->last)
        d->last->next = s;
    else
        d->first = s;
    struct queued *before = d->last;
    d->last = s;
    d->nqueued++;
    if (!now)
        goto out;
    if (swap) {
        m->trouble.reorder_stanzas--;
        send_stanza(m, d, s);
        send_stanza(m, d, before);
    } else if (m->trouble.reorder_stanzas > 0) {
        s->sent = false; /* it waits for the next stanza */
    } else {
        send_stanza(m, d, s);
    }
out:
    buf_free(&packed);
}

size_t deliver_unsent(const struct device *d)
{
    size_t n = 0;

    for (const struct queued *s = d->first; s != NULL; s = s->next)
        n += !s->sent;
    return n;
}

size_t deliver_queue(struct mock *m, struct device *d)
{
    return deliver_some(m, d, SIZE_MAX);
}

size_t deliver_some(struct mock *m, struct device *d, size_t most)
{
    size_t n = 0;

    for (struct queued *s = d->first; s != NULL && d->client != NULL && n < most; s = s->next) {
        if (!s->sent) {
            send_stanza(m, d, s);
            n++;
        }
    }
    return n;
}

static uint64_t recent_key(const char *cls, const char *id)
{
    return map_hash(id, strlen(id)) * 31 + (uint64_t)(unsigned char)cls[0];
}

bool deliver_own_copy_acked(struct device *d, const char *id, unsigned *ret_acks)
{
    bool any = false;

    for (struct queued *s = d->first; s != NULL; s = s->next) {
        if (!s->own_copy || strcmp(s->id, id) != 0)
            continue;
        any = true;
        if (s->acked)
            continue;
        s->acked = true;
        *ret_acks = ++s->nacks;
        return true;
    }
    return any;
}

/* Takes one stanza of that id off the queue; a second one of that id stays. */
static bool settle(struct device *d, const char *cls, const char *id)
{
    struct queued *before = NULL;

    for (struct queued *s = d->first; s != NULL; before = s, s = s->next) {
        if (strcmp(s->id, id) != 0 || strcmp(s->cls, cls) != 0)
            continue;
        if (before)
            before->next = s->next;
        else
            d->first = s->next;
        if (d->last == s)
            d->last = before;
        d->nqueued--;
        d->recent[d->recent_at++ % MOCK_RECENT_ACKS] = recent_key(cls, id);
        free(s);
        return true;
    }
    return false;
}

static bool own_copy_waits(const struct device *d, const char *id)
{
    for (const struct queued *s = d->first; s != NULL; s = s->next)
        if (s->own_copy && strcmp(s->id, id) == 0)
            return true;
    return false;
}

bool deliver_acked(struct device *d, const char *cls, const char *id)
{
    if (settle(d, cls, id)) {
        /* A copy that was sent anew, because the first could not be read, ends the first too. */
        while (own_copy_waits(d, id) && settle(d, cls, id))
            continue;
        return true;
    }
    for (size_t i = 0; i < MOCK_RECENT_ACKS; i++) {
        if (d->recent[i] == recent_key(cls, id))
            return true;
    }
    return false;
}

bool deliver_waiting(const struct device *d, const char *cls, const char *type,
                     const struct jid *from)
{
    for (const struct queued *s = d->first; s != NULL; s = s->next) {
        if (strcmp(s->cls, cls) == 0 && strcmp(s->type, type) == 0 && jid_same_user(&s->from, from))
            return true;
    }
    return false;
}

struct node *deliver_notification(struct mock *m, const struct jid *from, const char *type)
{
    struct node *n = mock_node(m, "notification");

    node_attr_jid(&m->a, n, "from", from);
    node_attr_text(&m->a, n, "type", type);
    node_attr_text(&m->a, n, "id", mock_id(m));
    node_attr_u64(&m->a, n, "t", mock_now_s(m));
    return n;
}
