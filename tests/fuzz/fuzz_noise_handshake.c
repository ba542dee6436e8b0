/* Both roles read a peer's fields: role byte, then up to three fields of u16 length and bytes. Keys
 * are fixed, so the seeds hold messages that verify. An error must leave the handshake failed and
 * the output untouched. */
#include <stdlib.h>

#include "base/reader.h"
#include "base/secret.h"
#include "crypto/noise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct noise_handshake *hs, enum wb_err err, const struct buf *payload)
{
    if (err != WB_OK && (hs->step != NOISE_FAILED || payload->n != 0))
        abort();
}

static struct span field(struct reader *r)
{
    size_t n = reader_u16be(r), left = reader_left(r);

    return reader_bytes(r, n < left ? n : left);
}

static void start(struct noise_handshake *hs, bool initiator)
{
    uint8_t seed[32] = {initiator}, priv[X25519_KEY_BYTES];
    struct rng_seeded state;
    struct rng rng = rng_from_seed(&state, seed);
    struct x25519_pair s;

    memset(priv, initiator ? 1 : 2, sizeof priv);
    x25519_from_private(priv, &s);
    if (noise_handshake_init(hs, initiator, SPAN_LIT("WA\x06\x03"), &s, &rng) != WB_OK)
        abort();
}

/* What follows a good handshake: the rest of the input as frames. */
static void transport(struct noise_handshake *hs, struct reader *r, struct buf *out)
{
    struct noise_transport t;

    if (noise_split(hs, &t) != WB_OK)
        abort();
    while (reader_left(r) > 0 && noise_transport_open(&t, field(r), out) == WB_OK)
        buf_clear(out);
    noise_transport_free(&t);
}

static void initiator(struct reader *r)
{
    struct noise_handshake hs;
    struct buf payload = buf_new(1 << 17), static_ct = buf_new(64), sealed = buf_new(64);
    struct span e = field(r), s = field(r), p = field(r);
    uint8_t e1[X25519_KEY_BYTES];
    enum wb_err err;

    start(&hs, true);
    if (noise_write_1(&hs, e1) != WB_OK)
        abort();
    err = noise_read_2(&hs, e, s, p, &payload);
    check(&hs, err, &payload);
    if (err == WB_OK) {
        if (noise_write_3(&hs, SPAN_LIT("payload"), &static_ct, &sealed) != WB_OK)
            abort();
        transport(&hs, r, &payload);
    }
    noise_handshake_free(&hs);
    buf_free(&payload);
    buf_free(&static_ct);
    buf_free(&sealed);
}

static void responder(struct reader *r)
{
    struct noise_handshake hs;
    struct buf payload = buf_new(1 << 17), static_ct = buf_new(64), sealed = buf_new(64);
    struct span e = field(r), s = field(r), p = field(r);
    uint8_t e2[X25519_KEY_BYTES];
    enum wb_err err;

    start(&hs, false);
    err = noise_read_1(&hs, e);
    check(&hs, err, &payload);
    if (err == WB_OK) {
        err = noise_write_2(&hs, SPAN_LIT("chain"), e2, &static_ct, &sealed);
        check(&hs, err, &static_ct);
    }
    if (err == WB_OK) {
        err = noise_read_3(&hs, s, p, &payload);
        check(&hs, err, &payload);
    }
    if (err == WB_OK)
        transport(&hs, r, &payload);
    noise_handshake_free(&hs);
    buf_free(&payload);
    buf_free(&static_ct);
    buf_free(&sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_new(SPAN(data, size));

    if (secret_init() != WB_OK)
        abort();
    if (reader_u8(&r) % 2 == 1)
        initiator(&r);
    else
        responder(&r);
    return 0;
}
