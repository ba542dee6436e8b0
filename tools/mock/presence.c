#include "tools/mock/deliver.h"
#include "tools/mock/session.h"

static void tell(struct device *to, struct node *n)
{
    if (to->conn != NULL && to->conn->active)
        conn_send(to->conn, n);
}

/* Everybody with a client hears of it: the mock has no lists of who may see what. */
static void broadcast_presence(struct conn *c, bool available)
{
    struct mock *m = c->m;
    struct account *own = c->device->account;
    for (struct conn *o = m->conns; o != NULL; o = o->next) {
        if (o->device == NULL || o->device->account == own ||
            map_get(&o->device->subscribed, own->lid.user) == NULL)
            continue;
        struct node *n = mock_node(m, "presence");
        node_attr_jid(&m->a, n, "from", &own->lid);
        if (!available) {
            node_attr_text(&m->a, n, "type", "unavailable");
            node_attr_u64(&m->a, n, "last", mock_now_s(m));
        }
        tell(o->device, n);
    }
}

static void subscribe(struct conn *c, const struct node *presence)
{
    struct mock *m = c->m;
    struct jid to;
    struct account *a;
    if (!node_attr_get_jid(presence, "to", &to) || (a = world_account(&m->world, &to)) == NULL)
        return;
    (void)map_put(&c->device->subscribed, a->lid.user, a);
    struct node *n = mock_node(m, "presence");
    to = jid_bare(to);
    node_attr_jid(&m->a, n, "from", &to);
    node_attr_text(&m->a, n, "type", "unavailable");
    node_attr_text(&m->a, n, "last", "deny");
    conn_send(c, n);
}

void session_presence(struct conn *c, const struct node *presence)
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
    d->available = strcmp(type, "unavailable") != 0;
    broadcast_presence(c, d->available);
}

void session_chatstate(struct conn *c, const struct node *chatstate)
{
    struct mock *m = c->m;
    struct jid to;
    if (!node_attr_get_jid(chatstate, "to", &to)) {
        mock_flag(m, c->label, "wrong-chatstate", chatstate, "no to");
        return;
    }
    const struct group *g = world_group(&m->world, &to);
    struct jid me = device_jid(c->device, g != NULL ? g->lid : jid_is_lid(&to));
    for (struct conn *o = m->conns; o != NULL; o = o->next) {
        if (o->device == NULL || o == c || o->device->account == c->device->account)
            continue;
        if (g != NULL ? group_find(g, o->device->account) == NULL
                      : world_account(&m->world, &to) != o->device->account)
            continue;
        struct node *n = mock_node(m, "chatstate");
        node_attr_jid(&m->a, n, "from", g != NULL ? &to : &me);
        if (g != NULL)
            node_attr_jid(&m->a, n, "participant", &me);
        if (chatstate->first != NULL) {
            struct node *state = ARENA_NEW(&m->a, struct node);
            if (state != NULL) {
                *state = *chatstate->first;
                state->next = NULL;
                node_add(n, state);
            }
        }
        tell(o->device, n);
    }
}
