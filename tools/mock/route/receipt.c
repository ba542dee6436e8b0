#include "tools/mock/route/receipt.h"

#include "tools/mock/devices/deliver.h"

struct passing {
    struct mock *m;
    struct device *from;
    const struct node *n;
    struct jid to;
    bool lid;
};

static bool known_type(const char *type)
{
    static const char *const types[] = {
        "",          "inactive",        "sender",      "retry",        "read",
        "read-self", "played",          "played-self", "server-error", "peer_msg",
        "hist_sync", "enc_rekey_retry", "view"};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(type, types[i]) == 0)
            return true;
    }
    return false;
}

/* The receipt as another device sees it. */
static struct node *copy_for(const struct passing *p, bool own_chat)
{
    struct mock *m = p->m;
    struct node *out = mock_node(m, "receipt");
    struct jid reader = device_jid(p->from, p->lid);

    if (p->to.server == JID_GROUP || p->to.server == JID_BROADCAST) {
        node_attr_jid(&m->a, out, "from", &p->to);
        node_attr_jid(&m->a, out, "participant", &reader);
    } else {
        node_attr_jid(&m->a, out, "from", &reader);
        struct jid chat = jid_bare(p->to);
        if (own_chat)
            node_attr_jid(&m->a, out, "recipient", &chat);
    }
    node_copy_attr(&m->a, out, p->n, "id");
    node_copy_attr(&m->a, out, p->n, "type");
    if (node_has_attr(p->n, "t"))
        node_copy_attr(&m->a, out, p->n, "t");
    else
        node_attr_u64(&m->a, out, "t", mock_now_s(m));
    /* one of our own devices asks us to send a message to somebody again: the receipt says to
     * whom */
    if (!own_chat)
        node_copy_attr(&m->a, out, p->n, "recipient");
    for (const struct node *k = p->n->first; k != NULL; k = k->next) {
        struct node *copy = ARENA_NEW(&m->a, struct node);

        if (copy) {
            *copy = *k;
            copy->next = NULL;
            node_add(out, copy);
        }
    }
    return out;
}

static void to_device(const struct passing *p, struct device *d)
{
    if (d && d != p->from)
        deliver(p->m, d, copy_for(p, false));
}

/* Passes it to all devices of an account; for the reader's own devices it is news about the
 * chat. */
static void to_account(const struct passing *p, struct mock_account *a, bool own_chat)
{
    for (size_t i = 0; a != NULL && i < a->ndevices; i++) {
        struct device *d = a->devices[i];

        if (d != p->from)
            deliver(p->m, d, copy_for(p, own_chat));
    }
}

bool receipt_route(struct mock *m, struct device *from, const char *label, const struct node *n)
{
    struct passing p = {.m = m, .from = from, .n = n};
    const char *type = mock_attr(m, n, "type");
    struct jid author;

    if (!known_type(type) || !node_has_attr(n, "id") || !node_attr_get_jid(n, "to", &p.to)) {
        mock_flag(m, label, "wrong-receipt", n, "type '%s'", type);
        return false;
    }
    author = p.to;
    if (p.to.server == JID_GROUP || p.to.server == JID_BROADCAST) {
        const struct group *g = world_group(&m->world, &p.to);

        p.lid = g == NULL || g->lid;
        if (!node_attr_get_jid(n, "participant", &author)) {
            mock_flag(m, label, "wrong-receipt", n, "group receipt without participant");
            return false;
        }
    } else {
        p.lid = world_is_lid(&p.to);
    }
    struct mock_account *a = world_account(&m->world, &author);
    if (!a) {
        if (author.server != JID_NEWSLETTER && author.server != JID_BOT)
            mock_flag(m, label, "wrong-receipt", n, "nobody to tell");
        return true;
    }
    if (strcmp(type, "retry") == 0 || strcmp(type, "enc_rekey_retry") == 0) {
        to_device(&p, world_device(a, author.device));
    } else if (strcmp(type, "peer_msg") == 0 || strcmp(type, "hist_sync") == 0 ||
               strcmp(type, "server-error") == 0) {
        to_device(&p, world_device(a, 0));
    } else {
        to_account(&p, a, false);
        if (a != from->account &&
            (strncmp(type, "read", 4) == 0 || strncmp(type, "played", 6) == 0))
            to_account(&p, from->account, true);
    }
    return true;
}

/* Settles the ids of a delivery receipt: its own and those of its list. */
static void settle(struct client *c, const struct node *n)
{
    struct mock *m = c->m;
    const char *type = mock_attr(m, n, "type"), *id = mock_attr(m, n, "id");
    bool delivery =
        strcmp(type, "") == 0 || strcmp(type, "inactive") == 0 || strcmp(type, "sender") == 0;
    bool peer = strcmp(type, "peer_msg") == 0 || strcmp(type, "hist_sync") == 0;
    /* An ack settles a <status>; this receipt settles a status that came as a <message>. */
    bool status = node_attr_is(n, "context", "status");

    if (!delivery && !peer)
        return;
    if (!deliver_acked(c->device, "message", id) && !status)
        mock_flag(m, c->label, "wrong-receipt", n, "no message %s was delivered", id);
    const struct node *list = node_child(n, "list");
    for (const struct node *i = node_child(list, "item"); i != NULL; i = node_next(i, "item")) {
        if (!deliver_acked(c->device, "message", mock_attr(m, i, "id")))
            mock_flag(m, c->label, "wrong-receipt", n, "no message %s was delivered",
                      mock_attr(m, i, "id"));
    }
}

static void check_retry(struct client *c, const struct node *n)
{
    struct mock *m = c->m;
    uint64_t count = 0;
    const struct node *retry = node_child(n, "retry");

    if (!node_attr_is(n, "type", "retry"))
        return;
    if (!retry || !node_attr_get_u64(retry, "count", &count) || count == 0 ||
        !node_has_attr(retry, "t") || !node_attr_is(retry, "v", "1") ||
        strcmp(mock_attr(m, retry, "id"), mock_attr(m, n, "id")) != 0 ||
        node_content_bytes(node_child(n, "registration")).n != 4)
        mock_flag(m, c->label, "wrong-receipt", n, "a retry has count, id, t, v=1, registration");
    if (count > 1 && node_child(n, "keys") == NULL)
        mock_flag(m, c->label, "wrong-receipt", n, "retry %llu without keys",
                  (unsigned long long)count);
}

void receipt_from_client(struct client *c, const struct node *n)
{
    struct mock *m = c->m;
    bool ok = receipt_route(m, c->device, c->label, n);

    if (ok) {
        settle(c, n);
        check_retry(c, n);
        if (node_attr_is(n, "type", "server-error") && node_attr_is(n, "category", "peer") &&
            !m->world.player->file_missing(m, c->device, c->label, n))
            mock_flag(m, c->label, "wrong-receipt", n, "no file of the phone's is meant");
    } else if (m->cfg.strict_close) {
        client_stream_error(c, "500", NULL);
        return;
    }
    struct node *ack = mock_node(m, "ack");
    struct jid to;
    node_attr_text(&m->a, ack, "class", "receipt");
    node_copy_attr(&m->a, ack, n, "id");
    if (node_attr_get_jid(n, "to", &to))
        node_attr_jid(&m->a, ack, "from", &to);
    node_copy_attr(&m->a, ack, n, "participant");
    node_copy_attr(&m->a, ack, n, "type");
    node_attr_u64(&m->a, ack, "t", mock_now_s(m));
    client_send(c, ack);
}
