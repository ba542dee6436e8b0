#include "proto/pair_wire.h"

#include "proto/wire_arena.h"
#include "schema/adv.pb-c.h"

static bool absent_or(struct span s, size_t n)
{
    return span_is_null(s) || s.n == n;
}

enum wb_err adv_signed_hmac_decode(struct span in, struct arena *a, struct adv_signed_hmac *ret_v)
{
    struct adv_signed_hmac v = {0};
    ProtobufCMessage *base = NULL;
    const Adv__SignedHmac *m;
    enum wb_err err;

    TRY(wire_unpack(&adv__signed_hmac__descriptor, in, a, &base));
    m = (const Adv__SignedHmac *)(const void *)base;
    if (!m->has_details)
        return WB_ERR_MALFORMED;
    v.details = WIRE_SPAN(m, details);
    TRY(wire_fixed(m->has_hmac, m->hmac, v.hmac, sizeof v.hmac));
    v.hosted = m->account_type == ADV_HOSTED;
    *ret_v = v;
out:
    return err;
}

enum wb_err adv_signed_hmac_encode(const struct adv_signed_hmac *v, struct buf *out)
{
    Adv__SignedHmac m = ADV__SIGNED_HMAC__INIT;

    WIRE_SET_BYTES(&m, details, v->details);
    WIRE_SET_BYTES(&m, hmac, SPAN_ARRAY(v->hmac));
    if (v->hosted)
        WIRE_SET(&m, account_type, ADV_HOSTED);
    return wire_pack(&m.base, out);
}

enum wb_err adv_signed_identity_decode(struct span in, struct arena *a,
                                       struct adv_signed_identity *ret_v)
{
    struct adv_signed_identity v = {0};
    ProtobufCMessage *base = NULL;
    const Adv__SignedIdentity *m;
    enum wb_err err;

    TRY(wire_unpack(&adv__signed_identity__descriptor, in, a, &base));
    m = (const Adv__SignedIdentity *)(const void *)base;
    v.details = WIRE_SPAN(m, details);
    v.account_key = WIRE_SPAN(m, account_key);
    v.account_signature = WIRE_SPAN(m, account_signature);
    v.device_signature = WIRE_SPAN(m, device_signature);
    if (span_is_null(v.details) || !absent_or(v.account_key, ADV_KEY_BYTES) ||
        !absent_or(v.account_signature, ADV_SIG_BYTES) ||
        !absent_or(v.device_signature, ADV_SIG_BYTES))
        return WB_ERR_MALFORMED;
    *ret_v = v;
out:
    return err;
}

enum wb_err adv_signed_identity_encode(const struct adv_signed_identity *v, bool with_account_key,
                                       struct buf *out)
{
    Adv__SignedIdentity m = ADV__SIGNED_IDENTITY__INIT;

    WIRE_SET_BYTES(&m, details, v->details);
    WIRE_SET_BYTES(&m, account_key, with_account_key ? v->account_key : SPAN_NULL);
    WIRE_SET_BYTES(&m, account_signature, v->account_signature);
    WIRE_SET_BYTES(&m, device_signature, v->device_signature);
    return wire_pack(&m.base, out);
}

enum wb_err client_props_decode(struct span in, struct arena *a, bool *ret_lid_migrated)
{
    ProtobufCMessage *base = NULL;
    const Adv__ClientProps *m;
    enum wb_err err;

    TRY(wire_unpack(&adv__client_props__descriptor, in, a, &base));
    m = (const Adv__ClientProps *)(const void *)base;
    if (!m->has_chat_db_lid_migrated)
        return WB_ERR_NOT_FOUND;
    *ret_lid_migrated = m->chat_db_lid_migrated;
out:
    return err;
}

enum wb_err adv_identity_decode(struct span in, struct arena *a, struct adv_identity *ret_v)
{
    ProtobufCMessage *base = NULL;
    const Adv__Identity *m;
    enum wb_err err;

    TRY(wire_unpack(&adv__identity__descriptor, in, a, &base));
    m = (const Adv__Identity *)(const void *)base;
    *ret_v = (struct adv_identity){m->raw_id, m->timestamp, m->key_index, m->account_type,
                                   m->device_type};
out:
    return err;
}

enum wb_err adv_identity_encode(const struct adv_identity *v, struct buf *out)
{
    Adv__Identity m = ADV__IDENTITY__INIT;

    WIRE_SET(&m, raw_id, v->raw_id);
    WIRE_SET(&m, timestamp, v->timestamp);
    WIRE_SET(&m, key_index, v->key_index);
    if (v->account_type)
        WIRE_SET(&m, account_type, v->account_type);
    if (v->device_type)
        WIRE_SET(&m, device_type, v->device_type);
    return wire_pack(&m.base, out);
}

enum wb_err adv_signed_key_list_decode(struct span in, struct arena *a,
                                       struct adv_signed_key_list *ret_v)
{
    struct adv_signed_key_list v = {0};
    ProtobufCMessage *base = NULL;
    const Adv__SignedKeyList *m;
    enum wb_err err;

    TRY(wire_unpack(&adv__signed_key_list__descriptor, in, a, &base));
    m = (const Adv__SignedKeyList *)(const void *)base;
    v.details = WIRE_SPAN(m, details);
    v.account_signature = WIRE_SPAN(m, account_signature);
    v.account_key = WIRE_SPAN(m, account_key);
    if (span_is_null(v.details) || !absent_or(v.account_key, ADV_KEY_BYTES) ||
        !absent_or(v.account_signature, ADV_SIG_BYTES))
        return WB_ERR_MALFORMED;
    *ret_v = v;
out:
    return err;
}

enum wb_err adv_signed_key_list_encode(const struct adv_signed_key_list *v, struct buf *out)
{
    Adv__SignedKeyList m = ADV__SIGNED_KEY_LIST__INIT;

    WIRE_SET_BYTES(&m, details, v->details);
    WIRE_SET_BYTES(&m, account_signature, v->account_signature);
    WIRE_SET_BYTES(&m, account_key, v->account_key);
    return wire_pack(&m.base, out);
}

enum wb_err adv_key_list_decode(struct span in, struct arena *a, struct adv_key_list *ret_v)
{
    ProtobufCMessage *base = NULL;
    const Adv__KeyList *m;
    enum wb_err err;

    TRY(wire_unpack(&adv__key_list__descriptor, in, a, &base));
    m = (const Adv__KeyList *)(const void *)base;
    *ret_v = (struct adv_key_list){m->raw_id,        m->timestamp,       m->current_index,
                                   m->valid_indexes, m->n_valid_indexes, m->account_type};
out:
    return err;
}

enum wb_err adv_key_list_encode(const struct adv_key_list *v, struct buf *out)
{
    Adv__KeyList m = ADV__KEY_LIST__INIT;

    WIRE_SET(&m, raw_id, v->raw_id);
    WIRE_SET(&m, timestamp, v->timestamp);
    WIRE_SET(&m, current_index, v->current_index);
    m.n_valid_indexes = v->nvalid;
    m.valid_indexes = (uint32_t *)(uintptr_t)v->valid; /* packing does not write */
    if (v->account_type)
        WIRE_SET(&m, account_type, v->account_type);
    return wire_pack(&m.base, out);
}
