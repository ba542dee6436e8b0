/* open.h - opens, closes and sets aside the two databases of one number. open/ is above all other
 * rooms of store/: it knows what each room needs at the start and at the end, and no other room
 * knows open/. */
#ifndef STORE_OPEN_OPEN_H
#define STORE_OPEN_OPEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/core/store.h"

struct store_config {
    const char *whatsapp_path; /* ".../whatsapp.db" */
    const char *messages_path; /* ".../messages.db", may lie in another directory */
    const char *phone_user; /* digits: a file with only other numbers in it is refused; NULL: any */
    const char *command;    /* written into the lock file for people, e.g. the argv of ours */
    enum store_time_format time_format;
    gid_t readers_group; /* messages.db: directory 2770, files 0660 of this group; 0: 0700/0600 */
    const struct clock *clock;
    const char *backups_dir; /* where a backup is made before a change of schema; NULL: nowhere */
    const char *program;     /* who made that backup: "whatsapp-bridge 1.0"; may be NULL */
    /* Check also that the indexes of a large file are whole: after damage was seen in use. */
    bool thorough;
    bool keep_modes; /* leave the modes of directories and files: for a look that changes nothing */
    /* Does somebody wait for the program's end? Asked while a lock is waited for; NULL: never. */
    bool (*hurried)(void);
    bool is_copy; /* the files are copies, whose originals the caller has and whose old state it
                     makes harmless: no copy is kept when indexes are made anew (mended) */
};

/* What a failed (or successful) open has to tell people. */
struct store_open_info {
    enum store_file file; /* the file that text is about */
    char text[512];       /* one sentence; "" when the error text says it all */
    pid_t holder_pid;     /* LOCKED: who has it, 0 when unknown */
    char holder_command[256];
    int schema;            /* the version that was found in whatsapp.db; 0: a new file */
    bool created_whatsapp; /* there was no file before */
    bool created_messages;
    bool used_without_us;  /* another program wrote whatsapp.db since: our caches were dropped */
    bool taken_over;       /* a file of another program (or version) was brought up to date */
    bool readers_shut_out; /* others could read messages.db before, and cannot any more */
    char readers_kept_out[1600]; /* a sentence for people: a directory that is not ours to change
                                    keeps config's readers_group from messages.db; "": none does */
    char tightened[STORE_TIGHTENED_MAX]; /* modes that allowed others more than they should have,
                                            and do no more */
    char backup[STORE_NAME_MAX + 1];     /* the set made in backups_dir before a change; "": none */
    char mended[900];  /* the file whose indexes were made anew, and the name of its copy */
    char ignored[500]; /* which file is used although a check complains, and of what */
};

/* Makes missing directories and files, takes the locks, looks for other programs that have
 * whatsapp.db open, checks both files (quick_check, expected tables; a large messages.db that is as
 * store_close() left it is not read through again) and brings them up to date: a whatsapp.db of
 * whatsmeow's versions 6..14 to 15, a messages.db of the Go bridge to ours, each in one transaction
 * and after a backup of both. A file in which only indexes are damaged (they lack rows) gets new
 * ones, after a copy of the file (store/open/reindex.h). Nothing is written before the locks are
 * held, the checks passed and the backup is good. OTHER_NUMBER: no device of config's number in
 * whatsapp.db; info lists what is there. LOCKED: info says by whom (exit status 3). DB_CORRUPT:
 * info.file says which (exit status 4). DB_SCHEMA: whatsapp.db is older than version 6 or newer and
 * incompatible; not a byte was changed. NOT_PLAIN: a path is no plain file, or a symbolic link.
 * INVALID: both paths name one file, or others may write there or read the files, and that cannot
 * be changed. Modes that can be changed are changed (info->tightened). On failure everything is
 * closed again, and ret is untouched; ret_info is always filled. */
enum wb_err store_open(const struct store_config *config, struct store **ret,
                       struct store_open_info *ret_info) WB_MUST_CHECK;

/* Rolls back an open batch, leaves whatsapp.db in DELETE journal mode (which the Go bridge
 * expects), closes, unlocks, frees. NULL-safe. The first error met is returned, but everything is
 * closed in any case. */
enum wb_err store_close(struct store *s);

/* Moves whatsapp.db (and -wal, -shm) aside to `<file>.<reason>-<UTC time>` in its directory and
 * opens an empty one in its place: for unlinking and for pairing anew after a logout (rule 6:
 * nothing is ever deleted). reason: letters and dashes, e.g. "unlinked". The batch must be
 * committed or rolled back before (STATE otherwise). The selected account is forgotten. ret_path
 * (may be NULL) gets the new name of the old file. When the new file cannot be opened the old one
 * is moved back. */
enum wb_err store_set_aside_session(struct store *s, const char *reason,
                                    char ret_path[STORE_PATH_MAX]) WB_MUST_CHECK;

/* The same for a file that store_open() found damaged: only moves the file, and takes its lock
 * while doing so. NOT_FOUND when there is no file. LOCKED when a process has it. */
enum wb_err store_set_aside_file(const char *path, const char *reason, const struct clock *clock,
                                 char ret_path[STORE_PATH_MAX]) WB_MUST_CHECK;

#endif
