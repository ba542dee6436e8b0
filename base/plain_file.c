#include "base/plain_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16 * 1024 };

enum wb_err plain_look(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return wb_err_of_errno(errno);
    return S_ISREG(st.st_mode) ? WB_OK : WB_ERR_NOT_PLAIN;
}

enum wb_err plain_open(const char *path, int flags, mode_t mode, int *ret_fd)
{
    return plain_open_at(AT_FDCWD, path, flags, mode, ret_fd);
}

enum wb_err plain_open_at(int dir, const char *path, int flags, mode_t mode, int *ret_fd)
{
    struct stat st;
    int fd;

    /* Opening some devices has effects, so the file's type is checked before the open. */
    if (!(flags & O_EXCL) && fstatat(dir, path, &st, 0) == 0 && !S_ISREG(st.st_mode))
        return WB_ERR_NOT_PLAIN;
    fd = openat(dir, path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
    if (fd < 0)
        return wb_err_of_errno(errno);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *ret_fd = fd;
        return WB_OK;
    }
    close(fd);
    return WB_ERR_NOT_PLAIN;
}

enum wb_err plain_stream(const char *path, int flags, mode_t mode, FILE **ret)
{
    int fd = -1;
    enum wb_err err = plain_open(path, flags, mode, &fd);

    if (err != WB_OK)
        return err;
    FILE *f = fdopen(fd, (flags & O_ACCMODE) == O_RDONLY ? "r" : "w");
    if (!f) {
        close(fd);
        return WB_ERR_NOMEM;
    }
    *ret = f;
    return WB_OK;
}

enum wb_err plain_read(const char *path, int flags, struct buf *out)
{
    uint8_t piece[PIECE];
    ssize_t n = 1;
    int fd = -1;
    enum wb_err err = plain_open(path, O_RDONLY | flags, 0, &fd);

    if (err != WB_OK)
        return err;
    while (err == WB_OK && n != 0) {
        n = read(fd, piece, sizeof piece);
        if (n < 0 && errno != EINTR)
            err = wb_err_of_errno(errno);
        if (n > 0) {
            buf_append(out, SPAN(piece, (size_t)n));
            err = buf_err(out);
        }
    }
    close(fd);
    explicit_bzero(piece, sizeof piece); /* a key, perhaps */
    return err;
}

enum wb_err plain_tighten(int fd, mode_t mode, mode_t *ret_was)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return WB_ERR_IO;
    if (ret_was)
        *ret_was = st.st_mode & 07777;
    if ((st.st_mode & 077 & ~mode) == 0)
        return WB_OK;
    if (fchmod(fd, st.st_mode & 07777 & (mode | 07700)) != 0 || fstat(fd, &st) != 0)
        return wb_err_of_errno(errno);
    /* Some file systems keep no modes and report no error: the mode is read again. */
    return (st.st_mode & 077 & ~mode) == 0 ? WB_OK : WB_ERR_IO;
}

const char *plain_error_text(enum wb_err err)
{
    if (err == WB_ERR_NOT_PLAIN)
        return wb_err_text(err);
    /* The same words for a full disk as everywhere else. */
    return errno == ENOSPC ? wb_err_text(WB_ERR_NO_SPACE) : strerror(errno);
}
