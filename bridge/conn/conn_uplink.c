/* Bytes that we send may wait long for the network. That is no error: a line may be slow. A part
 * that has much to send asks how many bytes wait (conn_waiting()) and goes on when there is room:
 * requests and pings are always queued, answers come next, messages of the outbox last. */
#include "bridge/conn/conn_private.h"
#include "store/core/batch.h"

/* A Noise tag and a frame's length around a packed stanza (P-HS-12, P-WS-06), with room to spare.
 */
enum { SEALED_EXTRA_BYTES = 64 };

size_t conn_waiting(const struct conn *c)
{
    return c && c->ws ? ws_client_waiting(c->ws) : 0;
}

uint64_t conn_sent_mark(const struct conn *c)
{
    return c && c->ws ? ws_client_taken(c->ws) : 0;
}

bool conn_has_left(const struct conn *c, uint64_t mark)
{
    return conn_sent_mark(c) - conn_waiting(c) >= mark;
}

bool conn_uplink_busy(const struct conn *c, uint64_t *seen, bool *ret_moved)
{
    struct tcp_uplink u = {0};

    if (c && c->ws)
        u = ws_client_uplink(c->ws);
    *ret_moved = u.confirmed > *seen;
    *seen = u.confirmed;
    return u.unconfirmed > 0 || conn_waiting(c) > 0;
}

enum wb_err conn_would_send(const struct conn *c, size_t packed)
{
    return ws_client_would_send(c->ws, packed + SEALED_EXTRA_BYTES);
}

void conn_pace_reading(struct conn *c)
{
    bool too_much = c->b->outgoing.released >= READ_ANSWERS_BYTES_MAX ||
                    conn_waiting(c) >= READ_QUEUE_BYTES_MAX || c->more.queued ||
                    store_checkpoint_due(c->b->store);

    ws_client_read(c->ws, !too_much);
}

void conn_on_drained(void *ctx)
{
    struct conn *c = ctx;

    if (!c->transport_live)
        return;
    outgoing_more(c->b);
    conn_pace_reading(c);
    events_emit_kind(&c->b->events, BRIDGE_EV_ROOM);
}
