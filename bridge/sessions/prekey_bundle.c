/* Reads keys from stanzas (P-SD-09): the parsing functions of prekey_fetch.h. */
#include <string.h>

#include "bridge/sessions/prekey_fetch.h"
#include "crypto/signal.h"

enum { PREKEY_ID_BYTES = 3, REGISTRATION_BYTES = 4 };

static uint32_t be_number(struct span s)
{
    uint32_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

static bool get_bytes(const struct node *parent, const char *tag, size_t n, uint8_t *out)
{
    struct span s = node_content_bytes(node_child(parent, tag));

    if (s.n != n || !s.p)
        return false;
    memcpy(out, s.p, n);
    return true;
}

static bool get_key(const struct node *key, uint32_t *ret_id, uint8_t out[static X25519_KEY_BYTES])
{
    struct span id = node_content_bytes(node_child(key, "id"));

    if (id.n != PREKEY_ID_BYTES || !get_bytes(key, "value", X25519_KEY_BYTES, out))
        return false;
    *ret_id = be_number(id);
    return true;
}

enum wb_err prekey_bundle_parse(const struct node *n, struct signal_bundle *ret_bundle)
{
    struct signal_bundle v = {0};
    const struct node *keys = node_child(n, "keys"), *key, *skey;
    struct span registration = node_content_bytes(node_child(n, "registration"));

    if (node_child(n, "error"))
        return WB_ERR_REFUSED;
    if (!keys)
        keys = n;
    key = node_child(keys, "key");
    skey = node_child(keys, "skey");
    if (registration.n != REGISTRATION_BYTES ||
        !get_bytes(keys, "identity", X25519_KEY_BYTES, v.identity) ||
        !get_key(skey, &v.signed_prekey_id, v.signed_prekey) ||
        !get_bytes(skey, "signature", XEDDSA_SIG_BYTES, v.signed_prekey_sig))
        return WB_ERR_MALFORMED;
    v.registration_id = be_number(registration);
    v.has_prekey = key != NULL;
    if (key && !get_key(key, &v.prekey_id, v.prekey))
        return WB_ERR_MALFORMED;
    *ret_bundle = v;
    return WB_OK;
}

struct span prekey_statement(const struct node *n)
{
    const struct node *own = node_child(n, "device-identity");

    return node_content_bytes(own ? own : node_child(node_child(n, "keys"), "device-identity"));
}

void prekey_keep_statement(struct prekey_kept_statement *k, struct span statement)
{
    k->n = statement.n < sizeof k->bytes ? statement.n : sizeof k->bytes;
    if (k->n)
        memcpy(k->bytes, statement.p, k->n);
}
