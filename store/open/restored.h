/* restored.h - makes a restored, old state harmless: peers may have moved on, and old sessions must
 * not send (rule 9: restored state is old state); and what a file remembers of its restore. Knows
 * nothing of how a set takes the place of files. */
#ifndef STORE_OPEN_RESTORED_H
#define STORE_OPEN_RESTORED_H

#include "base/rng.h"
#include "store/backup/backup_manifest.h"
#include "store/core/store.h"

struct restored_counts {
    size_t sessions;    /* sessions that may only receive from now on */
    size_t sender_keys; /* our own sender keys that were removed */
    size_t sends;       /* sends that failed as restored_unknown */
};

/* Private to store/: makes the state of all accounts harmless, in an open store whose whatsapp.db
 * is a copy from the time backup_s. Commits. */
enum wb_err store_make_restored(struct store *s, const char *name, int64_t backup_s, int64_t now_s,
                                const struct rng *rng,
                                struct restored_counts *counts) WB_MUST_CHECK;

/* bridge_meta: "<unix seconds of the backup> <of the restore> <name of the set>". */
#define STORE_META_RESTORED "restored"
/* That value, read. NOT_FOUND: the file was never restored. */
struct store_restored {
    int64_t backup_at, at; /* unix seconds */
    char name[BACKUP_NAME_MAX + 1];
};
enum wb_err store_restored_get(struct store *s, struct store_restored *ret) WB_MUST_CHECK;

#endif
