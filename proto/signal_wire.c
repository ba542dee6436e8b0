#include "proto/signal_wire.h"

#include "proto/wire_field.h"

enum { KEY_TYPE_DJB = 5 };

static bool as_u32(const struct wire_field *f, uint32_t *ret_v)
{
    if (f->type != WIRE_VARINT || f->value > UINT32_MAX)
        return false;
    *ret_v = (uint32_t)f->value;
    return true;
}

static bool as_bytes(const struct wire_field *f, struct span *ret_s)
{
    if (f->type != WIRE_BYTES)
        return false;
    *ret_s = f->bytes;
    return true;
}

static enum wb_err check_key(struct span s)
{
    if (span_is_null(s))
        return WB_ERR_MALFORMED;
    return s.n == SIGNAL_WIRE_KEY_BYTES && s.p[0] == KEY_TYPE_DJB ? WB_OK : WB_ERR_BAD_KEY;
}

enum wb_err signal_wire_message_decode(struct span in, struct signal_wire_message *ret_m)
{
    struct signal_wire_message m = {0};
    struct span key = SPAN_NULL;
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (in.n) {
        bool good = true;

        TRY(wire_next(&in, &f));
        switch (f.number) {
        case 1:
            good = as_bytes(&f, &key);
            break;
        case 2:
            good = as_u32(&f, &m.counter);
            break;
        case 3:
            good = as_u32(&f, &m.previous_counter);
            break;
        case 4:
            good = as_bytes(&f, &m.ciphertext);
            break;
        default:
            break;
        }
        if (!good)
            return WB_ERR_MALFORMED;
    }
    TRY(check_key(key));
    if (span_is_null(m.ciphertext))
        return WB_ERR_MALFORMED;
    m.ratchet_key = key.p;
    *ret_m = m;
out:
    return err;
}

enum wb_err signal_wire_message_encode(const struct signal_wire_message *m, struct buf *out)
{
    wire_put_bytes(out, 1, SPAN(m->ratchet_key, SIGNAL_WIRE_KEY_BYTES));
    wire_put_uint(out, 2, m->counter);
    wire_put_uint(out, 3, m->previous_counter);
    wire_put_bytes(out, 4, m->ciphertext);
    return buf_err(out);
}

struct prekey_parts {
    struct span base_key, identity;
};

static bool take_prekey_field(const struct wire_field *f, struct signal_wire_prekey_message *m,
                              struct prekey_parts *parts)
{
    switch (f->number) {
    case 1:
        return as_u32(f, &m->prekey_id);
    case 2:
        return as_bytes(f, &parts->base_key);
    case 3:
        return as_bytes(f, &parts->identity);
    case 4:
        return as_bytes(f, &m->message);
    case 5:
        return as_u32(f, &m->registration_id);
    case 6:
        return as_u32(f, &m->signed_prekey_id);
    default:
        return true;
    }
}

enum wb_err signal_wire_prekey_message_decode(struct span in,
                                              struct signal_wire_prekey_message *ret_m)
{
    struct signal_wire_prekey_message m = {0};
    struct prekey_parts parts = {SPAN_NULL, SPAN_NULL};
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (in.n) {
        TRY(wire_next(&in, &f));
        if (!take_prekey_field(&f, &m, &parts))
            return WB_ERR_MALFORMED;
    }
    TRY(check_key(parts.base_key));
    TRY(check_key(parts.identity));
    if (span_is_null(m.message))
        return WB_ERR_MALFORMED;
    m.base_key = parts.base_key.p;
    m.identity = parts.identity.p;
    m.has_prekey_id = m.prekey_id != 0;
    *ret_m = m;
out:
    return err;
}

enum wb_err signal_wire_prekey_message_encode(const struct signal_wire_prekey_message *m,
                                              struct buf *out)
{
    if (m->has_prekey_id)
        wire_put_uint(out, 1, m->prekey_id);
    wire_put_bytes(out, 2, SPAN(m->base_key, SIGNAL_WIRE_KEY_BYTES));
    wire_put_bytes(out, 3, SPAN(m->identity, SIGNAL_WIRE_KEY_BYTES));
    wire_put_bytes(out, 4, m->message);
    wire_put_uint(out, 5, m->registration_id);
    wire_put_uint(out, 6, m->signed_prekey_id);
    return buf_err(out);
}

enum wb_err signal_wire_sender_message_decode(struct span in,
                                              struct signal_wire_sender_message *ret_m)
{
    struct signal_wire_sender_message m = {0};
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (in.n) {
        bool good = true;

        TRY(wire_next(&in, &f));
        if (f.number == 1)
            good = as_u32(&f, &m.key_id);
        else if (f.number == 2)
            good = as_u32(&f, &m.iteration);
        else if (f.number == 3)
            good = as_bytes(&f, &m.ciphertext);
        if (!good)
            return WB_ERR_MALFORMED;
    }
    if (span_is_null(m.ciphertext))
        return WB_ERR_MALFORMED;
    *ret_m = m;
out:
    return err;
}

enum wb_err signal_wire_sender_message_encode(const struct signal_wire_sender_message *m,
                                              struct buf *out)
{
    wire_put_uint(out, 1, m->key_id);
    wire_put_uint(out, 2, m->iteration);
    wire_put_bytes(out, 3, m->ciphertext);
    return buf_err(out);
}

enum wb_err signal_wire_distribution_decode(struct span in, struct signal_wire_distribution *ret_m)
{
    struct signal_wire_distribution m = {0};
    struct span chain = SPAN_NULL;
    struct span signing = SPAN_NULL;
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (in.n) {
        bool good = true;

        TRY(wire_next(&in, &f));
        if (f.number == 1)
            good = as_u32(&f, &m.key_id);
        else if (f.number == 2)
            good = as_u32(&f, &m.iteration);
        else if (f.number == 3)
            good = as_bytes(&f, &chain);
        else if (f.number == 4)
            good = as_bytes(&f, &signing);
        if (!good)
            return WB_ERR_MALFORMED;
    }
    TRY(check_key(signing));
    if (chain.n != SIGNAL_WIRE_CHAIN_BYTES)
        return WB_ERR_MALFORMED;
    m.chain_key = chain.p;
    m.signing_key = signing.p;
    *ret_m = m;
out:
    return err;
}

enum wb_err signal_wire_distribution_encode(const struct signal_wire_distribution *m,
                                            struct buf *out)
{
    wire_put_uint(out, 1, m->key_id);
    wire_put_uint(out, 2, m->iteration);
    wire_put_bytes(out, 3, SPAN(m->chain_key, SIGNAL_WIRE_CHAIN_BYTES));
    wire_put_bytes(out, 4, SPAN(m->signing_key, SIGNAL_WIRE_KEY_BYTES));
    return buf_err(out);
}
