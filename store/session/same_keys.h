/* same_keys.h - rows that stand twice under one key; private to store/.
 *
 * An index that lacks a row cannot refuse another row with the same key, so that a message which it
 * hid is stored once more when it comes again. */
#ifndef STORE_SESSION_SAME_KEYS_H
#define STORE_SESSION_SAME_KEYS_H

#include "store/db/db.h"

struct same_keys {
    int64_t removed;  /* rows whose key a newer row has too */
    int64_t numbered; /* messages that got a new change_seq, because another one had theirs */
};

/* Removes older rows, in the open transaction and by the file's tables alone, not its indexes: of
 * rows with the same key (of a unique index over columns) the newest stays, which is the message
 * with the higher change_seq, else the row with the higher rowid. whatsapp: tables with ratchets
 * and keys are left as they are, since nothing tells which of two sessions is the one in use. The
 * caller has foreign keys off (rows that refer to a removed row then refer to the one that stays),
 * and does REINDEX next. */
enum wb_err same_keys_remove(struct db *d, bool whatsapp, struct same_keys *ret) WB_MUST_CHECK;

#endif
