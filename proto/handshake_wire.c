#include "proto/handshake_wire.h"

#include "proto/wire_arena.h"
#include "schema/handshake.pb-c.h"

static enum wb_err parse(struct span in, struct arena *a, Hs__Message **ret_m)
{
    return wire_unpack(&hs__message__descriptor, in, a, (ProtobufCMessage **)(void *)ret_m);
}

/* A sealed key, if present, has exactly 48 bytes; a sealed payload has at least its tag. */
static bool sealed_ok(struct span static_ct, struct span payload_ct)
{
    return (span_is_null(static_ct) || static_ct.n == HANDSHAKE_SEALED_BYTES) &&
           (span_is_null(payload_ct) || payload_ct.n >= HANDSHAKE_TAG_BYTES);
}

enum wb_err handshake_client_hello_encode(const struct handshake_client_hello *h, struct buf *out)
{
    Hs__ClientHello hello = HS__CLIENT_HELLO__INIT;
    Hs__Message m = HS__MESSAGE__INIT;

    if (!sealed_ok(h->static_ct, h->payload_ct))
        return WB_ERR_INVALID;
    WIRE_SET_BYTES(&hello, ephemeral, SPAN_ARRAY(h->ephemeral));
    WIRE_SET_BYTES(&hello, static_ct, h->static_ct);
    WIRE_SET_BYTES(&hello, payload_ct, h->payload_ct);
    m.client_hello = &hello;
    return wire_pack(&m.base, out);
}

enum wb_err handshake_client_hello_decode(struct span in, struct arena *a,
                                          struct handshake_client_hello *ret_h)
{
    struct handshake_client_hello h = {0};
    Hs__Message *m = NULL;
    enum wb_err err;

    TRY(parse(in, a, &m));
    if (!m->client_hello)
        return WB_ERR_PROTOCOL;
    TRY(wire_fixed(m->client_hello->has_ephemeral, m->client_hello->ephemeral, h.ephemeral,
                   sizeof h.ephemeral));
    h.static_ct = WIRE_SPAN(m->client_hello, static_ct);
    h.payload_ct = WIRE_SPAN(m->client_hello, payload_ct);
    if (!sealed_ok(h.static_ct, h.payload_ct))
        return WB_ERR_MALFORMED;
    *ret_h = h;
out:
    return err;
}

enum wb_err handshake_server_hello_encode(const struct handshake_server_hello *h, struct buf *out)
{
    Hs__ServerHello hello = HS__SERVER_HELLO__INIT;
    Hs__Message m = HS__MESSAGE__INIT;

    if (!sealed_ok(h->static_ct, h->payload_ct) || span_is_null(h->payload_ct))
        return WB_ERR_INVALID;
    WIRE_SET_BYTES(&hello, ephemeral, SPAN_ARRAY(h->ephemeral));
    WIRE_SET_BYTES(&hello, static_ct, h->static_ct);
    WIRE_SET_BYTES(&hello, payload_ct, h->payload_ct);
    m.server_hello = &hello;
    return wire_pack(&m.base, out);
}

enum wb_err handshake_server_hello_decode(struct span in, struct arena *a,
                                          struct handshake_server_hello *ret_h)
{
    struct handshake_server_hello h = {0};
    Hs__Message *m = NULL;
    enum wb_err err;

    TRY(parse(in, a, &m));
    if (!m->server_hello)
        return WB_ERR_PROTOCOL;
    TRY(wire_fixed(m->server_hello->has_ephemeral, m->server_hello->ephemeral, h.ephemeral,
                   sizeof h.ephemeral));
    h.static_ct = WIRE_SPAN(m->server_hello, static_ct);
    h.payload_ct = WIRE_SPAN(m->server_hello, payload_ct);
    if (!sealed_ok(h.static_ct, h.payload_ct) || span_is_null(h.payload_ct))
        return WB_ERR_MALFORMED;
    *ret_h = h;
out:
    return err;
}

enum wb_err handshake_client_finish_encode(const struct handshake_client_finish *h, struct buf *out)
{
    Hs__ClientFinish finish = HS__CLIENT_FINISH__INIT;
    Hs__Message m = HS__MESSAGE__INIT;

    if (!sealed_ok(h->static_ct, h->payload_ct) || span_is_null(h->static_ct) ||
        span_is_null(h->payload_ct))
        return WB_ERR_INVALID;
    WIRE_SET_BYTES(&finish, static_ct, h->static_ct);
    WIRE_SET_BYTES(&finish, payload_ct, h->payload_ct);
    m.client_finish = &finish;
    return wire_pack(&m.base, out);
}

enum wb_err handshake_client_finish_decode(struct span in, struct arena *a,
                                           struct handshake_client_finish *ret_h)
{
    struct handshake_client_finish h = {0};
    Hs__Message *m = NULL;
    enum wb_err err;

    TRY(parse(in, a, &m));
    if (!m->client_finish)
        return WB_ERR_PROTOCOL;
    h.static_ct = WIRE_SPAN(m->client_finish, static_ct);
    h.payload_ct = WIRE_SPAN(m->client_finish, payload_ct);
    if (!sealed_ok(h.static_ct, h.payload_ct) || span_is_null(h.static_ct) ||
        span_is_null(h.payload_ct))
        return WB_ERR_MALFORMED;
    *ret_h = h;
out:
    return err;
}

/* ---- certificates ---- */

static enum wb_err cert_from(const Hs__Cert *c, struct cert_wire_signed *ret_s)
{
    if (!c || !c->has_details)
        return WB_ERR_MALFORMED;
    ret_s->details = WIRE_SPAN(c, details);
    return wire_fixed(c->has_signature, c->signature, ret_s->signature, sizeof ret_s->signature);
}

enum wb_err cert_wire_chain_decode(struct span in, struct arena *a, struct cert_wire_chain *ret_c)
{
    struct cert_wire_chain c = {0};
    ProtobufCMessage *base = NULL;
    const Hs__CertChain *m;
    enum wb_err err;

    TRY(wire_unpack(&hs__cert_chain__descriptor, in, a, &base));
    m = (const Hs__CertChain *)(const void *)base;
    TRY(cert_from(m->leaf, &c.leaf));
    TRY(cert_from(m->intermediate, &c.intermediate));
    *ret_c = c;
out:
    return err;
}

enum wb_err cert_wire_chain_encode(const struct cert_wire_chain *c, struct buf *out)
{
    Hs__Cert leaf = HS__CERT__INIT;
    Hs__Cert intermediate = HS__CERT__INIT;
    Hs__CertChain m = HS__CERT_CHAIN__INIT;

    WIRE_SET_BYTES(&leaf, details, c->leaf.details);
    WIRE_SET_BYTES(&leaf, signature, SPAN_ARRAY(c->leaf.signature));
    WIRE_SET_BYTES(&intermediate, details, c->intermediate.details);
    WIRE_SET_BYTES(&intermediate, signature, SPAN_ARRAY(c->intermediate.signature));
    m.leaf = &leaf;
    m.intermediate = &intermediate;
    return wire_pack(&m.base, out);
}

enum wb_err cert_wire_details_decode(struct span in, struct arena *a,
                                     struct cert_wire_details *ret_d)
{
    struct cert_wire_details d = {0};
    ProtobufCMessage *base = NULL;
    const Hs__CertDetails *m;
    enum wb_err err;

    TRY(wire_unpack(&hs__cert_details__descriptor, in, a, &base));
    m = (const Hs__CertDetails *)(const void *)base;
    TRY(wire_fixed(m->has_key, m->key, d.key, sizeof d.key));
    d.serial = m->serial;
    d.issuer_serial = m->issuer_serial;
    d.not_before = m->not_before;
    d.not_after = m->not_after;
    *ret_d = d;
out:
    return err;
}

enum wb_err cert_wire_details_encode(const struct cert_wire_details *d, struct buf *out)
{
    Hs__CertDetails m = HS__CERT_DETAILS__INIT;

    WIRE_SET(&m, serial, d->serial);
    WIRE_SET(&m, issuer_serial, d->issuer_serial);
    WIRE_SET_BYTES(&m, key, SPAN_ARRAY(d->key));
    WIRE_SET(&m, not_before, d->not_before);
    WIRE_SET(&m, not_after, d->not_after);
    return wire_pack(&m.base, out);
}
