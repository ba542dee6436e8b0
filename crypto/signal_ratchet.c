/* signal_ratchet.c - the key derivations of the Double Ratchet, message version 3. */
#include "crypto/signal_internal.h"

static const uint8_t message_seed[1] = {1}, chain_seed[1] = {2}; /* P-SG-08 */

/* Every 64-byte derivation here gives two keys: root and chain. */
static void split_root_chain(const uint8_t okm[static 64], uint8_t root[static 32],
                             struct signal_chain_key *chain)
{
    memcpy(root, okm, 32);
    memcpy(chain->key, okm + 32, 32);
    chain->index = 0;
}

void signal_derive_first(struct span secret, uint8_t root[static 32],
                         struct signal_chain_key *chain)
{
    uint8_t okm[64];

    hkdf_sha256(secret, SPAN_NULL, SPAN_LIT("WhisperText"), okm, sizeof okm);
    split_root_chain(okm, root, chain);
    secret_wipe(okm, sizeof okm);
}

enum wb_err signal_root_step(const uint8_t root[static 32],
                             const uint8_t priv[static X25519_KEY_BYTES],
                             const uint8_t pub[static X25519_KEY_BYTES],
                             uint8_t ret_root[static 32], struct signal_chain_key *ret_chain)
{
    uint8_t shared[X25519_KEY_BYTES], okm[64];
    enum wb_err err;

    TRY(x25519_agree(priv, pub, shared));
    hkdf_sha256(SPAN_ARRAY(shared), SPAN(root, 32), SPAN_LIT("WhisperRatchet"), okm, sizeof okm);
    split_root_chain(okm, ret_root, ret_chain);
    secret_wipe(shared, sizeof shared);
    secret_wipe(okm, sizeof okm);
out:
    return err;
}

void signal_message_keys_derive(const struct signal_chain_key *chain,
                                struct signal_message_keys *keys)
{
    uint8_t seed[SHA256_BYTES], okm[80];

    hmac_sha256(SPAN_ARRAY(chain->key), SPAN_ARRAY(message_seed), seed);
    hkdf_sha256(SPAN_ARRAY(seed), SPAN_NULL, SPAN_LIT("WhisperMessageKeys"), okm, sizeof okm);
    memcpy(keys->cipher_key, okm, 32);
    memcpy(keys->mac_key, okm + 32, 32);
    memcpy(keys->iv, okm + 64, 16);
    keys->index = chain->index;
    secret_wipe(seed, sizeof seed);
    secret_wipe(okm, sizeof okm);
}

void signal_chain_key_next(struct signal_chain_key *chain)
{
    uint8_t next[SHA256_BYTES];

    hmac_sha256(SPAN_ARRAY(chain->key), SPAN_ARRAY(chain_seed), next);
    memcpy(chain->key, next, sizeof next);
    chain->index++;
    secret_wipe(next, sizeof next);
}

void signal_message_mac(const uint8_t mac_key[static SHA256_BYTES],
                        const uint8_t sender[static X25519_KEY_BYTES],
                        const uint8_t receiver[static X25519_KEY_BYTES], struct span signed_bytes,
                        uint8_t mac[static SIGNAL_MAC_BYTES])
{
    uint8_t from[DJB_KEY_BYTES], to[DJB_KEY_BYTES], full[SHA256_BYTES];

    djb_encode(sender, from);
    djb_encode(receiver, to);
    hmac_sha256_v(SPAN(mac_key, SHA256_BYTES),
                  (struct span[]){SPAN_ARRAY(from), SPAN_ARRAY(to), signed_bytes}, 3, full);
    memcpy(mac, full, SIGNAL_MAC_BYTES);
    secret_wipe(full, sizeof full);
}
