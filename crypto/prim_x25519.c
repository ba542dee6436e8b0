#include "crypto/prim_x25519.h"

#include <sodium.h>
#include <string.h>

#include "base/secret.h"

_Static_assert(X25519_KEY_BYTES == crypto_scalarmult_curve25519_BYTES, "X25519 key size");
_Static_assert(X25519_KEY_BYTES == crypto_scalarmult_curve25519_SCALARBYTES, "X25519 scalar size");

static void clamp(uint8_t k[static X25519_KEY_BYTES])
{
    k[0] &= 248;
    k[31] &= 127;
    k[31] |= 64;
}

void x25519_generate(const struct rng *rng, struct x25519_pair *ret_pair)
{
    rng_fill(rng, ret_pair->priv, X25519_KEY_BYTES);
    clamp(ret_pair->priv);
    crypto_scalarmult_curve25519_base(ret_pair->pub, ret_pair->priv);
}

void x25519_from_private(const uint8_t priv[static X25519_KEY_BYTES], struct x25519_pair *ret_pair)
{
    uint8_t pub[X25519_KEY_BYTES];

    /* libsodium clamps its own copy; a multiple of the base point is never refused. */
    crypto_scalarmult_curve25519_base(pub, priv);
    memmove(ret_pair->priv, priv, X25519_KEY_BYTES);
    memcpy(ret_pair->pub, pub, X25519_KEY_BYTES);
}

enum wb_err x25519_agree(const uint8_t priv[static X25519_KEY_BYTES],
                         const uint8_t pub[static X25519_KEY_BYTES],
                         uint8_t ret_shared[static X25519_KEY_BYTES])
{
    uint8_t shared[X25519_KEY_BYTES];
    enum wb_err err = WB_OK;

    /* Refuses the small-order points and an all-zero result. */
    if (crypto_scalarmult_curve25519(shared, priv, pub) != 0)
        err = WB_ERR_BAD_KEY;
    else
        memcpy(ret_shared, shared, X25519_KEY_BYTES);
    secret_wipe(shared, sizeof shared);
    return err;
}

void djb_encode(const uint8_t pub[static X25519_KEY_BYTES], uint8_t out[static DJB_KEY_BYTES])
{
    out[0] = DJB_TYPE;
    memcpy(out + 1, pub, X25519_KEY_BYTES);
}
