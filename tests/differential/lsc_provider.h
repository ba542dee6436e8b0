/* lsc_provider.h - libsignal-protocol-c as an oracle: a context with OpenSSL behind it, and
 * parties whose stores live in memory. All failures of the oracle's set-up end the test. */
#ifndef TESTS_LSC_PROVIDER_H
#define TESTS_LSC_PROVIDER_H

#include <signal/signal_protocol.h>

#include "crypto/signal.h"

enum { LSC_PREKEYS_MAX = 4096, LSC_SENDERS_MAX = 8 };

/* The oracle draws its random bytes from rng; a test may change rng between calls. */
struct lsc {
    signal_context *context;
    struct rng rng;
};
struct lsc *lsc_new(struct rng rng);
void lsc_free(struct lsc *l);

/* One device: its keys are given to it, so that another implementation can be its twin. It knows
 * one peer for pairwise sessions, and group senders by number. */
struct lsc_party {
    struct lsc *lsc;
    signal_protocol_store_context *store;
    struct signal_local local;
    signal_buffer *session;
    signal_buffer *signed_prekey;
    uint32_t signed_prekey_id;
    signal_buffer *prekeys[LSC_PREKEYS_MAX]; /* index = id */
    signal_buffer *sender_keys[LSC_SENDERS_MAX];
};
struct lsc_party *lsc_party_new(struct lsc *l, const struct signal_local *local);
void lsc_party_free(struct lsc_party *p);
void lsc_party_set_signed_prekey(struct lsc_party *p, uint32_t id, const struct x25519_pair *pair,
                                 const uint8_t sig[static XEDDSA_SIG_BYTES]);
void lsc_party_add_prekey(struct lsc_party *p, uint32_t id, const struct x25519_pair *pair);

/* Each call returns 0 or one of SG_ERR_*. Outputs append. */
int lsc_start(struct lsc_party *p, const struct signal_bundle *bundle);
int lsc_encrypt(struct lsc_party *p, struct span plain, enum signal_message_kind *kind,
                struct buf *out);
int lsc_decrypt(struct lsc_party *p, enum signal_message_kind kind, struct span message,
                struct buf *plain);

/* Groups. The own state is given, because the oracle draws its ids from 31 bits only. */
void lsc_group_own(struct lsc_party *p, uint32_t sender, const struct sender_key_state *state);
int lsc_group_distribution(struct lsc_party *p, uint32_t sender, struct buf *out);
int lsc_group_process(struct lsc_party *p, uint32_t sender, struct span skdm);
int lsc_group_encrypt(struct lsc_party *p, uint32_t sender, struct span plain, struct buf *out);
int lsc_group_decrypt(struct lsc_party *p, uint32_t sender, struct span message, struct buf *plain);

#endif
