/* path_text.h - paths in sentences and commands that people read, and copy into a shell. */
#ifndef BASE_PATH_TEXT_H
#define BASE_PATH_TEXT_H

#include "base/buf.h"

/* Appends what a POSIX shell takes for exactly this one word: with quotes only where they are
 * needed. */
void path_shell_word(struct buf *out, const char *word);

/* The directory of a file, NUL-terminated: "/" of what is in the root, "." of a name without any
 * directory; of a longer one than fits the first bytes and an ellipsis. */
enum { PATH_DIRECTORY_BYTES = 254 };
void path_directory(const char *path, char out[static PATH_DIRECTORY_BYTES]);

#endif
