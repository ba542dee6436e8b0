/* names.h - what befalls the two files while they are open: SQLite finds one
 * malformed, or somebody removes or replaces it. Either way nothing more is stored into what is
 * open; store/backup/rescue.h brings back what can be. */
#ifndef STORE_CORE_NAMES_H
#define STORE_CORE_NAMES_H

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

#endif
