/* backups.h - backups by themselves: every backup_every, after a logout, after a repair,
 * before the session is given up. A worker makes them; the loop only starts it and hears the end.
 */
#ifndef BRIDGE_RECOVERY_BACKUPS_H
#define BRIDGE_RECOVERY_BACKUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct bridge;
struct backups;

/* repaired: what was done to damaged files at start ("": nothing); a text of main.c's. */
enum wb_err backups_new(struct bridge *b, const char *repaired, struct backups **ret) WB_MUST_CHECK;
/* Before jobs_free(), so that a copy that is being made stops soon. */
void backups_stop(struct backups *k);
void backups_free(struct backups *k); /* NULL-safe */

/* One more, with this reason (store/backup/backup.h), as soon as none is being made. Without an
 * account there is nothing to keep, and nothing is done. */
void backups_request(struct backups *k, const char *reason);

/* On the loop. go_on false: the bridge is stopping, or somebody else waits now: set nothing aside.
 */
typedef void backups_done_fn(void *ctx, bool go_on);
/* A worker copies whatsapp.db (a few MB) before the file is set aside for good; what it makes at
 * that time is given up. done is called exactly once, perhaps at once; it may also go on when there
 * is no backup, or none in 20 s, which is logged: the file itself is kept as well. */
void backups_before_unlink(struct backups *k, backups_done_fn *done, void *ctx);
/* Nobody waits for that any more: its done is not called. NULL-safe. */
void backups_forget(struct backups *k);

struct backups_state {
    const char *name;  /* of the newest set; "" when there is none */
    int64_t at_s;      /* unix seconds of it, 0 */
    const char *error; /* why the last attempt failed; "" when it did not */
    const char *repaired;
    /* Of the restore that the session comes from; "" and 0 when it was never restored. */
    const char *restored_name;
    int64_t restored_at_s, restored_backup_at_s; /* unix seconds */
};
void backups_state(const struct backups *k, struct backups_state *ret);

#endif
