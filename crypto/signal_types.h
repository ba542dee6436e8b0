/* signal_types.h - the state of the Signal protocol, message version 3, as plain values.
 *
 * store/ writes these records in whatsmeow's JSON form; crypto/signal_*.c moves them forward.
 * Limits as in the reference implementation (P-SG-14, P-SG-28). */
#ifndef CRYPTO_SIGNAL_TYPES_H
#define CRYPTO_SIGNAL_TYPES_H

#include "base/buf.h"
#include "base/rng.h"
#include "crypto/prim_aead.h"
#include "crypto/prim_hash.h"
#include "crypto/prim_x25519.h"
#include "crypto/prim_xeddsa.h"

enum {
    SIGNAL_VERSION = 3,
    SIGNAL_FORWARD_MAX = 2000,      /* how far ahead one message may move a chain */
    SIGNAL_MESSAGE_KEYS_MAX = 2000, /* skipped keys kept per chain; the oldest go first */
    SIGNAL_RECEIVER_CHAINS_MAX = 5,
    SIGNAL_ARCHIVED_STATES_MAX = 40,
    SENDER_KEY_FORWARD_MAX = 2000,
    SENDER_KEY_MESSAGE_KEYS_MAX = 2000,
    SENDER_KEY_STATES_MAX = 5,
    SIGNAL_MAC_BYTES = 8,
};

/* Index of a chain that must not send (again). */
#define SIGNAL_CHAIN_SPENT UINT32_MAX

struct signal_chain_key {
    uint8_t key[32];
    uint32_t index;
};

struct signal_message_keys {
    uint8_t cipher_key[AES_KEY_BYTES];
    uint8_t mac_key[SHA256_BYTES];
    uint8_t iv[AES_BLOCK_BYTES];
    uint32_t index;
};

/* A sending chain (ratchet.priv known) or a receiving one (ratchet.pub only). */
struct signal_chain {
    struct x25519_pair ratchet;
    struct signal_chain_key chain_key;
    struct signal_message_keys *keys; /* skipped, oldest first; malloc'd */
    size_t nkeys;
};

/* The part of a PreKeySignalMessage that is repeated until the peer answers (P-SG-13). */
struct signal_pending_prekey {
    bool present;
    bool has_prekey_id; /* a one-time prekey was used */
    uint32_t prekey_id;
    uint32_t signed_prekey_id;
    uint8_t base_key[X25519_KEY_BYTES];
};

struct signal_state {
    uint8_t local_identity[X25519_KEY_BYTES];
    uint8_t remote_identity[X25519_KEY_BYTES];
    uint8_t root_key[32];
    uint8_t base_key[X25519_KEY_BYTES]; /* the initiator's; names the state (P-SG-17) */
    uint32_t local_registration_id;
    uint32_t remote_registration_id;
    uint32_t previous_counter; /* any value, 4294967295 included (P-SG-20) */
    bool has_sender_chain;
    struct signal_chain sender_chain;
    struct signal_chain receiver_chains[SIGNAL_RECEIVER_CHAINS_MAX]; /* oldest first */
    size_t nreceiver_chains;
    struct signal_pending_prekey pending;
};

/* A session record: the current state and the archived ones, newest first. current may be NULL
 * (receive-only record, or a fresh one). */
struct signal_session {
    struct signal_state *current;
    struct signal_state *archived[SIGNAL_ARCHIVED_STATES_MAX];
    size_t narchived;
};

struct sender_message_key {
    uint32_t iteration;
    uint8_t seed[32];
    uint8_t iv[AES_BLOCK_BYTES];
    uint8_t cipher_key[AES_KEY_BYTES];
};

struct sender_key_state {
    uint32_t key_id;
    uint32_t iteration;
    /* Where our knowledge of the chain begins: every key from here up to iteration is either in
     * keys or used up, and no other state of the chain may open it again. 0 (all of them) when not
     * known, as in a record that whatsmeow has written. */
    uint32_t first_iteration;
    uint8_t chain_key[32];
    uint8_t signing_pub[X25519_KEY_BYTES];
    uint8_t signing_priv[X25519_KEY_BYTES];
    bool has_signing_priv;
    struct sender_message_key *keys; /* skipped, oldest first; malloc'd */
    size_t nkeys;
    /* computed at the first verification, never stored */
    struct xeddsa_public_key prepared;
    bool has_prepared;
};

/* States of one (group, sender): newest first. */
struct sender_key_record {
    struct sender_key_state *states[SENDER_KEY_STATES_MAX];
    size_t nstates;
};

/* All free functions wipe and are NULL-safe; clones are deep, NULL on no memory. */
struct signal_state *signal_state_new(void) WB_MUST_CHECK;
struct signal_state *signal_state_clone(const struct signal_state *s) WB_MUST_CHECK;
void signal_state_free(struct signal_state *s);
struct signal_session *signal_session_new(void) WB_MUST_CHECK;
struct signal_session *signal_session_clone(const struct signal_session *s) WB_MUST_CHECK;
void signal_session_free(struct signal_session *s);
/* Puts a state, which the record takes over, to the front of the archive (the oldest falls off). */
void signal_session_archive(struct signal_session *s, struct signal_state *state);
/* The current state moves to the front of the archive (the oldest falls off). */
void signal_session_archive_current(struct signal_session *s);
/* Retires a record that is a copy which others may have gone on from: no state stays current, and
 * every sending chain is spent and its key overwritten, so that no program can continue it. The
 * ratchet keys stay: messages that peers send to them can be read, and each such message leads to a
 * new sending chain of our own. */
void signal_session_retire(struct signal_session *s, const struct rng *rng);
/* Like signal_session_retire(), but the current state stays current: for a copy with which another
 * program (libsignal for Go, which needs a current state) may read, and which must not send beside
 * the original. */
void signal_session_spend(struct signal_session *s, const struct rng *rng);
struct sender_key_state *sender_key_state_new(void) WB_MUST_CHECK;
void sender_key_state_free(struct sender_key_state *s);
struct sender_key_record *sender_key_record_new(void) WB_MUST_CHECK;
struct sender_key_record *sender_key_record_clone(const struct sender_key_record *r) WB_MUST_CHECK;
void sender_key_record_free(struct sender_key_record *r);

#endif
