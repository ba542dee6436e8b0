/* lsc_store.c - the in-memory stores behind an oracle's party. Records are kept serialised, so the
 * oracle forgets everything between two calls, as a program with a database does. */
#include "lsc_store.h"

static int give_copy(signal_buffer **ret, const signal_buffer *from)
{
    *ret = signal_buffer_copy(from);
    return *ret ? 1 : SG_ERR_NOMEM;
}

static int replace(signal_buffer **slot, const uint8_t *data, size_t n)
{
    signal_buffer *b = signal_buffer_create(data, n);

    if (!b)
        return SG_ERR_NOMEM;
    signal_buffer_free(*slot);
    *slot = b;
    return 0;
}

static int session_load(signal_buffer **ret, signal_buffer **user_record,
                        const signal_protocol_address *a, void *user)
{
    struct lsc_party *p = user;

    (void)user_record;
    (void)a;
    return p->session ? give_copy(ret, p->session) : 0;
}

static int session_devices(signal_int_list **ret, const char *name, size_t n, void *user)
{
    (void)ret;
    (void)name;
    (void)n;
    (void)user;
    return SG_ERR_INVAL; /* the tests never get here */
}

static int session_store(const signal_protocol_address *a, uint8_t *record, size_t n,
                         uint8_t *user_record, size_t user_n, void *user)
{
    struct lsc_party *p = user;

    (void)a;
    (void)user_record;
    (void)user_n;
    return replace(&p->session, record, n);
}

static int session_contains(const signal_protocol_address *a, void *user)
{
    struct lsc_party *p = user;

    (void)a;
    return p->session != NULL;
}

static int session_delete(const signal_protocol_address *a, void *user)
{
    struct lsc_party *p = user;
    int had = p->session != NULL;

    (void)a;
    signal_buffer_free(p->session);
    p->session = NULL;
    return had;
}

static int session_delete_all(const char *name, size_t n, void *user)
{
    (void)name;
    (void)n;
    return session_delete(NULL, user);
}

static int prekey_load(signal_buffer **ret, uint32_t id, void *user)
{
    struct lsc_party *p = user;

    if (id >= LSC_PREKEYS_MAX || !p->prekeys[id])
        return SG_ERR_INVALID_KEY_ID;
    return give_copy(ret, p->prekeys[id]) == 1 ? 0 : SG_ERR_NOMEM;
}

static int prekey_store(uint32_t id, uint8_t *record, size_t n, void *user)
{
    struct lsc_party *p = user;

    return id < LSC_PREKEYS_MAX ? replace(&p->prekeys[id], record, n) : SG_ERR_INVAL;
}

static int prekey_contains(uint32_t id, void *user)
{
    struct lsc_party *p = user;

    return id < LSC_PREKEYS_MAX && p->prekeys[id];
}

static int prekey_remove(uint32_t id, void *user)
{
    struct lsc_party *p = user;

    if (id >= LSC_PREKEYS_MAX)
        return SG_ERR_INVAL;
    signal_buffer_free(p->prekeys[id]);
    p->prekeys[id] = NULL;
    return 0;
}

static int signed_prekey_load(signal_buffer **ret, uint32_t id, void *user)
{
    struct lsc_party *p = user;

    if (!p->signed_prekey || id != p->signed_prekey_id)
        return SG_ERR_INVALID_KEY_ID;
    return give_copy(ret, p->signed_prekey) == 1 ? 0 : SG_ERR_NOMEM;
}

static int signed_prekey_store(uint32_t id, uint8_t *record, size_t n, void *user)
{
    struct lsc_party *p = user;

    p->signed_prekey_id = id;
    return replace(&p->signed_prekey, record, n);
}

static int signed_prekey_contains(uint32_t id, void *user)
{
    struct lsc_party *p = user;

    return p->signed_prekey && id == p->signed_prekey_id;
}

static int signed_prekey_remove(uint32_t id, void *user)
{
    (void)id;
    (void)user;
    return SG_ERR_INVAL; /* the tests never get here */
}

static int identity_pair(signal_buffer **ret_public, signal_buffer **ret_private, void *user)
{
    struct lsc_party *p = user;
    uint8_t djb[DJB_KEY_BYTES];

    djb_encode(p->local.identity.pub, djb);
    *ret_public = signal_buffer_create(djb, sizeof djb);
    *ret_private = signal_buffer_create(p->local.identity.priv, 32);
    return *ret_public && *ret_private ? 0 : SG_ERR_NOMEM;
}

static int identity_registration_id(void *user, uint32_t *ret)
{
    struct lsc_party *p = user;

    *ret = p->local.registration_id;
    return 0;
}

static int identity_save(const signal_protocol_address *a, uint8_t *key, size_t n, void *user)
{
    (void)a;
    (void)key;
    (void)n;
    (void)user;
    return 0;
}

static int identity_trusted(const signal_protocol_address *a, uint8_t *key, size_t n, void *user)
{
    (void)a;
    (void)key;
    (void)n;
    (void)user;
    return 1; /* trust is the caller's matter, as in our code */
}

static int sender_key_store(const signal_protocol_sender_key_name *name, uint8_t *record, size_t n,
                            uint8_t *user_record, size_t user_n, void *user)
{
    struct lsc_party *p = user;

    (void)user_record;
    (void)user_n;
    return replace(&p->sender_keys[name->sender.device_id], record, n);
}

static int sender_key_load(signal_buffer **ret, signal_buffer **user_record,
                           const signal_protocol_sender_key_name *name, void *user)
{
    struct lsc_party *p = user;

    signal_buffer *b = p->sender_keys[name->sender.device_id];

    (void)user_record;
    return b ? give_copy(ret, b) : 0;
}

int lsc_store_open(struct lsc_party *p)
{
    signal_protocol_session_store sessions = {
        session_load,   session_devices,    session_store, session_contains,
        session_delete, session_delete_all, NULL,          p};
    signal_protocol_pre_key_store prekeys = {prekey_load,   prekey_store, prekey_contains,
                                             prekey_remove, NULL,         p};
    signal_protocol_signed_pre_key_store signed_prekeys = {signed_prekey_load,
                                                           signed_prekey_store,
                                                           signed_prekey_contains,
                                                           signed_prekey_remove,
                                                           NULL,
                                                           p};
    signal_protocol_identity_key_store identities = {
        identity_pair, identity_registration_id, identity_save, identity_trusted, NULL, p};
    signal_protocol_sender_key_store sender_keys = {sender_key_store, sender_key_load, NULL, p};
    int result = signal_protocol_store_context_create(&p->store, p->lsc->context);

    if (result == 0)
        result = signal_protocol_store_context_set_session_store(p->store, &sessions);
    if (result == 0)
        result = signal_protocol_store_context_set_pre_key_store(p->store, &prekeys);
    if (result == 0)
        result = signal_protocol_store_context_set_signed_pre_key_store(p->store, &signed_prekeys);
    if (result == 0)
        result = signal_protocol_store_context_set_identity_key_store(p->store, &identities);
    if (result == 0)
        result = signal_protocol_store_context_set_sender_key_store(p->store, &sender_keys);
    return result;
}
