/* indexes_anew.h - makes the indexes of a file anew in which nothing else is wrong, in one
 * transaction; private to store/. Knows one open file, and nothing of the store that it belongs to.
 */
#ifndef STORE_BACKUP_INDEXES_ANEW_H
#define STORE_BACKUP_INDEXES_ANEW_H

#include "store/db/db_check.h"
#include "store/session/same_keys.h"

struct indexes_anew {
    bool whatsapp;
    bool only_try;
    bool ratchets; /* the file has ratchets, which must not be old; false for a copy, which
                      store/open/restored.h makes harmless */
    struct db_faulty faulty;
    bool known; /* faulty says what was wrong */
    struct same_keys same;
    size_t kept; /* tables whose indexes cannot be made anew */
    char kept_why[160];
    bool lost_rows;   /* indexes had entries whose rows are gone or are other ones */
    bool may_be_old;  /* and these rows may be sessions */
    bool for_nothing; /* no index could be mended, and nothing was changed */
};

/* Makes the indexes anew, all or nothing; the caller sets the first three fields. DB_CORRUPT: new
 * indexes do not make the file whole, or its sessions may be old. */
enum wb_err indexes_make_anew(struct db *d, struct indexes_anew *n) WB_MUST_CHECK;
/* Would new indexes mend this messages.db, which nobody uses, or change it at all? If not, the file
 * is used as it is, and its user need not be told. Leaves the file as it is. */
enum wb_err indexes_anew_help(const char *path, bool *ret) WB_MUST_CHECK;

#endif
