/* files.h - directories and files with the right owners' rights; private to store/. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "store/store.h"

/* Makes the directories above path that are missing: 0700, the last one 2770 of the group if group
 * is not 0. Whatever the umask. Existing directories are left alone. */
enum wb_err files_make_dirs(const char *path, gid_t group) WB_MUST_CHECK;
/* Makes the file when it is missing (never through a symbolic link) and gives it 0600, or 0660 of
 * the group. INVALID: there is something that is not a plain file. */
enum wb_err files_make(const char *path, gid_t group, bool *ret_created) WB_MUST_CHECK;
/* Renames path, path-wal, path-shm to a free name `<path>.<reason>-<UTC>` and so on. Nothing is
 * overwritten. NOT_FOUND: no such file. */
enum wb_err files_set_aside(const char *path, const char *reason, int64_t now_unix_s,
                            char ret_path[STORE_PATH_MAX]) WB_MUST_CHECK;
/* The way back. */
enum wb_err files_put_back(const char *aside, const char *path) WB_MUST_CHECK;
/* errno as an error. */
enum wb_err files_error(int error);

#endif
