/* indexes_anew.h - makes the indexes of a file anew of which nothing else is wrong, in one
 * transaction; private to store/. Knows one open file, not whose it is. */
#ifndef STORE_BACKUP_INDEXES_ANEW_H
#define STORE_BACKUP_INDEXES_ANEW_H

#include "store/db/db_check.h"
#include "store/session/same_keys.h"

struct indexes_anew {
    bool whatsapp;
    bool only_try;
    bool ratchets; /* whose rows must not be old: no copy, which is made harmless by other means */
    struct db_faulty faulty;
    bool known; /* what was wrong */
    struct same_keys same;
    size_t kept; /* tables whose indexes cannot be made anew */
    char kept_why[160];
    bool lost_rows;   /* entries stood there whose rows are gone, or other ones */
    bool may_be_old;  /* and these may be sessions */
    bool for_nothing; /* no index could be mended, and nothing was changed */
};

/* All or nothing; the first three fields say of what and how. DB_CORRUPT: new indexes do not make
 * the file whole, or its sessions may be old. */
enum wb_err indexes_make_anew(struct db *d, struct indexes_anew *n) WB_MUST_CHECK;
/* Would new indexes mend this messages.db, which nobody uses, or change it at all? What nothing
 * mends is no news to whoever uses the file. Leaves it as it is. */
enum wb_err indexes_anew_help(const char *path, bool *ret) WB_MUST_CHECK;

#endif
