/* plain_file.h - opening files that somebody else may have put there.
 *
 * Behind a name there may be a pipe that nobody writes to, a device without an end, a socket or
 * a directory: opening or reading it would wait for ever, and no signal would end a program that
 * is still starting. So every file that a program of ours reads or writes by a name is opened
 * here, or looked at by plain_look() when a library opens it itself. Directories are opened as
 * such (O_DIRECTORY). Only log files may be pipes or devices (base/log.h). */
#ifndef BASE_PLAIN_FILE_H
#define BASE_PLAIN_FILE_H

#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"

/* OK when path is a plain file, or a symbolic link to one. NOT_FOUND; NOT_PLAIN: path is
 * something else. Opens nothing: closing a database that SQLite has open as well would drop
 * SQLite's locks. */
enum wb_err plain_look(const char *path) WB_MUST_CHECK;
/* Like open(2), but never waits; exec closes the descriptor. NOT_PLAIN: path is no plain file,
 * or with O_NOFOLLOW a symbolic link. NOT_FOUND, EXISTS (O_EXCL), NO_SPACE, NOMEM, IO; errno is
 * set by the system. */
enum wb_err plain_open(const char *path, int flags, mode_t mode, int *ret_fd) WB_MUST_CHECK;
/* The same for a name in an open directory. */
enum wb_err plain_open_at(int dir, const char *name, int flags, mode_t mode,
                          int *ret_fd) WB_MUST_CHECK;
/* The same as a stream for reading, or (O_WRONLY) for writing. */
enum wb_err plain_stream(const char *path, int flags, mode_t mode, FILE **ret) WB_MUST_CHECK;
/* Appends the whole file to out; flags: 0 or O_NOFOLLOW. TOO_LARGE over out's maximum. */
enum wb_err plain_read(const char *path, int flags, struct buf *out) WB_MUST_CHECK;
/* Removes from an open file or directory the rights of group and others beyond `mode`; *ret_was
 * (may be NULL) is the mode before, with which others may have read or changed it. IO: the file
 * is not ours to change, or its file system keeps no modes. */
enum wb_err plain_tighten(int fd, mode_t mode, mode_t *ret_was) WB_MUST_CHECK;
/* For messages: "not a plain file", else what errno says. */
const char *plain_error_text(enum wb_err err);

#endif
