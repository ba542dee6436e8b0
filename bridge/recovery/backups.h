/* backups.h - the room recovery/: backups, damage and tidying of the databases while the bridge
 * runs. It knows nothing of stanzas and HTTP. This file makes backups automatically: every
 * backup_every, after a logout, after a repair, before the session is given up. A worker makes
 * them; the loop only starts it and hears the end. */
#ifndef BRIDGE_RECOVERY_BACKUPS_H
#define BRIDGE_RECOVERY_BACKUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct bridge;
struct backups;

/* repaired: what was done to damaged files at start ("": nothing); a text of main.c's. */
enum wb_err backups_new(struct bridge *b, const char *repaired, struct backups **ret) WB_MUST_CHECK;
/* Call it before jobs_free(), so that a backup under way stops soon. */
void backups_stop(struct backups *k);
void backups_free(struct backups *k); /* NULL-safe */

/* Requests one more backup, with this reason (store/backup/backup.h), as soon as none is being
 * made. Does nothing without an account, because there is nothing to keep. */
void backups_request(struct backups *k, const char *reason);

/* Called on the loop. go_on false: the bridge is stopping, or another caller waits now: set nothing
 * aside. */
typedef void backups_done_fn(void *ctx, bool go_on);
/* A worker copies whatsapp.db (a few MB) before the file is set aside for good; a backup under way
 * is cancelled for that. done is called exactly once, perhaps at once; go_on is also true when no
 * backup could be made, or none in 20 s, which is logged: the file itself is kept, too. */
void backups_before_unlink(struct backups *k, backups_done_fn *done, void *ctx);
/* Withdraws backups_before_unlink(): its done is not called any more. NULL-safe. */
void backups_forget(struct backups *k);

struct backups_state {
    const char *name;  /* of the newest set; "" when there is none */
    int64_t at_s;      /* unix seconds of that set; 0 when there is none */
    const char *error; /* why the last attempt failed; "" when it did not */
    const char *repaired;
    /* The restore that the session comes from; "" and 0 when it was never restored. */
    const char *restored_name;
    int64_t restored_at_s, restored_backup_at_s; /* unix seconds */
};
void backups_state(const struct backups *k, struct backups_state *ret);

#endif
