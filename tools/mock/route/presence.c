#include "tools/mock/route/presence.h"

#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/privacy.h"

static void tell(struct device *to, struct node *n)
{
    if (to->client && to->client->active)
        client_send(to->client, n);
}

/* Tells everybody who has a client: the mock has no lists of who may see what. */
static void broadcast_presence(struct client *c, bool available)
{
    struct mock *m = c->m;
    struct mock_account *own = c->device->account;

    for (struct client *o = m->clients; o != NULL; o = o->next) {
        if (!o->device || o->device->account == own ||
            map_get(&o->device->subscribed, own->lid.user) == NULL)
            continue;
        struct node *n = mock_node(m, "presence");
        node_attr_jid(&m->a, n, "from", map_get(&o->device->subscribed, own->lid.user));
        if (!available) {
            node_attr_text(&m->a, n, "type", "unavailable");
            node_attr_u64(&m->a, n, "last", mock_now_s(m));
        }
        tell(o->device, n);
    }
}

static void subscribe(struct client *c, const struct node *presence)
{
    struct mock *m = c->m;
    struct jid to;
    struct mock_account *a;

    if (!node_attr_get_jid(presence, "to", &to) || (a = world_account(&m->world, &to)) == NULL)
        return;
    if (!privacy_shows(a, c->device->account, presence))
        return; /* no answer now, and no news later */
    (void)map_put(&c->device->subscribed, a->lid.user, world_is_lid(&to) ? &a->lid : &a->pn);
    struct node *n = mock_node(m, "presence");
    to = jid_bare(to);
    node_attr_jid(&m->a, n, "from", &to);
    node_attr_text(&m->a, n, "type", "unavailable");
    node_attr_text(&m->a, n, "last", "deny");
    client_send(c, n);
}

/* Notes a client that goes `available` and `unavailable`, under the same name as on an earlier
 * connection of the day: no person opens and leaves WhatsApp at each of many reconnects. A client
 * that stays `available` has to say so anew on each connection. */
static void note_again(struct mock *m, struct client *c, const char *type, const char *name,
                       const struct node *presence)
{
    enum { DAY_S = 24 * 3600 };
    struct device *d = c->device;

    if (strcmp(type, "unavailable") == 0) {
        if (d->available && d->announced_again)
            mock_flag(m, c->label, "presence-again", presence,
                      "available and unavailable, as on a connection before");
        return;
    }
    d->announced_again = strcmp(d->announced, name) == 0 && name[0] != '\0' &&
                         d->announced_s + DAY_S > mock_now_s(m) && d->announced_client != c->number;
    (void)snprintf(d->announced, sizeof d->announced, "%s", name);
    d->announced_s = mock_now_s(m);
    d->announced_client = c->number;
}

void presence_from_client(struct client *c, const struct node *presence)
{
    struct mock *m = c->m;
    struct device *d = c->device;
    const char *type = mock_attr(m, presence, "type"), *name = mock_attr(m, presence, "name");

    if (strcmp(type, "subscribe") == 0) {
        subscribe(c, presence);
        return;
    }
    if (strcmp(type, "") != 0 && strcmp(type, "available") != 0 &&
        strcmp(type, "unavailable") != 0) {
        mock_flag(m, c->label, "wrong-presence", presence, "type %s", type);
        return;
    }
    if (name[0] != '\0')
        (void)snprintf(d->account->name, sizeof d->account->name, "%s", name);
    else if (strcmp(type, "available") == 0)
        mock_flag(m, c->label, "wrong-presence", presence, "available needs a name (P-LG-13)");
    note_again(m, c, type, name, presence);
    d->available = strcmp(type, "unavailable") != 0;
    broadcast_presence(c, d->available);
}
