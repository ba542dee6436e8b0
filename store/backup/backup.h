/* backup.h - copies of both databases as one set, also while the bridge runs.
 * backup/ knows files by their paths; how a store is opened and restored is above it.
 *
 * A set is the directory `<backups>/<UTC time>-<reason>/` with whatsapp.db, messages.db and
 * manifest.json, 0700 and 0600. It is written under another name, checked (hashes, quick_check,
 * schema, keys), flushed and then renamed: a directory with a set's name is a complete set.
 *
 * The copies are made over connections of their own that only read, so any thread may do it while
 * the bridge writes. The snapshot of whatsapp.db is taken first: its commits are batch
 * boundaries, and messages.db is committed before it, so the messages of a set are never behind its
 * ratchets (rule 10). */
#ifndef STORE_BACKUP_BACKUP_H
#define STORE_BACKUP_BACKUP_H

#include "store/backup/backup_manifest.h"
#include "store/core/store.h"

/* Reasons of sets that other code knows. Sets made at a logout, at a damage or before an unlinking
 * are never pruned. */
#define BACKUP_SCHEDULED      "scheduled"
#define BACKUP_MANUAL         "manual"
#define BACKUP_BEFORE_UPGRADE "before-upgrade"
#define BACKUP_BEFORE_RESTORE "before-restore"
#define BACKUP_BEFORE_CONVERT "before-convert"
#define BACKUP_BEFORE_UNLINK  "before-unlink"
#define BACKUP_LOGOUT         "logout"
#define BACKUP_DAMAGE         "damage"

/* Stands behind a set's name in the name of its one encrypted file (store/backup/backup_seal.h). */
#define BACKUP_SEALED ".sealed"

struct backup_job {
    const char *whatsapp_path;
    const char *messages_path; /* NULL or no such file: left out of the set */
    const char *dir;           /* the backups/ directory: made when it is missing */
    const char *reason;
    const char *program; /* who made it: "whatsapp-bridge 1.0" */
    const struct clock *clock;
    bool gentle; /* another thread or program writes meanwhile: small steps with pauses, so that it
                    is not stalled */
    bool (*cancelled)(void *ctx); /* asked between steps; may be NULL */
    void *ctx;
};

struct backup_result {
    char name[BACKUP_NAME_MAX + 1]; /* of the set, in job->dir */
    struct backup_manifest manifest;
    char text[512]; /* of a failure: one sentence; "" when the error says it all */
    char tightened[STORE_TIGHTENED_MAX]; /* rights to the directory that others had until now; "":
                                            none were taken away */
};

/* Makes one set; blocks, may take seconds. NOT_FOUND: there is no whatsapp.db; then nothing was
 * made, not even the directory. LOCKED: another backup or a restore is under way (text says whose),
 * or a database is. DB_CORRUPT: a file (or its copy) is damaged; nothing is kept. NO_SPACE, IO,
 * CANCELLED. ret is always filled. */
enum wb_err store_backup_create(const struct backup_job *job,
                                struct backup_result *ret) WB_MUST_CHECK;

/* Can this directory be searched for sets? If not, text says why in a sentence: NOT_FOUND (the
 * directory is not there), IO (it is no directory, or may not be read). Writes nothing. */
enum wb_err store_backup_look(const char *dir, char text[512]) WB_MUST_CHECK;

/* One directory with a set's name. */
struct backup_entry {
    char name[BACKUP_NAME_MAX + 1];
    enum wb_err err; /* of reading its manifest: after an error only name and sequence are known */
    struct backup_manifest manifest;
};

/* What people are told when no set has the name that they gave. */
#define BACKUP_NO_SUCH "there is no backup of this name; 'bridge-backup list' shows them"

/* Newest first, by the sequence and not by any clock (sets whose manifest cannot be read have the
 * time of their name); *ret is freed by the caller. A missing directory: none. */
enum wb_err store_backup_list(const char *dir, struct backup_entry **ret,
                              size_t *ret_n) WB_MUST_CHECK;

/* Compares sizes and hashes with the manifest, then opens both copies: quick_check, schema, keys.
 * NOT_FOUND: no such set. DB_CORRUPT, MALFORMED: the set is no good. IO: it may not be read. why
 * gets the reason in each case. */
enum wb_err store_backup_verify(const char *dir, const char *name, struct backup_manifest *ret,
                                char why[512]) WB_MUST_CHECK;

/* The same for a set anywhere, by its path. */
enum wb_err store_backup_verify_at(const char *set, struct backup_manifest *ret,
                                   char why[512]) WB_MUST_CHECK;
/* Removes the files of a set, and the directory when nothing else is in it. */
void store_backup_remove_at(const char *set);

/* The newest set that verifies, of this phone number (digits; NULL: any), with the wanted file in
 * it (NONE: either). why collects what was wrong with newer sets. NOT_FOUND. */
enum wb_err store_backup_newest_good(const char *dir, const char *phone_user, enum store_file want,
                                     char ret_name[BACKUP_NAME_MAX + 1],
                                     struct backup_manifest *ret, char why[512]) WB_MUST_CHECK;

struct backup_keep {
    unsigned newest; /* so many of each number */
    unsigned days;   /* and the newest of each UTC day, for the last so many days on which sets were
                        made */
};

/* Which of n entries (newest first) may be removed? Pure, and without a clock, so that a wrong
 * clock removes nothing. Not those that keep wants, not those made at a logout, damage or
 * unlinking, not `verified` (the newest set known to be good; NULL: none may be removed), none
 * whose manifest cannot be read. Sets ret_drop[n]. */
void backup_prune_choose(const struct backup_entry *entries, size_t n,
                         const struct backup_keep *keep, const char *verified, bool *ret_drop);

/* Removes the sets that may be removed; told is called for each set before that. dry_run: only
 * calls told. Verifies sets from the newest on until one is good, unless verified names one that
 * was just made. tightened: as in struct backup_result. LOCKED as above. */
enum wb_err store_backup_prune(const char *dir, const struct backup_keep *keep,
                               const struct clock *clock, const char *verified, bool dry_run,
                               void (*told)(void *ctx, const char *name), void *ctx,
                               char tightened[STORE_TIGHTENED_MAX]) WB_MUST_CHECK;

#endif
