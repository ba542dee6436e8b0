#include "bridge/core/outgoing.h"

#include "base/fault.h"
#include "base/reader.h"
#include "bridge/core/context.h"
#include "bridge/core/stanza.h"

enum { QUEUE_HEADER_BYTES = 4 };

void outgoing_init(struct outgoing *o)
{
    *o = (struct outgoing){.queue = buf_new(OUTGOING_QUEUE_BYTES_MAX)};
}

void outgoing_free(struct outgoing *o)
{
    buf_free(&o->queue);
}

enum wb_err outgoing_send(struct bridge *b, const struct node *n)
{
    struct buf packed = buf_new(OUTGOING_STANZA_BYTES_MAX);
    enum wb_err err;

    TRY(n ? node_pack(n, &packed) : WB_ERR_NOMEM);
    TRY(outgoing_send_packed(b, buf_span(&packed)));
    b->link.note_sent(b->link.conn, n);
out:
    buf_free(&packed);
    return err;
}

enum wb_err outgoing_send_packed(struct bridge *b, struct span packed)
{
    return b->link.send(b->link.conn, packed);
}

enum wb_err outgoing_after_commit(struct bridge *b, const struct node *n)
{
    struct outgoing *o = &b->outgoing;
    struct buf packed = buf_new(OUTGOING_STANZA_BYTES_MAX);
    enum wb_err err;

    TRY(node_pack(n, &packed));
    /* A stanza is queued whole or not at all: the stanzas already queued can still leave, and a
     * smaller one may still fit. */
    if (packed.n + QUEUE_HEADER_BYTES > o->queue.max - o->queue.n) {
        err = WB_ERR_TOO_LARGE;
        goto out;
    }
    buf_u32be(&o->queue, (uint32_t)packed.n);
    buf_append(&o->queue, buf_span(&packed));
    TRY(buf_err(&o->queue));
    o->nqueued++;
out:
    buf_free(&packed);
    return err;
}

bool outgoing_is_full(const struct bridge *b)
{
    return b->outgoing.queue.n - b->outgoing.released >= OUTGOING_QUEUE_BYTES_FULL;
}

struct node *outgoing_ack_node(struct arena *a, const struct node *stanza, unsigned error)
{
    struct node *n = node_new(a, "ack");

    if (!n)
        return NULL;
    node_attr_span(a, n, "class", stanza->tag);
    node_copy_attr(a, n, stanza, "id");
    if (node_has_attr(stanza, "from")) {
        struct jid from;

        /* `to` takes over the value of `from` in the form it came in. */
        if (node_attr_get_jid(stanza, "from", &from))
            node_attr_jid(a, n, "to", &from);
        else
            node_attr_span(a, n, "to", node_attr_str(stanza, "from", a));
    }
    node_copy_attr(a, n, stanza, "participant");
    node_copy_attr(a, n, stanza, "recipient");
    if (!node_is(stanza, "message"))
        node_copy_attr(a, n, stanza, "type");
    if (error)
        node_attr_u64(a, n, "error", error);
    return n;
}

enum wb_err outgoing_ack(struct bridge *b, const struct stanza *s, unsigned error)
{
    struct node *n = outgoing_ack_node(s->arena, s->node, error);

    return n ? outgoing_after_commit(b, n) : WB_ERR_NOMEM;
}

/* Sends the first stanza in `rest`; *ret_n: how many bytes of the queue it took. */
static enum wb_err send_first(struct bridge *b, struct span rest, size_t *ret_n)
{
    struct reader r = reader_new(rest);
    size_t n = reader_u16be(&r);
    enum wb_err err;

    n = n << 16 | reader_u16be(&r);
    FAULT_POINT("answer.leaves");
    TRY(outgoing_send_packed(b, reader_bytes(&r, n)));
    FAULT_POINT("answer.queued");
    *ret_n = QUEUE_HEADER_BYTES + n;
out:
    return err;
}

/* Sends released stanzas only while the socket has room: on a slow line megabytes of answers would
 * otherwise wait in its queue ahead of pings and requests. */
static enum wb_err send_released(struct bridge *b)
{
    struct outgoing *o = &b->outgoing;
    size_t done = 0, n;
    enum wb_err err = WB_OK;

    while (err == WB_OK && done < o->released &&
           b->link.waiting(b->link.conn) < ANSWER_ROOM_BYTES) {
        err = send_first(b, span_skip(buf_span(&o->queue), done), &n);
        if (err == WB_OK)
            done += n;
    }
    if (err != WB_OK) {
        outgoing_drop(b);
        return err;
    }
    o->released -= done;
    if (done == o->queue.n)
        buf_clear(&o->queue);
    else if (done)
        buf_consume(&o->queue, done);
    return WB_OK;
}

enum wb_err outgoing_release(struct bridge *b)
{
    b->outgoing.released = b->outgoing.queue.n;
    b->outgoing.nqueued = 0;
    return send_released(b);
}

void outgoing_more(struct bridge *b)
{
    /* Acks that did not leave are no loss: after the reconnect the server delivers again what they
     * acknowledge. */
    if (b->outgoing.released && send_released(b) != WB_OK)
        b->link.drop(b->link.conn, CONN_WHY_PROTOCOL);
}

void outgoing_drop(struct bridge *b)
{
    buf_clear(&b->outgoing.queue);
    b->outgoing.nqueued = b->outgoing.released = 0;
}
