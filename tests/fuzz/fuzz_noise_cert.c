/* The certificate chain. First byte even: the rest is a chain as received. Odd: the rest is split
 * at its first byte's length into the details of intermediate and leaf, which are signed here, so
 * that the checks behind the signatures are reached. */
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/noise_cert.h"
#include "crypto/prim_xeddsa.h"
#include "proto/handshake_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1700000000, CHAIN_MAX = 1 << 17 };

struct keys {
    struct x25519_pair root, intermediate;
    uint8_t server[X25519_KEY_BYTES];
};

static void make_keys(struct keys *k)
{
    uint8_t priv[X25519_KEY_BYTES];

    memset(priv, 1, sizeof priv);
    x25519_from_private(priv, &k->root);
    memset(priv, 2, sizeof priv);
    x25519_from_private(priv, &k->intermediate);
    memset(k->server, 3, sizeof k->server);
}

static void signed_chain(const struct keys *k, struct span intermediate, struct span leaf)
{
    uint8_t seed[32] = {0};
    struct rng_seeded state;
    struct rng rng = rng_from_seed(&state, seed);
    struct cert_wire_chain c = {.leaf.details = leaf, .intermediate.details = intermediate};
    struct buf chain = buf_new(CHAIN_MAX);

    if (xeddsa_sign(k->root.priv, intermediate, &rng, c.intermediate.signature) != WB_OK ||
        xeddsa_sign(k->intermediate.priv, leaf, &rng, c.leaf.signature) != WB_OK)
        abort();
    if (cert_wire_chain_encode(&c, &chain) == WB_OK) {
        enum wb_err err = noise_cert_verify(buf_span(&chain), k->root.pub, k->server, NOW);

        if (err != WB_OK && err != WB_ERR_BAD_CERT && err != WB_ERR_CLOCK)
            abort();
    }
    buf_free(&chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = SPAN(data, size);
    struct keys k;

    if (secret_init() != WB_OK)
        abort();
    make_keys(&k);
    if (size < 2)
        return 0;
    if (data[0] % 2 == 0) {
        /* Nobody can forge the root's signature. */
        if (noise_cert_verify(span_skip(in, 1), noise_root_key_whatsapp, k.server, NOW) !=
            WB_ERR_BAD_CERT)
            abort();
    } else {
        in = span_skip(in, 2);
        signed_chain(&k, span_first(in, data[1]), span_skip(in, data[1]));
    }
    return 0;
}
