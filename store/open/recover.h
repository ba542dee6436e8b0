/* recover.h - opening a store that may be damaged: a bad file is set aside and the newest
 * good backup takes its place. */
#ifndef STORE_OPEN_RECOVER_H
#define STORE_OPEN_RECOVER_H

#include "base/rng.h"
#include "store/open/open.h"

struct store_recovery {
    bool whatsapp;     /* whatsapp.db was restored from a backup */
    bool messages;     /* messages.db was restored from a backup */
    bool new_messages; /* messages.db was damaged and there is no backup of it */
    bool indexes;      /* indexes of one or both were made anew; nothing was put back or lost */
    char text[1024];   /* what was done, for people; "" when nothing was */
};

/* As store_open() (which makes damaged indexes anew by itself) for the number phone_user (digits),
 * but mends more:
 * - whatsapp.db damaged (db_check(), tables, keys that are no keys), empty, or missing although
 * there is a backup of this number: restored from config->backups_dir. Damaged and no good backup
 * of this number: DB_CORRUPT, the file stays where it is. Missing, and the newest backup was made
 * before an unlinking: a new file, as when there never was one.
 * - messages.db damaged, or missing while whatsapp.db has an account and there is a backup:
 * restored. Damaged and no backup: set aside, a new one. A good file of another number is not
 * damage: it is opened, and the caller checks whose file it is. While a backup tool has the store,
 * waits up to RECOVER_WAIT_S. */
enum { RECOVER_WAIT_S = 30 };
enum wb_err store_open_recovering(const struct store_config *config, const char *phone_user,
                                  const struct rng *rng, struct store **ret,
                                  struct store_open_info *ret_info,
                                  struct store_recovery *ret_done) WB_MUST_CHECK;

#endif
