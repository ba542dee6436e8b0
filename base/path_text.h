/* path_text.h - paths in sentences and commands that people read, and copy into a shell. */
#ifndef BASE_PATH_TEXT_H
#define BASE_PATH_TEXT_H

#include "base/buf.h"

/* Appends the word as a POSIX shell must read it, quoted only where quotes are needed. */
void path_shell_word(struct buf *out, const char *word);

/* The directory of a file, NUL-terminated: "/" for a file in the root, "." for a name without a
 * directory. A directory that is too long is cut and ends in an ellipsis. */
enum { PATH_DIRECTORY_BYTES = 254 };
void path_directory(const char *path, char out[static PATH_DIRECTORY_BYTES]);

#endif
