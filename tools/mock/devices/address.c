#include "tools/mock/devices/address.h"

#include "tools/mock/core/pb.h"

void address_props(struct mock *m, struct node *pair_success, const struct mock_account *a)
{
    struct buf props = buf_new(16);

    if (a->props_silent)
        return;
    pb_put_u64(&props, 1, a->unmigrated ? 0 : 1); /* isChatDbLidMigrated */
    node_set_bytes(&m->a, node_child_new(&m->a, pair_success, "client-props"),
                   arena_copy(&m->a, buf_span(&props)));
    buf_free(&props);
}

int address_refuses(struct mock *m, const char *label, const struct device *from,
                    const struct mock_account *peer, const struct node *n)
{
    const struct node *parts = node_child(n, "participants");
    struct jid to, j;

    if (!peer || !from->account->unmigrated || world_is_played(from) ||
        !node_attr_get_jid(n, "to", &to))
        return 0;
    if (world_is_lid(&to))
        return 400;
    for (const struct node *k = node_child(parts, "to"); k != NULL; k = node_next(k, "to")) {
        if (!node_attr_get_jid(k, "jid", &j) || !world_is_lid(&j))
            continue;
        mock_flag(m, label, "mixed-addressing", n, "a LID in a message that goes by number");
        return 400;
    }
    return 0;
}

void address_ack(struct mock *m, struct node *ack, const struct node *n)
{
    struct jid to;
    const struct mock_account *a;

    if (!node_attr_get_jid(n, "to", &to) || !world_is_lid(&to))
        return;
    a = world_account(&m->world, &to);
    if (a && !jid_same_user(&a->lid, &to))
        node_attr_text(&m->a, ack, "refresh_lid", "true");
}

struct mock_account *address_account_typed(const struct world *w, const char *digits)
{
    struct mock_account *a = world_account_phone(w, digits);

    for (size_t i = 0; a == NULL && i < w->naccounts; i++) {
        if (digits[0] != '\0' && strcmp(w->accounts[i]->also, digits) == 0)
            a = w->accounts[i];
    }
    return a;
}

/* ---- devices that were left out ---- */

void address_note_missing(struct mock *m, const struct device *from, const char *id,
                          struct device *const *missing, size_t n)
{
    struct mock_missing *at = &m->missing[m->missing_at++ % MOCK_MISSING_MAX];

    *at = (struct mock_missing){.from = from, .n = n};
    (void)snprintf(at->id, sizeof at->id, "%s", id);
    memcpy(at->devices, missing, n * sizeof(struct device *));
}

static bool is_among(const struct mock_missing *w, const struct device *d)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->devices[i] == d)
            return true;
    }
    return false;
}

bool address_completes(struct mock *m, const char *label, const struct device *from, const char *id,
                       const struct node *n)
{
    struct mock_missing *w = NULL;

    for (size_t i = 0; i < MOCK_MISSING_MAX; i++) {
        if (m->missing[i].from == from && strcmp(m->missing[i].id, id) == 0)
            w = &m->missing[i];
    }
    if (!w)
        return false;
    const struct node *parts = node_child(n, "participants");
    for (const struct node *k = node_child(parts, "to"); k != NULL; k = node_next(k, "to")) {
        struct jid j;

        if (node_attr_get_jid(k, "jid", &j) && !is_among(w, world_device_jid(&m->world, &j)))
            mock_flag(m, label, "sent-twice", n, "a device that has the message gets it again");
    }
    w->from = NULL;
    return true;
}
