#include "tools/mock/route/chatstate.h"

#include <stdlib.h>

struct kept_chatstate {
    struct kept_chatstate *next; /* the next newer one */
    int64_t until_ms;
    size_t n;
    uint8_t packed[];
};

static void free_all(void *value)
{
    struct kept_chatstate *k = value;

    while (k) {
        struct kept_chatstate *next = k->next;

        free(k);
        k = next;
    }
}

void chatstate_flush(struct mock *m, struct device *d)
{
    int64_t now = clock_mono_ms(m->clock);
    const struct kept_chatstate *k = d->chatstates.value;

    for (; k != NULL && d->client != NULL; k = k->next) {
        struct node *n;

        if (k->until_ms > now && node_unpack(SPAN(k->packed, k->n), &m->a, &n) == WB_OK)
            client_send(d->client, n);
    }
    free_all(d->chatstates.value);
    d->chatstates.value = NULL;
}

static void keep(struct mock *m, struct device *d, const struct node *n)
{
    struct buf packed = buf_new(MOCK_STANZA_BYTES);
    struct kept_chatstate *k = NULL, *last = d->chatstates.value;
    size_t n_kept = last != NULL;

    while (last && last->next) {
        last = last->next;
        n_kept++;
    }
    if (n_kept < MOCK_CHATSTATES_MAX && node_pack(n, &packed) == WB_OK)
        k = malloc(sizeof *k + packed.n);
    if (k) {
        *k = (struct kept_chatstate){NULL, clock_mono_ms(m->clock) + m->cfg.chatstate_ttl_ms,
                                     packed.n};
        memcpy(k->packed, packed.p, packed.n);
        if (last)
            last->next = k;
        else
            d->chatstates = (struct part){k, free_all};
    }
    buf_free(&packed);
}

static void tell(struct mock *m, struct device *d, const struct node *chatstate,
                 const struct jid *from, const struct jid *participant)
{
    if (world_is_played(d))
        return;
    struct node *n = mock_node(m, "chatstate");
    node_attr_jid(&m->a, n, "from", from);
    node_attr_jid(&m->a, n, "participant", participant);
    if (chatstate->first) {
        struct node *state = ARENA_NEW(&m->a, struct node);

        if (!state)
            return;
        *state = *chatstate->first;
        state->next = NULL;
        node_add(n, state);
    }
    if (d->client && d->client->active)
        client_send(d->client, n);
    else if (m->cfg.chatstate_ttl_ms > 0)
        keep(m, d, n);
}

static void tell_account(struct mock *m, const struct mock_account *a, const struct node *chatstate,
                         const struct jid *from, const struct jid *participant)
{
    for (size_t i = 0; i < a->ndevices; i++)
        tell(m, a->devices[i], chatstate, from, participant);
}

void chatstate_from_client(struct client *c, const struct node *chatstate)
{
    struct mock *m = c->m;
    struct jid to;

    if (!node_attr_get_jid(chatstate, "to", &to)) {
        mock_flag(m, c->label, "wrong-chatstate", chatstate, "no to");
        return;
    }
    const struct group *g = world_group(&m->world, &to);
    const struct mock_account *own = c->device->account;
    struct jid me = device_jid(c->device, g != NULL ? g->lid : world_is_lid(&to));
    struct mock_account *peer = world_account(&m->world, &to);
    if (!g && peer && peer != own)
        tell_account(m, peer, chatstate, &me, NULL);
    for (size_t i = 0; g != NULL && i < g->nmembers; i++) {
        if (g->members[i].account != own)
            tell_account(m, g->members[i].account, chatstate, &to, &me);
    }
}
