/* offline.c - a server that only announces what it has queued and delivers it when the client asks
 * (`<ib><offline_batch count=/></ib>`, P-X2-17), as WhatsApp does for some accounts; and the <ib>
 * that says when the client's version expires. */
#include "tools/mock/devices/offline.h"

#include "tools/mock/devices/deliver.h"
#include "tools/mock/wire/client.h"

static void send_ib(struct client *c, struct node **ret_ib, const char *tag,
                    struct node **ret_child)
{
    struct jid server = jid_server_only(JID_PN);

    *ret_ib = mock_node(c->m, "ib");
    node_attr_jid(&c->m->a, *ret_ib, "from", &server);
    *ret_child = node_child_new(&c->m->a, *ret_ib, tag);
}

void offline_asked(struct client *c, const struct node *batch)
{
    struct mock *m = c->m;
    uint64_t count;

    if (!node_attr_get_u64(batch, "count", &count) || count == 0 || count > OFFLINE_BATCH_MOST)
        mock_flag(m, c->label, "bad-offline-batch", batch, "count is not 1 to %d",
                  OFFLINE_BATCH_MOST);
    if (!c->offline_waits)
        return; /* some clients ask although they need not */
    size_t sent = deliver_some(m, c->device, (size_t)count);
    c->offline_sent += sent;
    if (deliver_unsent(c->device) > 0)
        return; /* the rest waits for the next request */
    struct node *ib, *done;
    send_ib(c, &ib, "offline", &done);
    node_attr_u64(&m->a, done, "count", c->offline_sent);
    client_send(c, ib);
    c->offline_waits = false;
}

void offline_expiration(struct client *c, const char *t)
{
    struct node *ib, *child;

    send_ib(c, &ib, "client_expiration", &child);
    if (t[0] != '\0')
        node_attr_text(&c->m->a, child, "t", t);
    client_send(c, ib);
}
