/* signal.h - X3DH, Double Ratchet and sender keys on the values of signal_types.h. No I/O: the
 * caller loads and stores the records. A function that fails leaves its record exactly as it was,
 * so "try, commit on success" needs no copy by the caller. */
#ifndef CRYPTO_SIGNAL_H
#define CRYPTO_SIGNAL_H

#include "crypto/signal_types.h"

/* Our identity in all pairwise sessions. */
struct signal_local {
    struct x25519_pair identity;
    uint32_t registration_id;
};

/* A peer's keys from a prekey query or a retry receipt (P-SG-04). */
struct signal_bundle {
    uint32_t registration_id;
    uint8_t identity[X25519_KEY_BYTES];
    uint32_t signed_prekey_id;
    uint8_t signed_prekey[X25519_KEY_BYTES];
    uint8_t signed_prekey_sig[XEDDSA_SIG_BYTES];
    bool has_prekey;
    uint32_t prekey_id;
    uint8_t prekey[X25519_KEY_BYTES];
};

/* Makes the bundle's new state current (P-SG-05, P-SG-06); an old current state is archived.
 * BAD_SIGNATURE when the identity has not signed the prekey. The caller decides beforehand whether
 * bundle->identity is trusted. */
enum wb_err signal_session_start(struct signal_session *s, const struct signal_local *local,
                                 const struct signal_bundle *bundle,
                                 const struct rng *rng) WB_MUST_CHECK;

enum signal_message_kind { SIGNAL_MSG, SIGNAL_PKMSG };

/* Encrypts the (already padded) plaintext and advances the sending chain. NO_SESSION without a
 * current state that can send. Appends to out; *ret_kind tells the enc type. */
enum wb_err signal_encrypt(struct signal_session *s, struct span plain,
                           enum signal_message_kind *ret_kind, struct buf *out) WB_MUST_CHECK;

/* Decrypts a SignalMessage with the current state or an archived one (newest first), and appends
 * the still padded plaintext.
 *
 * The state that worked becomes current (P-SG-16), but only if its peer has the trusted identity
 * (X25519_KEY_BYTES, the one that is stored for the peer; NULL: none, no state changes its place):
 * so a late message of an installation that was replaced is read, and the answer goes to the
 * present installation. In a record without a current state (receive-only, e.g. a restored one) the
 * state becomes current only if the message brought a new ratchet key, and with it a sending chain
 * that nobody else has.
 *
 * NO_SESSION: there is no state to try. OLD_COUNTER: a state that has this ratchet key (current or
 * archived) has used the counter already - reported in preference to any other failure. BAD_MAC,
 * TOO_FAR_AHEAD, TRUNCATED, MALFORMED, VERSION, BAD_KEY, BAD_PADDING as they say. */
enum wb_err signal_decrypt(struct signal_session *s, struct span message, const uint8_t *trusted,
                           const struct rng *rng, struct buf *plain) WB_MUST_CHECK;

/* The header of a PreKeySignalMessage, read before any session is touched. */
struct signal_prekey_header {
    bool has_prekey_id; /* absent or 0 on the wire: false (P-SG-12) */
    uint32_t prekey_id;
    uint32_t signed_prekey_id;
    uint32_t registration_id;
    uint8_t base_key[X25519_KEY_BYTES];
    uint8_t identity[X25519_KEY_BYTES];
    struct span message; /* the inner SignalMessage, borrowed */
};
enum wb_err signal_prekey_header_parse(struct span message,
                                       struct signal_prekey_header *ret_h) WB_MUST_CHECK;

/* Does the record have a state (current or archived) set up by this base key (P-SG-17)? If so,
 * decrypting needs no prekeys. */
bool signal_session_has_base_key(const struct signal_session *s,
                                 const uint8_t base_key[static X25519_KEY_BYTES]);

/* Decrypts a parsed pkmsg. The state that it sets up becomes current if h->identity is the trusted
 * one (as for signal_decrypt()); otherwise it goes to the front of the archive. signed_prekey and
 * prekey are our pairs of the ids in h; prekey is NULL when h has none; both may be NULL when
 * signal_session_has_base_key(). The caller has checked h->identity and whether it is trusted.
 * *ret_used_prekey: the one-time prekey was consumed and must be deleted with the commit of the
 * session. Errors as of signal_decrypt(), and BAD_KEY_ID: a needed pair is missing;
 * UNTRUSTED_IDENTITY: the header names another identity than the state of its base key. */
enum wb_err signal_decrypt_prekey(struct signal_session *s, const struct signal_local *local,
                                  const struct signal_prekey_header *h, const uint8_t *trusted,
                                  const struct x25519_pair *signed_prekey,
                                  const struct x25519_pair *prekey, const struct rng *rng,
                                  struct buf *plain, bool *ret_used_prekey) WB_MUST_CHECK;

/* Can the current state encrypt? */
bool signal_session_can_send(const struct signal_session *s);
/* Can the current state encrypt for the owner of this identity (X25519_KEY_BYTES; NULL: none is
 * known, any will do)? If not, a new session is due: the present installation could not read what
 * the old one encrypts. */
bool signal_session_can_send_to(const struct signal_session *s, const uint8_t *identity);

/* Removes every state, current or archived, whose peer's identity key does not belong to the peer,
 * as belongs() tells. Returns how many it removed. If no state is left, nothing can be sent or read
 * with s. */
typedef bool signal_identity_belongs(void *ctx, const uint8_t identity[static X25519_KEY_BYTES]);
size_t signal_session_drop_foreign(struct signal_session *s, signal_identity_belongs *belongs,
                                   void *ctx);

/* Merges two records of one device, filed under its LID and under its number, into `lid`; `number`
 * is left empty.
 *
 * Copies of one state (same base key) become one: the copy that has seen more of the peer's ratchet
 * keys stays, without the keys that either copy has used. If both copies send in the same chain,
 * the copy that can send stays; if both can, the copy that has sent more. A LID copy whose chain
 * cannot be proven to be the number's does not stay. Two copies that have each stepped for
 * themselves are both kept, without a receiving chain in common.
 *
 * If the number's record continues the LID's, its current state becomes current, otherwise the
 * LID's; the other record's states follow in the archive, as far as there is room. */
void signal_session_merge(struct signal_session *lid, struct signal_session *number);

/* ---- groups (P-SG-24..30) ---- */

/* Puts a new key of our own in front of the record: fresh id, chain and signing pair. */
enum wb_err sender_key_create(struct sender_key_record *r, const struct rng *rng) WB_MUST_CHECK;
/* Appends the SenderKeyDistributionMessage of our newest own state. It holds the current iteration
 * and chain key, so it must be made before the message that it accompanies (P-SG-30). NO_SENDER_KEY
 * without an own state. */
enum wb_err sender_key_distribution(const struct sender_key_record *r,
                                    struct buf *out) WB_MUST_CHECK;
/* Files a received SKDM in front. An SKDM that continues a chain that we have is merged into that
 * chain: keys passed over stay, used keys stay used, our own chain is not moved. Any other becomes
 * a state of its own, and the oldest state beyond the limit falls off. See
 * docs/protocol/signal.md. */
enum wb_err sender_key_process_distribution(struct sender_key_record *r,
                                            struct span skdm) WB_MUST_CHECK;
enum wb_err sender_key_encrypt(struct sender_key_record *r, struct span plain,
                               const struct rng *rng, struct buf *out) WB_MUST_CHECK;
/* NO_SENDER_KEY (empty record), BAD_KEY_ID (unknown id), OLD_COUNTER, TOO_FAR_AHEAD,
 * BAD_SIGNATURE, BAD_KEY, BAD_PADDING, TRUNCATED, MALFORMED, VERSION. */
enum wb_err sender_key_decrypt(struct sender_key_record *r, struct span message,
                               struct buf *plain) WB_MUST_CHECK;

/* Merges two records of one sender in a group, filed under its LID and under its number, into
 * `lid`; `number` is left empty. The record that continues the other one is in front (the LID's
 * when that cannot be told), then follow the other record's chains that it does not have. Of two
 * copies of a chain the further one stays, without the keys that the other one has used; the other
 * copy stays behind it if it began earlier and can open messages from there. */
void sender_key_record_merge(struct sender_key_record *lid, struct sender_key_record *number);

#endif
