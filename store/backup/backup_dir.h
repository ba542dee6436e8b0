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

/* Takes the directory's lock: one process at a time writes here. make: makes the directory
 * when it is missing; else NOT_FOUND. Rights of others to it are taken away; tightened (as
 * guard_dir_of()) says so. text says of every failure why. LOCKED: who has the lock; INVALID: what
 * others may do; NOT_FOUND, IO: the directory is not there, is no directory, or may not be read. */
enum wb_err backup_dir_lock(const char *dir, bool make, const char *command,
                            const struct clock *clock, struct store_lock *ret,
                            char tightened[STORE_TIGHTENED_MAX], char text[512]) WB_MUST_CHECK;
/* Removes what a crash left of sets that did not have their names yet, or no longer. The caller has
 * the lock. */
void backup_dir_clear_unfinished(const char *dir);
/* Is there a set from the same second as this name says? */
enum wb_err backup_dir_second_taken(const char *dir, const char *name,
                                    bool *ret_taken) WB_MUST_CHECK;
/* The sequence for a set that is being made at this time: higher than that of all sets there. The
 * caller has the lock. */
enum wb_err backup_dir_next_sequence(const char *dir, int64_t created_at,
                                     int64_t *ret_sequence) WB_MUST_CHECK;
/* The manifest of the set at this path. */
enum wb_err backup_dir_manifest(const char *set, struct backup_manifest *ret) WB_MUST_CHECK;

#endif
