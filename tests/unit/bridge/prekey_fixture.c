/* prekey_fixture.c - see prekey_fixture.h. */
#include "tests/unit/bridge/prekey_fixture.h"

#include "crypto/signal.h"
#include "store/session/signal_store.h"

struct told told[8];

void on_fetched(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r)
{
    (void)b;
    told[key].calls++;
    told[key].r = *r;
}

int prekey_setup(void **state)
{
    memset(told, 0, sizeof told);
    return desk_setup(state);
}

void make_peer(struct desk *d, struct peer *p)
{
    struct device_keys k;

    OK(device_keys_generate(&d->rng, &k));
    p->identity = k.identity;
    p->signed_prekey = k.signed_prekey;
    memcpy(p->sig, k.signed_prekey_sig, sizeof p->sig);
    x25519_generate(&d->rng, &p->prekey);
}

static struct node *key_node(struct desk *d, const char *tag, uint8_t id, const uint8_t *value,
                             const uint8_t *sig)
{
    const uint8_t id_bytes[3] = {0, 1, id};
    struct node *n = node_new(&d->arena, tag);

    node_add(n, bytes_node(d, "id", id_bytes, 3));
    node_add(n, bytes_node(d, "value", value, 32));
    if (sig)
        node_add(n, bytes_node(d, "signature", sig, 64));
    return n;
}

struct node *user_node(struct desk *d, const char *jid, const struct peer *p, bool one_time)
{
    const uint8_t registration[4] = {0, 0, 0, 9}, type[1] = {5};
    struct node *user = node_new(&d->arena, "user");

    node_attr_text(&d->arena, user, "jid", jid);
    node_add(user, bytes_node(d, "registration", registration, 4));
    node_add(user, bytes_node(d, "type", type, 1));
    node_add(user, bytes_node(d, "identity", p->identity.pub, 32));
    node_add(user, key_node(d, "skey", 7, p->signed_prekey.pub, p->sig));
    if (one_time)
        node_add(user, key_node(d, "key", 3, p->prekey.pub, NULL));
    return user;
}

struct node *list_of(struct desk *d, struct node *one, struct node *two)
{
    struct node *list = node_new(&d->arena, "list");

    if (one)
        node_add(list, one);
    if (two)
        node_add(list, two);
    return list;
}

bool can_send(struct desk *d, const char *device)
{
    struct jid j = J(device);
    bool yes;

    OK(store_session_has(d->b.store, &j, &yes));
    return yes;
}
