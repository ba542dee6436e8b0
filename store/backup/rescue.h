/* rescue.h - what befalls the two files while they are open: SQLite finds one
 * malformed, or somebody removes or replaces it. Either way nothing more is stored into what is
 * open; the caller rescues, closes, and opens again with store_config.thorough. */
#ifndef STORE_BACKUP_RESCUE_H
#define STORE_BACKUP_RESCUE_H

#include "store/core/store.h"

enum store_mishap {
    STORE_MISHAP_NONE,
    STORE_MISHAP_DAMAGED, /* a database is malformed */
    STORE_MISHAP_MOVED,   /* the name of a database or of its log leads elsewhere or nowhere */
};

/* What was noticed since the store was opened, and about which file. Costs nothing. */
enum store_mishap store_mishap(const struct store *s, enum store_file *ret_file);

/* Looks at the names; store_commit() does it by itself. MOVED. */
enum wb_err store_check_names(struct store *s) WB_MUST_CHECK;

/* Brings what is only open any more back under its name, complete and flushed: a removed database
 * is written anew; one that another file took the place of, too, and that file is set aside as
 * `<file>.replaced-<time>`; a removed log is written into its database. Where another process has
 * the newcomer open or took the lock, ours is left beside it as `<file>.rescued-<time>`.
 * The batch is rolled back. May take as long as a backup. ret_text: what was done, for people.
 * Afterwards the store can only be closed. After a failure it can be tried again, and has to be:
 * what is not rescued is gone when the store is closed. */
enum wb_err store_rescue(struct store *s, char ret_text[512]) WB_MUST_CHECK;

#endif
