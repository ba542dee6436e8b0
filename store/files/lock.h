/* lock.h - one process per database. The kernel's lock decides, the text in the file only
 * tells people who holds it: a file left by a crash locks nobody out. */
#ifndef STORE_FILES_LOCK_H
#define STORE_FILES_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct store_lock {
    int fd; /* -1: not held */
};

struct store_holder {
    pid_t pid;         /* 0: unknown */
    char command[200]; /* one that is longer ends with "…"; "" when unknown */
    char since[40];    /* "2026-01-31T12:00:00Z", "" when unknown */
    char host[72];     /* of another machine or container, whose pids mean nothing here; else "" */
};

static inline struct store_lock store_lock_none(void)
{
    return (struct store_lock){-1};
}

/* Takes `<path>.lock` (0600, made when missing, never removed) without waiting. An open file
 * description lock: closing another descriptor of the same file does not drop it. LOCKED:
 * ret_holder is filled. IO: the file cannot be made (or is a symbolic link). */
enum wb_err store_lock_take(const char *path, const char *command, int64_t now_unix_s,
                            struct store_lock *ret_lock,
                            struct store_holder *ret_holder) WB_MUST_CHECK;
void store_lock_drop(struct store_lock *l);
/* Does another process hold that lock now? Writes nothing, and takes nothing. false, too, where the
 * lock's file cannot be read. */
bool store_lock_is_held(const char *path, struct store_holder *ret_holder);
/* Does the name still lead to the file that we hold? Else another process can take the lock, too.
 */
bool store_lock_stands(const char *path, const struct store_lock *l);

/* Has another process this file open? Looks at /proc/<pid>/fd of the processes that we may look
 * into, and then for the file in the kernel's list of locks (/proc/locks). An ordinary user may not
 * look into our own programs, which forbid core dumps (base/core_dumps.h), nor into those of other
 * users; but SQLite keeps a lock on a database in WAL mode for as long as it is open. Opens nothing
 * of the database, so it may be asked while this process has it open. false: nothing was seen; a
 * program between two transactions of another journal mode, or one of another container, is not
 * seen. Where files have another device number than their locks (btrfs), the list shows nobody. */
bool store_other_process_has_open(const char *path, struct store_holder *ret_holder);

/* As above, and also asks the file itself for SQLite's own byte-range locks, which shows some that
 * the list does not; pid 0: the holder is in another container. Not while this process has the
 * database open: to ask, the file is opened, and closing any descriptor of it drops the locks that
 * SQLite holds for the whole process. */
bool store_other_program_has_open(const char *path, struct store_holder *ret_holder);

#endif
