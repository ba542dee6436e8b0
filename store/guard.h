/* guard.h - what others may do with a store's directories and files; private to store/ and tools/.
 *
 * Whoever may write in the directory of a database can put another one there, or a journal that
 * SQLite would play back into it; whoever may read the files has the keys. A mode that allows more
 * than was asked for is taken back; what cannot be taken back is refused. */
#ifndef STORE_GUARD_H
#define STORE_GUARD_H

#include <sys/types.h>

#include "base/err.h"

enum { GUARD_TEXT_MAX = 512 };

/* The directory that `path` lies in, which is there. mode: 0700, or with the bits of `group` that
 * are wanted (02770). Others' right to write is taken from it in any case, that to read only if it
 * holds nothing but a store's files: it may be a directory of the system. INVALID: it belongs to
 * somebody else, or is one for everybody (/tmp), and others may write there. text (of
 * GUARD_TEXT_MAX) gets what was done, behind what stands there, or why it is refused. */
enum wb_err guard_dir_of(const char *path, mode_t mode, gid_t group, char *text) WB_MUST_CHECK;
/* A database with its log, index, journal and lock, as far as they are there. mode: 0600, or 0660
 * for the group. INVALID: one may be read or written by others and is not ours to change. */
enum wb_err guard_files(const char *path, mode_t mode, gid_t group, char *text) WB_MUST_CHECK;

#endif
