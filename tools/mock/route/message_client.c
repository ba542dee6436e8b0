/* message_client.c - a client's message is routed and acknowledged, unless a script's trouble of
 * acks says otherwise. */
#include <stdlib.h>

#include "tools/mock/devices/address.h"
#include "tools/mock/devices/unheard.h"
#include "tools/mock/route/message.h"

struct late_ack {
    uint64_t client_number;
    size_t n;
    uint8_t packed[];
};

static void send_late_ack(struct mock *m, void *arg)
{
    struct late_ack *l = arg;

    for (struct client *c = m->clients; c != NULL; c = c->next) {
        if (c->number == l->client_number)
            client_send_packed(c, SPAN(l->packed, l->n));
    }
    free(l);
}

static void send_ack(struct client *c, const struct node *ack)
{
    struct mock *m = c->m;
    struct trouble *t = &m->trouble;

    if (t->ack_drop > 0) {
        t->ack_drop--;
        return;
    }
    if (t->ack_delay == 0) {
        client_send(c, ack);
        return;
    }
    t->ack_delay--;
    struct buf packed = buf_new(MOCK_STANZA_BYTES);
    if (node_pack(ack, &packed) == WB_OK) {
        struct late_ack *l = malloc(sizeof *l + packed.n);

        if (l) {
            *l = (struct late_ack){c->number, packed.n};
            memcpy(l->packed, packed.p, packed.n);
            mock_trace(m, "out", c->label, ack);
            (void)mock_timer(m, t->ack_delay_ms, send_late_ack, l, free);
        }
    }
    buf_free(&packed);
}

void message_from_client(struct client *c, const struct node *n)
{
    struct mock *m = c->m;
    struct trouble *t = &m->trouble;
    struct message_verdict v = {0};

    if (t->refuse_drop > 0) {
        t->refuse_drop--;
        return;
    }
    if (t->ack_error_times > 0) {
        t->ack_error_times--;
        v.error = t->ack_error;
    } else {
        message_route(m, c->device, c->label, n, &v);
    }
    if (t->ack_phash > 0) {
        t->ack_phash--;
        (void)snprintf(v.phash, sizeof v.phash, "2:AAAAAAAA");
    }
    struct node *ack = mock_node(m, "ack");
    struct jid to;
    struct group *g = node_attr_get_jid(n, "to", &to) ? world_group(&m->world, &to) : NULL;
    if (g && v.error == 0 && v.phash[0] != '\0')
        unheard_mismatch(m, c->device, g);
    node_attr_text(&m->a, ack, "class", "message");
    node_copy_attr(&m->a, ack, n, "id");
    if (node_attr_get_jid(n, "to", &to))
        node_attr_jid(&m->a, ack, "from", &to);
    node_attr_u64(&m->a, ack, "t", mock_now_s(m));
    node_copy_attr(&m->a, ack, n, "participant");
    if (v.error != 0)
        node_attr_u64(&m->a, ack, "error", (uint64_t)v.error);
    else if (v.phash[0] != '\0')
        node_attr_text(&m->a, ack, "phash", v.phash);
    address_ack(m, ack, n);
    send_ack(c, ack);
}
