#include "tools/mock/devices/devices.h"

#include "tools/mock/core/pb.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/unheard.h"
#include "tools/mock/wire/client.h"

/* Adds the list of key indexes (P-US-07): ADVSignedKeyIndexList{1 details, 2 signature}; details {1
 * raw id, 2 timestamp, 3 current index, 4 valid indexes}, signed with 06 02 in front. */
static void key_index_list(struct mock *m, struct node *parent, const struct mock_account *a)
{
    struct buf details = buf_new(4096), signed_part = buf_new(4096), msg = buf_new(8192);
    uint8_t sig[XEDDSA_SIG_BYTES];

    pb_put_u64(&details, 1, a->adv_raw_id);
    pb_put_u64(&details, 2, a->devices_t);
    pb_put_u64(&details, 3, a->next_key_index - 1);
    for (size_t i = 0; i < a->ndevices; i++)
        pb_put_u64(&details, 4, a->devices[i]->key_index);
    buf_append(&signed_part, SPAN_LIT("\x06\x02"));
    buf_append(&signed_part, buf_span(&details));
    if (xeddsa_sign(a->identity.priv, buf_span(&signed_part), &m->rng, sig) == WB_OK) {
        if (m->trouble.bad_key_lists > 0) {
            m->trouble.bad_key_lists--;
            sig[7] ^= 1;
        }
        pb_put_bytes(&msg, 1, buf_span(&details));
        pb_put_bytes(&msg, 2, SPAN_ARRAY(sig));
        struct node *list = node_child_new(&m->a, parent, "key-index-list");
        node_attr_u64(&m->a, list, "ts", a->devices_t);
        node_set_bytes(&m->a, list, buf_span(&msg));
    }
    buf_free(&details);
    buf_free(&signed_part);
    buf_free(&msg);
}

static void device_attrs(struct mock *m, struct node *n, const struct device *d)
{
    if (d->number > 0)
        node_attr_u64(&m->a, n, "key-index", d->key_index);
}

void devices_hash(const struct mock_account *a, const struct device *except, bool lid,
                  char ret_text[static PHASH_CHARS + 1])
{
    struct jid list[MOCK_DEVICES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < a->ndevices; i++) {
        if (a->devices[i] != except)
            list[n++] = device_jid(a->devices[i], lid);
    }
    world_phash(list, n, ret_text);
}

void devices_node(struct mock *m, struct node *parent, const struct mock_account *a, bool lid)
{
    char hash[PHASH_CHARS + 1];
    struct node *devices = node_child_new(&m->a, parent, "devices");
    struct node *list = node_child_new(&m->a, devices, "device-list");

    devices_hash(a, NULL, lid, hash);
    node_attr_text(&m->a, list, "hash", hash);
    for (size_t i = 0; i < a->ndevices; i++) {
        struct node *d = node_child_new(&m->a, list, "device");

        a->devices[i]->unannounced = false;
        node_attr_u64(&m->a, d, "id", a->devices[i]->number);
        device_attrs(m, d, a->devices[i]);
    }
    if (a->ndevices > 1)
        key_index_list(m, devices, a);
}

/* Tells others of a changed device of `a`. WhatsApp tells members of common groups and people with
 * whom it has exchanged tokens or messages; the mock tells every account that has a client. */
static void tell_others(struct mock *m, struct mock_account *a, const struct device *d,
                        enum device_change change)
{
    static const char *const tags[] = {"add", "remove", "update"};
    char hash[PHASH_CHARS + 1], lid_hash[PHASH_CHARS + 1];
    const struct device *except = change == DEVICE_REMOVED ? d : NULL;

    devices_hash(a, except, false, hash);
    devices_hash(a, except, true, lid_hash);
    for (size_t i = 0; i < m->world.naccounts; i++) {
        struct mock_account *to = m->world.accounts[i];

        if (to == a || to->contact)
            continue;
        for (size_t k = 0; k < to->ndevices; k++) {
            if (world_is_played(to->devices[k]))
                continue;
            struct node *n = deliver_notification(m, &a->pn, "devices");
            node_attr_jid(&m->a, n, "lid", &a->lid);
            struct node *ch = node_child_new(&m->a, n, tags[change]);
            node_attr_text(&m->a, ch, change == DEVICE_UPDATED ? "hash" : "device_hash", hash);
            if (change != DEVICE_UPDATED) {
                struct jid pn = device_jid(d, false), lid = device_jid(d, true);

                node_attr_text(&m->a, ch, "device_lid_hash", lid_hash);
                struct node *dev = node_child_new(&m->a, ch, "device");
                node_attr_jid(&m->a, dev, "jid", &pn);
                node_attr_jid(&m->a, dev, "lid", &lid);
                device_attrs(m, dev, d);
                key_index_list(m, ch, a);
            }
            deliver(m, to->devices[k], n);
        }
    }
}

static void tell_own(struct mock *m, struct mock_account *a, const struct device *d,
                     enum device_change change)
{
    char hash[PHASH_CHARS + 1];
    const struct device *except = change == DEVICE_REMOVED ? d : NULL;

    devices_hash(a, except, false, hash);
    for (size_t k = 0; k < a->ndevices; k++) {
        struct device *to = a->devices[k];

        if (to == d || world_is_played(to))
            continue;
        const struct jid server = jid_server_only(JID_PN);
        struct node *n =
            deliver_notification(m, a->told_by_server ? &server : &a->pn, "account_sync");
        struct node *devices = node_child_new(&m->a, n, "devices");
        node_attr_text(&m->a, devices, "dhash", hash);
        for (size_t i = 0; i < a->ndevices; i++) {
            if (a->devices[i] == except)
                continue;
            struct jid j = device_jid(a->devices[i], false);
            struct node *dev = node_child_new(&m->a, devices, "device");
            node_attr_jid(&m->a, dev, "jid", &j);
            device_attrs(m, dev, a->devices[i]);
        }
        key_index_list(m, devices, a);
        deliver(m, to, n);
    }
}

void devices_changed(struct mock *m, struct mock_account *a, struct device *d,
                     enum device_change change)
{
    a->devices_t = mock_now_s(m);
    tell_own(m, a, d, change);
    tell_others(m, a, d, change);
}

bool devices_unheard(const struct device *d, const struct mock_account *a)
{
    return deliver_waiting(d, "notification", "devices", &a->pn) ||
           deliver_waiting(d, "notification", "account_sync", &a->pn) || unheard_is(d, a);
}

void devices_logout(struct mock *m, struct device *d)
{
    struct mock_account *a = d->account;

    devices_changed(m, a, d, DEVICE_REMOVED);
    if (d->client) {
        struct client *c = d->client;

        c->device = NULL;
        client_stream_error(c, "401", "device_removed");
    }
    world_remove_device(m, d);
}

void devices_reinstall(struct mock *m, struct mock_account *a, bool tell)
{
    while (a->ndevices > 1)
        devices_logout(m, a->devices[a->ndevices - 1]);
    m->world.player->detach(a->devices[0]);
    x25519_generate(&m->rng, &a->identity);
    a->adv_raw_id = rng_u32(&m->rng);
    if (!m->world.player->attach(m, a->devices[0], &a->identity))
        return;
    for (size_t i = 0; tell && i < m->world.naccounts; i++) {
        struct mock_account *to = m->world.accounts[i];

        if (to == a || to->contact)
            continue;
        for (size_t k = 0; k < to->ndevices; k++) {
            if (world_is_played(to->devices[k]))
                continue;
            struct node *n = deliver_notification(m, &a->lid, "encrypt");
            (void)node_child_new(&m->a, n, "identity");
            deliver(m, to->devices[k], n);
        }
    }
}
