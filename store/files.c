#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"

enum wb_err files_error(int error)
{
    if (error == ENOSPC || error == EDQUOT)
        return WB_ERR_NO_SPACE;
    if (error == ENOMEM)
        return WB_ERR_NOMEM;
    return error == ENOENT ? WB_ERR_NOT_FOUND : WB_ERR_IO;
}

static enum wb_err make_dir(const char *path, gid_t group)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? WB_OK : WB_ERR_IO;
    if (group != 0 && (chown(path, (uid_t)-1, group) != 0 || chmod(path, 02770) != 0))
        return WB_ERR_IO;
    /* A strict umask may have taken our own rights away. */
    if (group == 0 && chmod(path, 0700) != 0)
        return WB_ERR_IO;
    return WB_OK;
}

enum wb_err files_make_dirs(const char *path, gid_t group)
{
    char dir[STORE_PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof dir)
        return WB_ERR_INVALID;
    memcpy(dir, path, n + 1);
    char *last = strrchr(dir, '/');
    if (!last || last == dir)
        return WB_OK;
    *last = 0;
    for (char *p = dir + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        enum wb_err err = make_dir(dir, 0);
        *p = '/';
        if (err != WB_OK)
            return err;
    }
    return make_dir(dir, group);
}

enum wb_err files_make(const char *path, gid_t group, bool *ret_created)
{
    struct stat st;
    mode_t mode = group ? 0660 : 0600;
    bool created = false;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0)
        created = true;
    else if (errno == EEXIST)
        fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP || errno == EISDIR ? WB_ERR_INVALID : files_error(errno);
    enum wb_err err = WB_OK;
    if (fstat(fd, &st) != 0)
        err = WB_ERR_IO;
    else if (!S_ISREG(st.st_mode))
        err = WB_ERR_INVALID;
    else if (group && st.st_gid != group && fchown(fd, (uid_t)-1, group) != 0)
        err = WB_ERR_IO;
    else if ((st.st_mode & 07777) != mode && fchmod(fd, mode) != 0)
        err = WB_ERR_IO;
    close(fd);
    if (err == WB_OK)
        *ret_created = created;
    return err;
}

static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
enum { SUFFIXES = sizeof suffixes / sizeof suffixes[0] };

static enum wb_err rename_all(const char *from, const char *to)
{
    char a[STORE_PATH_MAX + 16], b[STORE_PATH_MAX + 16];
    /* The log first: a database without its log would be behind, a log without its database is
     * harmless. */
    for (size_t i = 0; i < SUFFIXES; i++) {
        snprintf(a, sizeof a, "%s%s", from, suffixes[i]);
        snprintf(b, sizeof b, "%s%s", to, suffixes[i]);
        if (rename(a, b) != 0 && errno != ENOENT)
            return files_error(errno);
    }
    FAULT_POINT("aside.between");
    if (rename(from, to) == 0)
        return WB_OK;
    enum wb_err err = files_error(errno);
    for (size_t i = 0; i < SUFFIXES; i++) {
        snprintf(a, sizeof a, "%s%s", from, suffixes[i]);
        snprintf(b, sizeof b, "%s%s", to, suffixes[i]);
        if (rename(b, a) != 0 && errno != ENOENT)
            err = files_error(errno);
    }
    return err;
}

enum wb_err files_set_aside(const char *path, const char *reason, int64_t now_unix_s,
                            char ret_path[STORE_PATH_MAX])
{
    char when[32], to[STORE_PATH_MAX];
    struct tm tm;
    struct stat st;
    time_t t = (time_t)now_unix_s;
    if (!reason[0] || strspn(reason, "abcdefghijklmnopqrstuvwxyz-_0123456789") != strlen(reason))
        return WB_ERR_INVALID;
    if (lstat(path, &st) != 0)
        return files_error(errno);
    if (!gmtime_r(&t, &tm) || strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm) == 0)
        return WB_ERR_INVALID;
    for (unsigned n = 0; n < 1000; n++) {
        int len = n ? snprintf(to, sizeof to, "%s.%s-%s.%u", path, reason, when, n)
                    : snprintf(to, sizeof to, "%s.%s-%s", path, reason, when);
        if (len < 0 || (size_t)len >= sizeof to)
            return WB_ERR_INVALID;
        if (lstat(to, &st) == 0)
            continue;
        enum wb_err err = rename_all(path, to);
        if (err == WB_OK && ret_path)
            memcpy(ret_path, to, (size_t)len + 1);
        return err;
    }
    return WB_ERR_EXISTS;
}

enum wb_err files_put_back(const char *aside, const char *path)
{
    return rename_all(aside, path);
}
