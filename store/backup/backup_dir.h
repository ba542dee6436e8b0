/* backup_dir.h - the backups/ directory and the names in it; private to store/. */
#ifndef STORE_BACKUP_BACKUP_DIR_H
#define STORE_BACKUP_BACKUP_DIR_H

#include "store/backup/backup.h"
#include "store/core/limits.h"
#include "store/files/lock.h"

#define BACKUP_WHATSAPP   "whatsapp.db"
#define BACKUP_MESSAGES   "messages.db"
#define BACKUP_MANIFEST   "manifest.json"
#define BACKUP_UNFINISHED ".unfinished"
#define BACKUP_GOING      ".going"

/* One at a time writes here. make: makes the directory when it is missing; else NOT_FOUND.
 * What others may do in it is taken back; tightened (as guard_dir_of()) says so. text says of
 * every failure what was in the way: LOCKED: who; INVALID: what others may do; NOT_FOUND, IO: that
 * it is not there, no directory, or not to be read. */
enum wb_err backup_dir_lock(const char *dir, bool make, const char *command,
                            const struct clock *clock, struct store_lock *ret,
                            char tightened[STORE_TIGHTENED_MAX], char text[512]) WB_MUST_CHECK;
/* Removes what a crash left of a set that never got its name, or had lost it. With the lock. */
void backup_dir_clear_unfinished(const char *dir);
/* Is there a set of the second that this name begins with? */
enum wb_err backup_dir_second_taken(const char *dir, const char *name,
                                    bool *ret_taken) WB_MUST_CHECK;
/* For a set that is being made at this time: higher than all that are there. With the lock. */
enum wb_err backup_dir_next_sequence(const char *dir, int64_t created_at,
                                     int64_t *ret_sequence) WB_MUST_CHECK;
/* The manifest of the set at this path. */
enum wb_err backup_dir_manifest(const char *set, struct backup_manifest *ret) WB_MUST_CHECK;

#endif
