/* restore.h - a backup set takes the place of the files (rule 9: restored state is old state).
 *
 * A set is old (rule 9: restored state is old): peers and server may have moved on. So before any
 * program can open it the copy of whatsapp.db is changed: session records may only receive from
 * then on, our own sender keys and the memory of who has them are gone, prekeys are not offered
 * again and new ids start far above, sends whose outcome is not known have failed as
 * "restored_unknown". */
#ifndef STORE_OPEN_RESTORE_H
#define STORE_OPEN_RESTORE_H

#include "base/rng.h"
#include "store/backup/backup.h"
#include "store/core/limits.h"
#include "store/files/limits.h"
#include "store/open/restored.h"

enum restore_messages {
    RESTORE_MESSAGES_IF_NEEDED, /* a good messages.db of this number stays: it knows more */
    RESTORE_MESSAGES_ALWAYS,
    RESTORE_MESSAGES_NEVER,
};

struct restore_job {
    const char *whatsapp_path, *messages_path;
    const char *dir; /* backups/ */
    const char *set; /* a name in dir, or (with a '/') the path of a set that lies elsewhere */
    /* Digits: the set must be of this number. NULL: of the number that whatsapp.db has, where that
     * can be read. */
    const char *phone_user;
    bool keep_whatsapp; /* only messages.db */
    enum restore_messages messages;
    bool damaged; /* the files are known to be bad: no backup of them is made first */
    bool dry_run; /* only say what would be done: reads, takes no lock, and so may be asked while
                     the bridge runs */
    /* messages.db may lack what came since gap_from (unix seconds): messages.db was put back or
     * begun anew before, and that could not be noted in whatsapp.db. */
    bool gap;
    int64_t gap_from;
    const char *command, *program;
    gid_t readers_group; /* as in struct store_config */
    const struct clock *clock;
    const struct rng *rng;
};

struct restore_result {
    struct backup_manifest manifest; /* of the set */
    bool whatsapp, messages;         /* put back (dry run: would be) */
    char whatsapp_aside[STORE_PATH_MAX], messages_aside[STORE_PATH_MAX]; /* "": there was none */
    char before[BACKUP_NAME_MAX + 1]; /* the backup made first; "" when there was nothing good */
    struct restored_counts counts;
    char in_use[600]; /* dry run: who has the store now and has to be stopped first; "": nobody */
    char text[512];   /* of a failure */
    char tightened[STORE_TIGHTENED_MAX]; /* modes that allowed others more than they should have,
                                            and do no more */
};

/* LOCKED: the bridge (or a tool) has the files; text says who. NOT_FOUND: no such set, and no
 * directory was made for it; text says where it was looked for. DB_CORRUPT, MALFORMED: the set is
 * no good. EXISTS: the set is of another number. ret is always filled; after a failure the files
 * are as they were (or text says what is not, on a disk that does not even let names be changed
 * back). The gap is noted before messages.db is replaced. */
enum wb_err store_restore(const struct restore_job *job, struct restore_result *ret) WB_MUST_CHECK;

/* bridge_meta: "<from> <to>", unix seconds: messages of that time may be missing in messages.db
 * although the server was told that we have them. */
#define STORE_META_GAP "gap"

/* Marks the gap in a whatsapp.db that nobody has open (its lock is taken for it). from 0:
 * everything before. */
enum wb_err store_restore_note_gap(const char *whatsapp_path, int64_t from, int64_t to,
                                   const struct clock *clock) WB_MUST_CHECK;

/* The same in a whatsapp.db that is open. */
struct db;
enum wb_err store_restore_note_gap_in(struct db *whatsapp, int64_t from, int64_t to) WB_MUST_CHECK;

#endif
