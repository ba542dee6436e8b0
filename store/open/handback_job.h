/* handback_job.h - handback.h as a job for an operator: locks, backup, one transaction. */
#ifndef STORE_OPEN_HANDBACK_JOB_H
#define STORE_OPEN_HANDBACK_JOB_H

#include "store/backup/backup_manifest.h"
#include "store/core/limits.h"
#include "store/open/handback.h"

struct handback_job {
    const char *whatsapp_path;
    const char *messages_path; /* for its lock, and for the backup */
    const char *backups_dir;   /* a set "before-handback" is made here first */
    const char *command;       /* for the lock files and the backup's manifest */
    bool dry_run;              /* does everything and rolls it back; no backup, no mode changed */
    const struct clock *clock;
    const struct rng *rng;
};

struct handback_result {
    struct handback_counts counts; /* of all devices in the file */
    size_t devices;
    enum store_time_format times; /* of messages.db: the old build's readers want text */
    size_t waiting;               /* sends in the outbox, which only our bridge can finish */
    char backup[BACKUP_NAME_MAX + 1];
    bool changed;   /* the store was handed back, even if a step after the commit failed */
    char text[512]; /* of a failure: one sentence; "" when the error says it all */
    char tightened[STORE_TIGHTENED_MAX]; /* modes that allowed others more than they should have,
                                            and do no more */
    char mended[900];                    /* as in struct store_open_info */
};

/* Does it all. LOCKED: the bridge, a tool or another program has the store. NOT_FOUND: a database
 * is missing. STATE: the store has no table of ours, no device, more than
 * STORE_HANDBACK_DEVICES_MAX, or something that a start of the bridge changes first (an older
 * schema, damaged indexes). On failure nothing was handed back unless ret->changed says so; ret is
 * always filled. */
enum wb_err store_handback_job(const struct handback_job *job,
                               struct handback_result *ret) WB_MUST_CHECK;

#endif
