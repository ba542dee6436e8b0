/* store.h - the two databases of one number, opened, locked and checked.
 *
 * `struct store` holds one connection to whatsapp.db (whatsmeow's schema 15 and our bridge_ tables)
 * and one to messages.db. One thread uses it. Writes of every function in store/ gather in an open
 * batch (store/core/batch.h) and are durable after store_commit(); reads see the batch.
 *
 * Errors that any function of store/ may return and that are not repeated at each:
 * NOMEM, NO_SPACE (disk full), IO, DB_CORRUPT, DB (anything else of SQLite), LOCKED (another
 * program held the database longer than the busy timeout). After one of these the caller rolls
 * back (store_rollback) and closes its connection (rule 1). */
#ifndef STORE_CORE_STORE_H
#define STORE_CORE_STORE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "store/limits.h"

struct store;

/* How messages.db holds times (interfaces.md, P-MC-13). AUTO: as the file remembers, or at first as
 * its first row with a time does; integer in a new file. */
enum store_time_format { STORE_TIME_AUTO, STORE_TIME_INTEGER, STORE_TIME_TEXT };

struct store_config {
    const char *whatsapp_path; /* ".../whatsapp.db" */
    const char *messages_path; /* ".../messages.db", may lie in another directory */
    const char *phone_user;    /* digits: a file of other numbers only is refused; NULL: any */
    const char *command;       /* written into the lock file for people, e.g. the argv of ours */
    enum store_time_format time_format;
    gid_t readers_group; /* messages.db: directory 2770, files 0660 of this group; 0: 0700/0600 */
    const struct clock *clock;
    const char *backups_dir; /* where a backup is made before a change of schema; NULL: nowhere */
    const char *program;     /* "whatsapp-bridge 1.0": who made it; may be NULL */
    /* Also that the indexes of a large file are whole: after damage was seen in use. */
    bool thorough;
    bool keep_modes; /* of directories and files: a look that changes nothing */
    /* Does somebody wait for the program's end? Asked while a lock is waited for; NULL: never. */
    bool (*hurried)(void);
    bool is_copy; /* whoever calls has the originals, and makes old state harmless: see mended */
};

enum store_file { STORE_FILE_NONE, STORE_FILE_WHATSAPP, STORE_FILE_MESSAGES };

/* What a failed (or successful) open has to tell people. */
struct store_open_info {
    enum store_file file; /* whose fault it was */
    char text[512];       /* one sentence; "" when the error text says it all */
    pid_t holder_pid;     /* LOCKED: who has it, 0 when unknown */
    char holder_command[256];
    int schema;            /* the version that was found in whatsapp.db; 0: a new file */
    bool created_whatsapp; /* there was no file before */
    bool created_messages;
    bool used_without_us;  /* another program wrote whatsapp.db since: our caches were dropped */
    bool taken_over;       /* a file of another program (or version) was brought up to date */
    bool readers_shut_out; /* others could read messages.db before, and cannot any more */
    char readers_kept_out[1600]; /* config's readers_group, by a directory that is not ours to
                                    change: a sentence for people; "": it gets there */
    char tightened[STORE_TIGHTENED_MAX]; /* modes that allowed others more than they should have,
                                            and do no more */
    char backup[STORE_NAME_MAX + 1];     /* the set in backups_dir that was made before; "": none */
    char mended[900];  /* of which file the indexes were made anew, and the name of its copy */
    char ignored[500]; /* which file is used although a check complains, and of what */
};

/* Makes missing directories and files, takes the locks, looks for other programs that have
 * whatsapp.db open, checks both files (quick_check, expected tables; a large messages.db that is as
 * store_close() left it is not read through again) and brings them up to date: a
 * whatsapp.db of whatsmeow's versions 6..14 to 15, a messages.db of the Go bridge to ours, each in
 * one transaction and after a backup of both. A file in which only indexes are damaged (they lack
 * rows) gets new ones, after a copy of the file (store/open/reindex.h). Nothing is written before
 * the locks are held, the checks passed and the backup is good. OTHER_NUMBER: no device of config's
 * number in whatsapp.db; info lists what is there. LOCKED: info says by whom (exit status 3).
 * DB_CORRUPT: info.file says which (exit status 4). DB_SCHEMA: whatsapp.db is older than version 6
 * or newer and incompatible; not a byte was changed. NOT_PLAIN: a path is no plain file, or a
 * symbolic link. INVALID: both paths name one file, or others may write there or read the files,
 * and that cannot be changed. Where it can, it is (info->tightened). On failure everything is
 * closed again, and ret is untouched; ret_info is always filled. */
enum wb_err store_open(const struct store_config *config, struct store **ret,
                       struct store_open_info *ret_info) WB_MUST_CHECK;

/* Appends the sentence for people, without a full stop, that other users are shut out of this
 * messages.db now (readers_shut_out), and what lets them in again. */
void store_shut_out_text(const char *messages_path, struct buf *out);

/* Rolls back an open batch, leaves whatsapp.db in DELETE journal mode (rule 5), closes, unlocks,
 * frees. NULL-safe. The first error met is returned, but everything is closed in any case. */
enum wb_err store_close(struct store *s);

/* Gives the pages that SQLite keeps for next time back to malloc (up to DB_CACHE_KB per file). */
void store_release_memory(struct store *s);

/* How long writes wait for another program that holds a database: USUAL five seconds, in which
 * nobody is answered; SHORT a tenth of one, for a stop; NONE not at all, for when it was seen that
 * somebody does not let go. USUAL at first, and until changed. */
enum store_wait { STORE_WAIT_USUAL, STORE_WAIT_SHORT, STORE_WAIT_NONE };
void store_set_wait(struct store *s, enum store_wait wait);

/* After a failure, before store_error_text(): does another program hold a database, and which? */
bool store_is_held(const struct store *s, enum store_file *ret_file);
/* SQLite's words for the failures since the last call, for the log: never NULL,
 * holds table and column names but no values. Lives until the next call. */
const char *store_error_text(struct store *s);
/* After NO_SPACE: the path of the database for which there was none; before store_error_text(). */
const char *store_full_path(struct store *s);
/* For messages: the same, and where it has none the words of err. */
const char *store_error_why(struct store *s, enum wb_err err);

/* Moves whatsapp.db (and -wal, -shm) aside to `<file>.<reason>-<UTC time>` in its directory and
 * opens an empty one in its place: unlinking, re-pairing after a logout (R-401: nothing is ever
 * deleted). reason: letters and dashes, e.g. "unlinked". The batch must be committed or rolled
 * back before (STATE otherwise). The selected account is forgotten. ret_path (may be NULL) gets the
 * new name of the old file. When the new file cannot be opened the old one is moved back. */
enum wb_err store_set_aside_session(struct store *s, const char *reason,
                                    char ret_path[STORE_PATH_MAX]) WB_MUST_CHECK;

/* The same for a file that store_open() found damaged: only moves, takes the file's lock while
 * doing so. NOT_FOUND when there is no file. LOCKED when a process has it. */
enum wb_err store_set_aside_file(const char *path, const char *reason, const struct clock *clock,
                                 char ret_path[STORE_PATH_MAX]) WB_MUST_CHECK;

/* The format in force for messages.db: INTEGER or TEXT, never AUTO. */
enum store_time_format store_time_format(const struct store *s);
/* It is another one than the file had, because the configuration says so. */
bool store_time_format_changed(const struct store *s);

#endif
