#include "tools/import/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fnv.h"
#include "base/plain_file.h"
#include "tools/import/limits.h"

enum { FIRST_CAP = 256 };

static enum wb_err add_name(struct directory *d, size_t *cap, const char *name)
{
    if (d->n == IMPORT_FILES_MAX)
        return WB_ERR_TOO_LARGE;
    if (d->n == *cap) {
        size_t more = *cap ? *cap * 2 : FIRST_CAP;
        char **names = realloc(d->names, more * sizeof *names);

        if (!names)
            return WB_ERR_NOMEM;
        d->names = names;
        *cap = more;
    }
    d->names[d->n] = strdup(name);
    if (!d->names[d->n])
        return WB_ERR_NOMEM;
    d->n++;
    return WB_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum wb_err stamp(struct directory *d)
{
    uint64_t h = FNV_START;

    for (size_t i = 0; i < d->n; i++) {
        struct stat st;

        if (fstatat(d->fd, d->names[i], &st, AT_SYMLINK_NOFOLLOW) != 0)
            return wb_err_of_errno(errno);
        h = fnv_text(h, d->names[i]);
        h = fnv_word(h, (uint64_t)st.st_size);
        h = fnv_word(h, (uint64_t)st.st_mtim.tv_sec);
        h = fnv_word(h, (uint64_t)st.st_mtim.tv_nsec);
    }
    d->stamp = h;
    return WB_OK;
}

enum wb_err directory_open(const char *path, struct directory *ret)
{
    struct directory d = {.fd = -1};
    DIR *list = NULL;
    size_t cap = 0;
    enum wb_err err = WB_OK;

    d.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int copy = d.fd < 0 ? -1 : fcntl(d.fd, F_DUPFD_CLOEXEC, 0);
    list = copy < 0 ? NULL : fdopendir(copy);
    if (!list) {
        err = wb_err_of_errno(errno);
        if (copy >= 0)
            close(copy);
        goto out;
    }
    errno = 0;
    for (struct dirent *e = readdir(list); e; errno = 0, e = readdir(list))
        if (e->d_name[0] != '.')
            TRY(add_name(&d, &cap, e->d_name));
    TRY(errno ? WB_ERR_IO : WB_OK);
    if (d.n)
        qsort(d.names, d.n, sizeof *d.names, by_name);
    TRY(stamp(&d));
    *ret = d;
    d = (struct directory){.fd = -1};
out:
    if (list)
        closedir(list);
    directory_close(&d);
    return err;
}

void directory_close(struct directory *d)
{
    for (size_t i = 0; i < d->n; i++)
        free(d->names[i]);
    free(d->names);
    if (d->fd >= 0)
        close(d->fd);
    *d = (struct directory){.fd = -1};
}

enum wb_err directory_read(const struct directory *d, const char *name, struct buf *out)
{
    struct stat st;
    int fd = -1;
    enum wb_err err = plain_open_at(d->fd, name, O_RDONLY, 0, &fd);

    buf_clear(out);
    if (err != WB_OK)
        return err;
    TRY(fstat(fd, &st) == 0 ? WB_OK : WB_ERR_IO);
    TRY(st.st_size <= IMPORT_FILE_MAX ? WB_OK : WB_ERR_TOO_LARGE);
    while (out->n < (size_t)st.st_size) {
        size_t before = out->n, want = (size_t)st.st_size - before;
        uint8_t *p = buf_extend(out, want);

        TRY(p ? WB_OK : buf_err(out));
        ssize_t got = read(fd, p, want);
        TRY(got > 0 ? WB_OK : WB_ERR_IO);
        out->n = before + (size_t)got;
    }
out:
    close(fd);
    return err;
}

enum wb_err directory_changed(const struct directory *d, const char *path, bool *ret_changed)
{
    struct directory now = {.n = 0};
    enum wb_err err = directory_open(path, &now);

    if (err != WB_OK)
        return err;
    *ret_changed = now.stamp != d->stamp || now.n != d->n;
    directory_close(&now);
    return WB_OK;
}
