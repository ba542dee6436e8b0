/* signal_internal.h - what the signal_*.c files share. Not for other folders. */
#ifndef CRYPTO_SIGNAL_INTERNAL_H
#define CRYPTO_SIGNAL_INTERNAL_H

#include "base/secret.h"
#include "crypto/signal.h"

enum { SIGNAL_VERSION_BYTE = SIGNAL_VERSION << 4 | SIGNAL_VERSION };

/* One nibble, the version that the sender speaks, must be 3; the other, the newest version that it
 * knows, may be anything (P-SG-21). TRUNCATED for an empty message. */
enum wb_err signal_check_version(struct span message) WB_MUST_CHECK;

/* ---- signal_ratchet.c ---- */

/* P-SG-05: input secret -> first root key and chain key. */
void signal_derive_first(struct span secret, uint8_t root[static 32],
                         struct signal_chain_key *chain);
/* One step of the root chain (P-SG-07). root and ret_root may be the same. BAD_KEY for an unusable
 * peer key. */
enum wb_err signal_root_step(const uint8_t root[static 32],
                             const uint8_t priv[static X25519_KEY_BYTES],
                             const uint8_t pub[static X25519_KEY_BYTES],
                             uint8_t ret_root[static 32],
                             struct signal_chain_key *ret_chain) WB_MUST_CHECK;
/* The keys of the chain's next message (P-SG-08). */
void signal_message_keys_derive(const struct signal_chain_key *chain,
                                struct signal_message_keys *keys);
void signal_chain_key_next(struct signal_chain_key *chain);
/* First 8 bytes of the MAC of P-SG-11 over version byte and protobuf. */
void signal_message_mac(const uint8_t mac_key[static SHA256_BYTES],
                        const uint8_t sender[static X25519_KEY_BYTES],
                        const uint8_t receiver[static X25519_KEY_BYTES], struct span signed_bytes,
                        uint8_t mac[static SIGNAL_MAC_BYTES]);

/* ---- signal_x3dh.c ---- */

enum wb_err signal_x3dh_initiate(const struct signal_local *local,
                                 const struct signal_bundle *bundle, const struct rng *rng,
                                 struct signal_state **ret_state) WB_MUST_CHECK;
/* prekey may be NULL. */
enum wb_err signal_x3dh_respond(const struct signal_local *local,
                                const struct signal_prekey_header *h,
                                const struct x25519_pair *signed_prekey,
                                const struct x25519_pair *prekey,
                                struct signal_state **ret_state) WB_MUST_CHECK;

/* ---- signal_receive.c ---- */

/* A SignalMessage taken apart; borrows from the message. */
struct signal_incoming {
    const uint8_t *ratchet; /* 32 bytes */
    uint32_t counter;
    struct span ciphertext;
    struct span signed_bytes; /* version byte and protobuf as received (P-SG-18) */
    const uint8_t *mac;       /* SIGNAL_MAC_BYTES */
};
enum wb_err signal_incoming_parse(struct span message, struct signal_incoming *ret_m) WB_MUST_CHECK;
/* Does the state have a receiver chain of this ratchet key? */
bool signal_state_knows(const struct signal_state *state, const struct signal_incoming *m);
/* Decrypts with this one state, or leaves the state and plain as they were. *ret_stepped: the
 * message brought a new ratchet key, so the sending chain is a new one too. */
enum wb_err signal_state_receive(struct signal_state *state, const struct signal_incoming *m,
                                 const struct rng *rng, struct buf *plain,
                                 bool *ret_stepped) WB_MUST_CHECK;

/* ---- signal_group_chain.c ---- */

/* The key of one group message (P-SG-27). */
void sender_message_key_derive(uint32_t iteration, const uint8_t chain_key[static 32],
                               struct sender_message_key *key);
void sender_chain_key_next(uint8_t chain_key[static 32]);
/* Moves the state's chain to iteration, keeping the keys passed over; nothing changes on NOMEM.
 * iteration is at most SENDER_KEY_FORWARD_MAX ahead. */
enum wb_err sender_key_state_forward(struct sender_key_state *state,
                                     uint32_t iteration) WB_MUST_CHECK;
/* Puts a new state, which the record takes over, in front; the oldest beyond the limit falls
 * off. */
void sender_key_record_push(struct sender_key_record *r, struct sender_key_state *state);

/* ---- signal_group_receive.c ---- */

/* Has this state used the key of the iteration, or dropped it? The state cannot tell for iterations
 * before it knew the chain. */
bool sender_key_is_used(const struct sender_key_state *state, uint32_t iteration);

/* ---- small shared pieces ---- */

/* Removes what a failed call has appended. */
static inline void signal_rollback(struct buf *b, size_t n)
{
    if (b->n > n) {
        secret_wipe(b->p + n, b->n - n);
        b->n = n;
    }
}

#endif
