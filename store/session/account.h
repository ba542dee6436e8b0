/* account.h - the device row: who we are (P-DB-04..07, whatsmeow's table of devices). session/ is
 * what whatsapp.db holds of keys, devices and people; it knows nothing of messages.db, of what is
 * being sent, and of backups. */
#ifndef STORE_SESSION_ACCOUNT_H
#define STORE_SESSION_ACCOUNT_H

#include "crypto/pair_crypt.h"
#include "proto/jid.h"
#include "store/core/store.h"
#include "store/session/limits.h"

struct db;

struct account {
    struct jid jid; /* PN with our device number */
    struct jid lid; /* LID with our device number, or JID_NONE */
    struct device_keys keys;
    uint8_t adv_details[STORE_ADV_DETAILS_MAX]; /* inner ADVDeviceIdentity (P-DB-06) */
    size_t adv_details_n;
    uint8_t adv_account_sig[XEDDSA_SIG_BYTES];
    uint8_t adv_account_sig_key[X25519_KEY_BYTES];
    uint8_t adv_device_sig[XEDDSA_SIG_BYTES];
    char platform[STORE_NAME_MAX + 1];
    char business_name[STORE_NAME_MAX + 1];
    char push_name[STORE_NAME_MAX + 1];
    int64_t lid_migration_ts;
    char companion_meta_nonce[STORE_NAME_MAX + 1];
};

/* Wipes the keys. */
void account_wipe(struct account *a);

/* Loads the row of this phone number (user digits, or NULL: the only or first row) and selects it:
 * all other functions of store/ work on the selected account. NOT_FOUND: not paired (see
 * store_account_list() for "another number's store"). DB_CORRUPT: a key of wrong size. */
enum wb_err store_account_load(struct store *s, const char *phone_user,
                               struct account *ret) WB_MUST_CHECK;

/* Inserts and selects the row; in a row that is there only names, LID, platform, nonce and time of
 * migration change (P-DB-07), never a key. Clears the logged-out mark when inserting. Part of the
 * batch. */
enum wb_err store_account_save(struct store *s, const struct account *a) WB_MUST_CHECK;

/* The name by which others see us, and nothing else of the row. NOT_FOUND: the row is gone. */
enum wb_err store_account_push_name_set(struct store *s, const char *name) WB_MUST_CHECK;
enum wb_err store_account_push_name_get(struct store *s,
                                        char ret_name[static STORE_NAME_MAX + 1]) WB_MUST_CHECK;

/* Since when the phone keeps its chats under LIDs; the first time that is told stays (P-RC-54).
 * whatsmeow sends to people by LID only once this time is set, and so do we from then on
 * (private_address.h). */
enum wb_err store_account_lid_migration(struct store *s, int64_t at) WB_MUST_CHECK;

/* The device JIDs in the file, at most max; *ret_n is how many there are in all. */
enum wb_err store_account_list(struct store *s, struct jid *ret, size_t max,
                               size_t *ret_n) WB_MUST_CHECK;

/* Remembers that the server logged us out; the keys stay (rule 6: credentials are never
 * deleted). reason: a word. */
enum wb_err store_logged_out_set(struct store *s, const char *reason,
                                 int64_t at_unix_s) WB_MUST_CHECK;
/* NOT_FOUND: not logged out. */
enum wb_err store_logged_out_get(struct store *s, char ret_reason[STORE_REASON_MAX + 1],
                                 int64_t *ret_at) WB_MUST_CHECK;
enum wb_err store_logged_out_clear(struct store *s) WB_MUST_CHECK;

/* Private to store/: from now on all functions of store/ use the rows of this device. */
enum wb_err store_select(struct store *s, const struct jid *jid,
                         const struct jid *lid) WB_MUST_CHECK;
/* The device JIDs in a whatsapp.db, at most max; *ret_n is how many there are in all. */
enum wb_err account_list(struct db *d, struct jid *ret, size_t max, size_t *ret_n) WB_MUST_CHECK;

#endif
