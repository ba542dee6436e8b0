/* restored.h - makes old state harmless (rule 7); private to store/. */
#ifndef STORE_OPEN_RESTORED_H
#define STORE_OPEN_RESTORED_H

#include "store/open/restore.h"

/* All accounts of an open store whose whatsapp.db is a copy of the time backup_s. Commits. */
enum wb_err store_make_restored(struct store *s, const char *name, int64_t backup_s, int64_t now_s,
                                const struct rng *rng, struct restore_result *counts) WB_MUST_CHECK;

#endif
