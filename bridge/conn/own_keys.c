#include "bridge/conn/own_keys.h"

#include "proto/pair_wire.h"
#include "store/session/account.h"
#include "store/session/prekeys.h"

enum { KEY_TYPE_DJB = 5, IDENTITY_BYTES_MAX = STORE_ADV_DETAILS_MAX + 256 };

static void add_bytes(struct arena *a, struct node *parent, const char *tag, struct span bytes)
{
    node_set_bytes(a, node_child_new(a, parent, tag), bytes);
}

static void add_id(struct arena *a, struct node *parent, uint32_t id)
{
    const uint8_t bytes[] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

    add_bytes(a, parent, "id", SPAN_ARRAY(bytes));
}

struct node *own_device_identity_node(struct arena *a, const struct account *acc)
{
    const struct adv_signed_identity id = {
        .details = SPAN(acc->adv_details, acc->adv_details_n),
        .account_key = SPAN_ARRAY(acc->adv_account_sig_key),
        .account_signature = SPAN_ARRAY(acc->adv_account_sig),
        .device_signature = SPAN_ARRAY(acc->adv_device_sig),
    };
    struct buf bytes = buf_new(IDENTITY_BYTES_MAX);
    struct node *n = NULL;

    if (adv_signed_identity_encode(&id, true, &bytes) == WB_OK) {
        n = node_new(a, "device-identity");
        node_set_bytes(a, n, buf_span(&bytes));
    }
    buf_free(&bytes);
    return n;
}

struct node *own_registration_node(struct arena *a, const struct account *acc)
{
    const uint32_t r = acc->keys.registration_id;
    const uint8_t bytes[] = {(uint8_t)(r >> 24), (uint8_t)(r >> 16), (uint8_t)(r >> 8), (uint8_t)r};
    struct node *n = node_new(a, "registration");

    node_set_bytes(a, n, SPAN_ARRAY(bytes));
    return n;
}

void own_skey_node(struct arena *a, struct node *parent, uint32_t id,
                   const uint8_t pub[static X25519_KEY_BYTES],
                   const uint8_t sig[static XEDDSA_SIG_BYTES])
{
    struct node *n = node_child_new(a, parent, "skey");

    add_id(a, n, id);
    add_bytes(a, n, "value", SPAN(pub, X25519_KEY_BYTES));
    add_bytes(a, n, "signature", SPAN(sig, XEDDSA_SIG_BYTES));
}

struct node *own_keys_node(struct arena *a, const struct account *acc,
                           const struct store_prekey *prekey)
{
    const struct device_keys *k = &acc->keys;
    const uint8_t type[] = {KEY_TYPE_DJB};
    struct node *keys = node_new(a, "keys"), *n;

    add_bytes(a, keys, "type", SPAN_ARRAY(type));
    add_bytes(a, keys, "identity", SPAN_ARRAY(k->identity.pub));
    n = node_child_new(a, keys, "key");
    add_id(a, n, prekey->id);
    add_bytes(a, n, "value", SPAN_ARRAY(prekey->pair.pub));
    own_skey_node(a, keys, k->signed_prekey_id, k->signed_prekey.pub, k->signed_prekey_sig);
    node_add(keys, own_device_identity_node(a, acc));
    return keys;
}
