/* files_io.c - whole files: hashed, written, copied, flushed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "store/files/files.h"
#include "store/files/limits.h"

enum { PIECE = 16 * 1024 }; /* on the stack of a worker */

enum wb_err files_join(const char *dir, const char *name, char out[STORE_PATH_MAX])
{
    int n = snprintf(out, STORE_PATH_MAX, "%s/%s", dir, name);

    return n < 0 || n >= STORE_PATH_MAX ? WB_ERR_INVALID : WB_OK;
}

enum wb_err files_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum wb_err err = fd >= 0            ? WB_OK
                      : errno == ENOTDIR ? plain_open(path, O_RDONLY | O_NOFOLLOW, 0, &fd)
                                         : wb_err_of_errno(errno);

    if (err != WB_OK)
        return err;
    err = fsync(fd) == 0 ? WB_OK : wb_err_of_errno(errno);
    close(fd);
    return err;
}

/* One piece; *ret_n 0 at the end. */
static enum wb_err read_piece(int fd, uint8_t piece[static PIECE], size_t *ret_n)
{
    for (;;) {
        ssize_t n = read(fd, piece, PIECE);

        if (n >= 0) {
            *ret_n = (size_t)n;
            return WB_OK;
        }
        if (errno != EINTR)
            return wb_err_of_errno(errno);
    }
}

static enum wb_err write_all(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wb_err_of_errno(errno);
        bytes = span_skip(bytes, (size_t)n);
    }
    return WB_OK;
}

enum wb_err files_hash(const char *path, uint8_t ret_sha256[static SHA256_BYTES],
                       uint64_t *ret_size)
{
    uint8_t piece[PIECE];
    struct sha256_stream s;
    uint64_t size = 0;
    size_t n = 0;
    enum wb_err err;
    int fd = -1;

    err = plain_open(path, O_RDONLY | O_NOFOLLOW, 0, &fd);
    if (err != WB_OK)
        return err;
    sha256_begin(&s);
    do {
        TRY(read_piece(fd, piece, &n));
        sha256_add(&s, SPAN(piece, n));
        size += n;
    } while (n > 0);
    sha256_end(&s, ret_sha256);
    *ret_size = size;
out:
    close(fd);
    return err;
}

static enum wb_err create(const char *path, mode_t mode, int *ret_fd)
{
    int fd = -1;
    enum wb_err err = plain_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode, &fd);

    if (err != WB_OK)
        return err;
    /* Whatever the umask says. */
    if (fchmod(fd, mode) != 0) {
        err = wb_err_of_errno(errno);
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return WB_OK;
}

static enum wb_err finish(int fd, enum wb_err err)
{
    if (err == WB_OK && fsync(fd) != 0)
        err = wb_err_of_errno(errno);
    if (close(fd) != 0 && err == WB_OK)
        err = wb_err_of_errno(errno);
    return err;
}

enum wb_err files_write_new(const char *path, struct span bytes)
{
    int fd = -1;
    enum wb_err err = create(path, 0600, &fd);

    if (err != WB_OK)
        return err;
    return finish(fd, write_all(fd, bytes));
}

enum wb_err files_read(const char *path, struct buf *out)
{
    return plain_read(path, O_NOFOLLOW, out);
}

enum wb_err files_copy(const char *from, const char *to, mode_t mode)
{
    uint8_t piece[PIECE];
    size_t n = 0;
    int in = -1;
    enum wb_err err = plain_open(from, O_RDONLY | O_NOFOLLOW, 0, &in);

    if (err != WB_OK)
        return err;
    int out = -1;
    err = create(to, mode, &out);
    if (err != WB_OK) {
        close(in);
        return err;
    }
    do {
        err = read_piece(in, piece, &n);
        if (err == WB_OK)
            err = write_all(out, SPAN(piece, n));
    } while (err == WB_OK && n > 0);
    close(in);
    return finish(out, err);
}
