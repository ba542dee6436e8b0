/* same_keys.h - rows that stand twice under one key; private to store/.
 *
 * An index that lacks a row cannot refuse another one with the same key, so that the message that
 * it hid is stored once more when it comes again. */
#ifndef STORE_SESSION_SAME_KEYS_H
#define STORE_SESSION_SAME_KEYS_H

#include "store/db/db.h"

struct same_keys {
    int64_t removed;  /* rows whose key a newer row has too */
    int64_t numbered; /* messages whose change_seq another one had: they have a new one */
};

/* In the open transaction, in the connection's file, and by its tables alone: of rows with one key
 * (of a unique index over columns) the newest stays, of messages that with the higher change_seq,
 * else that with the higher rowid. whatsapp: tables with ratchets and keys are left as they are,
 * since nothing tells which of two sessions is the one in use. For the caller: foreign keys are not
 * enforced (what refers to such a row refers to the one that stays), and REINDEX comes next. */
enum wb_err same_keys_remove(struct db *d, bool whatsapp, struct same_keys *ret) WB_MUST_CHECK;

#endif
