/* creds.h - creds.json: who the linked device is. */
#ifndef IMPORT_CREDS_H
#define IMPORT_CREDS_H

#include "store/session/account.h"
#include "tools/import/limits.h"

struct creds {
    struct account account;
    uint32_t next_prekey_id; /* the first id that Baileys has not made yet */
    uint8_t routing[IMPORT_ROUTING_MAX];
    size_t routing_n;
};

/* Reads creds.json and checks everything as at pairing: the halves of key pairs belong together,
 * the account has signed this identity, and the identity has signed the account back and its own
 * prekey. MALFORMED and the like: *ret_what names the field. STATE: a device that was never paired.
 */
enum wb_err creds_read(struct span json, struct creds *ret, const char **ret_what) WB_MUST_CHECK;
void creds_wipe(struct creds *c);

#endif
