/* pair_wire.h - the ADV (account-device verification) protobufs of pairing (P-PR-08..13) and of
 * device lists. Signatures cover the raw details, so details stay spans. Decoded spans borrow from
 * the arena. */
#ifndef PROTO_PAIR_WIRE_H
#define PROTO_PAIR_WIRE_H

#include "base/arena.h"
#include "base/buf.h"

enum { ADV_KEY_BYTES = 32, ADV_SIG_BYTES = 64, ADV_HMAC_BYTES = 32 };
enum adv_account_type { ADV_E2EE = 0, ADV_HOSTED = 1 };

/* <device-identity> of pair-success. */
struct adv_signed_hmac {
    struct span details; /* an encoded adv_signed_identity */
    uint8_t hmac[ADV_HMAC_BYTES];
    bool hosted; /* accountType == HOSTED */
};
enum wb_err adv_signed_hmac_decode(struct span in, struct arena *a,
                                   struct adv_signed_hmac *ret_v) WB_MUST_CHECK;
enum wb_err adv_signed_hmac_encode(const struct adv_signed_hmac *v, struct buf *out) WB_MUST_CHECK;

/* The account. Absent parts are SPAN_NULL; a present key has 32, a signature 64 bytes. */
struct adv_signed_identity {
    struct span details;     /* an encoded adv_identity */
    struct span account_key; /* left out in the reply to pair-success (P-PR-13) */
    struct span account_signature;
    struct span device_signature;
};
/* MALFORMED without details or on wrong sizes. */
enum wb_err adv_signed_identity_decode(struct span in, struct arena *a,
                                       struct adv_signed_identity *ret_v) WB_MUST_CHECK;
enum wb_err adv_signed_identity_encode(const struct adv_signed_identity *v, bool with_account_key,
                                       struct buf *out) WB_MUST_CHECK;

/* Decodes <client-props> of pair-success (ClientPairingProps): are the account's private chats kept
 * under LIDs (P-X2-01)? NOT_FOUND: the field is not there. MALFORMED. */
enum wb_err client_props_decode(struct span in, struct arena *a,
                                bool *ret_lid_migrated) WB_MUST_CHECK;

struct adv_identity {
    uint32_t raw_id;
    uint64_t timestamp;
    uint32_t key_index;
    uint32_t account_type; /* enum adv_account_type */
    uint32_t device_type;
};
enum wb_err adv_identity_decode(struct span in, struct arena *a,
                                struct adv_identity *ret_v) WB_MUST_CHECK;
/* The two types are written only when they are not 0. */
enum wb_err adv_identity_encode(const struct adv_identity *v, struct buf *out) WB_MUST_CHECK;

/* <key-index-list> of device notifications. */
struct adv_signed_key_list {
    struct span details; /* an encoded adv_key_list */
    struct span account_signature;
    struct span account_key;
};
enum wb_err adv_signed_key_list_decode(struct span in, struct arena *a,
                                       struct adv_signed_key_list *ret_v) WB_MUST_CHECK;
enum wb_err adv_signed_key_list_encode(const struct adv_signed_key_list *v,
                                       struct buf *out) WB_MUST_CHECK;

struct adv_key_list {
    uint32_t raw_id;
    uint64_t timestamp;
    uint32_t current_index;
    const uint32_t *valid; /* arena, or the caller's when encoding */
    size_t nvalid;
    uint32_t account_type;
};
enum wb_err adv_key_list_decode(struct span in, struct arena *a,
                                struct adv_key_list *ret_v) WB_MUST_CHECK;
enum wb_err adv_key_list_encode(const struct adv_key_list *v, struct buf *out) WB_MUST_CHECK;

#endif
