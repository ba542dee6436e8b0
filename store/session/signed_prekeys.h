/* signed_prekeys.h - our signed prekeys over time (P-LG-11, P-DB-08), and the sessions that others
 * have set up with them.
 *
 * The current one stands in whatsmeow_device, where whatsmeow looks for it. Our own table has all
 * that we still accept, by id: the one that is on its way to the server, the current one, and those
 * that were replaced and may still come in messages that wait on the server. Ids are used once. */
#ifndef STORE_SESSION_SIGNED_PREKEYS_H
#define STORE_SESSION_SIGNED_PREKEYS_H

#include "base/rng.h"
#include "crypto/prim_x25519.h"
#include "crypto/prim_xeddsa.h"
#include "store/core/store.h"

struct store_signed_prekey {
    uint32_t id; /* 1 to 0xffffff: 3 bytes on the wire */
    struct x25519_pair pair;
    uint8_t sig[XEDDSA_SIG_BYTES]; /* of the identity, over 05 and the public key */
    int64_t since;                 /* unix seconds: made, or put into use */
};

/* The current one. A key that we find there for the first time (of a pairing, an import, another
 * program) counts from now on, and the one that was current before as replaced; a time in the
 * future becomes now. The caller wipes ret. */
enum wb_err store_signed_prekey_current(struct store *s, int64_t now_s,
                                        struct store_signed_prekey *ret) WB_MUST_CHECK;
/* The one that was made and not put into use: whether the server has it is not known. NOT_FOUND. */
enum wb_err store_signed_prekey_pending(struct store *s,
                                        struct store_signed_prekey *ret) WB_MUST_CHECK;
/* Makes a new one, signed by the identity; it is accepted from its commit on, before anybody can
 * have it. STATE when the ids are used up. */
enum wb_err store_signed_prekey_make(struct store *s, const struct rng *rng,
                                     const struct x25519_pair *identity, int64_t now_s,
                                     struct store_signed_prekey *ret) WB_MUST_CHECK;
/* The server has this key: it is the current one now, and replaces the one before. */
enum wb_err store_signed_prekey_use(struct store *s, uint32_t id, int64_t now_s) WB_MUST_CHECK;
/* Any that is accepted. BAD_KEY_ID: never ours, or retired. */
enum wb_err store_signed_prekey_get(struct store *s, uint32_t id,
                                    struct x25519_pair *ret_pair) WB_MUST_CHECK;
/* Those that were replaced at before_s or earlier are not accepted any more. Removes at most
 * STORE_PRUNE_ROWS rows of what was remembered about them; *ret_more: call again. */
enum wb_err store_signed_prekeys_retire(struct store *s, int64_t before_s,
                                        bool *ret_more) WB_MUST_CHECK;
/* The file is an older copy (rule 9, restored state is old): the server may have a later key, which
 * we do not have. A new one is due, and its id is far from those that may have been used since, by
 * another restore of the same copy as well. */
enum wb_err store_signed_prekeys_restored(struct store *s, const struct rng *rng) WB_MUST_CHECK;

/* ---- base keys that were used ---- */

/* A pkmsg can be delivered again. A pkmsg with a one-time prekey opens once, because the prekey is
 * deleted; one without could set up its session again when the session's record is gone. So each
 * base key is remembered as long as the signed prekey that it was used with is accepted: through an
 * <identity/>, behind the 40 archived states, in backups and after a restore. Some 60 bytes each.
 * There is no limit: a forgotten key could be used again. Each key costs its sender a message that
 * was decrypted under a key of its own; most of these are stored as well, but not those that only
 * bring a sender key, come from our own devices (category=peer), or carry nothing to be shown. */
enum wb_err store_base_key_used(struct store *s, uint32_t signed_prekey_id,
                                const uint8_t base_key[static X25519_KEY_BYTES],
                                bool *ret_used) WB_MUST_CHECK;
/* In the batch of the session that it set up. */
enum wb_err store_base_key_put(struct store *s, uint32_t signed_prekey_id,
                               const uint8_t base_key[static X25519_KEY_BYTES]) WB_MUST_CHECK;

#endif
