/* files.h - directories and files with the right owners' rights; private to store/ and tools/.
 * files/ knows names, rights and locks of files, and nothing of what is in them. */
#ifndef STORE_FILES_FILES_H
#define STORE_FILES_FILES_H

#include <sys/types.h>

#include "base/buf.h"
#include "crypto/prim_hash.h"
#include "store/files/limits.h"

/* Makes the directories above path that are missing: 0700, the last one 2770 of the group if group
 * is not 0. The umask plays no part. Existing directories are left alone (guard_let_readers_in()).
 */
enum wb_err files_make_dirs(const char *path, gid_t group) WB_MUST_CHECK;
/* Makes the file when it is missing (never through a symbolic link) and gives it 0600, or 0660 of
 * the group. NOT_PLAIN: there is something else, or a symbolic link. */
enum wb_err files_make(const char *path, gid_t group, bool *ret_created) WB_MUST_CHECK;
/* `<path>.<reason>-<UTC>`, a name that nothing has yet. */
enum wb_err files_free_name(const char *path, const char *reason, int64_t now_unix_s,
                            char out[STORE_PATH_MAX]) WB_MUST_CHECK;
/* Renames path, path-wal, path-shm to a free name `<path>.<reason>-<UTC>` and so on. Nothing is
 * overwritten. NOT_FOUND: no such file. */
enum wb_err files_set_aside(const char *path, const char *reason, int64_t now_unix_s,
                            char ret_path[STORE_PATH_MAX]) WB_MUST_CHECK;
/* Only path-wal, path-shm and path-journal, to the same kind of names. */
enum wb_err files_set_aside_logs(const char *path, const char *reason,
                                 int64_t now_unix_s) WB_MUST_CHECK;
/* The file `fresh` takes the place of path; what was there (if anything: else ret_path becomes "")
 * keeps existing under a name as above, its log beside it. In one step; if there is a log, a crash
 * in between may leave no file at path, but never the old one without its log. Flushed. After a
 * failure path and the names beside it are what they were. */
enum wb_err files_replace(const char *fresh, const char *path, const char *reason,
                          int64_t now_unix_s, char ret_path[STORE_PATH_MAX]) WB_MUST_CHECK;
/* Undoes files_set_aside() and files_replace(): the file `aside` and its logs get the name path
 * again. */
enum wb_err files_put_back(const char *aside, const char *path) WB_MUST_CHECK;
/* Flushes a file or a directory to the disk. NOT_PLAIN: it is neither. */
enum wb_err files_sync(const char *path) WB_MUST_CHECK;
/* Flushes the directory that a name is in: without that a power loss may take back what was made,
 * renamed or removed there. */
enum wb_err files_sync_dir_of(const char *path) WB_MUST_CHECK;
/* SHA-256 and size of a file. */
enum wb_err files_hash(const char *path, uint8_t ret_sha256[static SHA256_BYTES],
                       uint64_t *ret_size) WB_MUST_CHECK;
/* A new file (0600) with these bytes, flushed. EXISTS. */
enum wb_err files_write_new(const char *path, struct span bytes) WB_MUST_CHECK;
/* Appends a whole file to out (TOO_LARGE over its maximum). */
enum wb_err files_read(const char *path, struct buf *out) WB_MUST_CHECK;
/* A new file at `to` (mode, flushed) with the bytes of `from`. EXISTS. */
enum wb_err files_copy(const char *from, const char *to, mode_t mode) WB_MUST_CHECK;
/* `dir/name` into out; INVALID when it is too long. */
enum wb_err files_join(const char *dir, const char *name, char out[STORE_PATH_MAX]) WB_MUST_CHECK;
#endif
