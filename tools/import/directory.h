/* directory.h - the files of the directory to import, read only. */
#ifndef IMPORT_DIRECTORY_H
#define IMPORT_DIRECTORY_H

#include "base/buf.h"

struct directory {
    int fd;
    char **names; /* sorted */
    size_t n;
    uint64_t stamp; /* of names, sizes and times of all of them */
};

/* IO, NOT_FOUND: no such directory. TOO_LARGE: too many files for a Baileys directory. */
enum wb_err directory_open(const char *path, struct directory *ret) WB_MUST_CHECK;
void directory_close(struct directory *d);
/* Replaces out's content. INVALID: no plain file. */
enum wb_err directory_read(const struct directory *d, const char *name,
                           struct buf *out) WB_MUST_CHECK;
/* Has any file come, gone or changed since the directory was opened? */
enum wb_err directory_changed(const struct directory *d, const char *path,
                              bool *ret_changed) WB_MUST_CHECK;

#endif
