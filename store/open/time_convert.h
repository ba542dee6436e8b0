/* time_convert.h - converts the times of a messages.db from text to numbers, or back (P-MC-13), and
 * the file remembers its new form. Only when an operator asks: the bridge itself keeps the form of
 * the file (messages_tidy.h). */
#ifndef STORE_OPEN_TIME_CONVERT_H
#define STORE_OPEN_TIME_CONVERT_H

#include "store/backup/backup_manifest.h"
#include "store/core/store.h"

struct time_convert_job {
    const char *whatsapp_path; /* for its lock, and for the backup */
    const char *messages_path;
    const char *backups_dir;   /* a set "before-convert" is made here first */
    const char *command;       /* for the lock files and the backup's manifest */
    enum store_time_format to; /* TEXT: in the zone of this machine */
    bool dry_run;              /* counts only; no backup, no write, and no mode is changed */
    const struct clock *clock;
};

struct time_convert_result {
    int64_t messages, chats; /* rows that were (would be) converted */
    int64_t unreadable;      /* texts that are no time: left as they are */
    char backup[BACKUP_NAME_MAX + 1];
    char text[512]; /* of a failure: one sentence; "" when the error says it all */
    char tightened[STORE_TIGHTENED_MAX]; /* modes that allowed others more than they should have,
                                            and do no more */
    bool readers_shut_out; /* others could read messages.db before, and cannot any more */
};

/* In one transaction; change_seq stays, since no message has changed. LOCKED: the bridge, a tool or
 * another program that has whatsapp.db open runs. NOT_FOUND: no messages.db. DB_SCHEMA: the file is
 * no messages.db. On failure nothing was changed but modes (ret->tightened); ret is always filled.
 */
enum wb_err store_time_convert(const struct time_convert_job *job,
                               struct time_convert_result *ret) WB_MUST_CHECK;

#endif
