#include "store/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/plain_file.h"
#include "store/files/limits.h"

static enum wb_err sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return wb_err_of_errno(errno);
    /* Some network file systems know no such flush (EINVAL), and their server does it by itself. */
    enum wb_err err = fsync(fd) == 0 || errno == EINVAL ? WB_OK : wb_err_of_errno(errno);
    close(fd);
    return err;
}

enum wb_err files_sync_dir_of(const char *path)
{
    char dir[STORE_PATH_MAX];
    const char *last = strrchr(path, '/');

    if (!last)
        return sync_dir(".");
    size_t n = last == path ? 1 : (size_t)(last - path);
    if (n >= sizeof dir)
        return WB_ERR_INVALID;
    memcpy(dir, path, n);
    dir[n] = 0;
    return sync_dir(dir);
}

static enum wb_err make_dir(const char *path, gid_t group)
{
    struct stat st;

    if (mkdir(path, 0700) != 0) {
        if (errno != EEXIST)
            return wb_err_of_errno(errno);
        if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
            errno = ENOTDIR;
            return WB_ERR_IO;
        }
        return WB_OK;
    }
    if (group != 0 && (chown(path, (uid_t)-1, group) != 0 || chmod(path, 02770) != 0))
        return WB_ERR_IO;
    /* A strict umask may have taken our own rights away. */
    if (group == 0 && chmod(path, 0700) != 0)
        return WB_ERR_IO;
    return files_sync_dir_of(path);
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
    int fd = -1;
    enum wb_err err = plain_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode, &fd);

    if (err == WB_OK)
        created = true;
    else if (err == WB_ERR_EXISTS)
        err = plain_open(path, O_RDWR | O_NOFOLLOW, 0, &fd);
    if (err != WB_OK)
        return err;
    if (fstat(fd, &st) != 0)
        err = WB_ERR_IO;
    else if (group && st.st_gid != group && fchown(fd, (uid_t)-1, group) != 0)
        err = WB_ERR_IO;
    else if ((st.st_mode & 07777) != mode && fchmod(fd, mode) != 0)
        err = WB_ERR_IO;
    close(fd);
    if (err == WB_OK && created)
        err = files_sync_dir_of(path);
    if (err == WB_OK)
        *ret_created = created;
    return err;
}

static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
enum { SUFFIXES = sizeof suffixes / sizeof suffixes[0] };

static enum wb_err rename_logs(const char *from, const char *to)
{
    char a[STORE_PATH_MAX + 16], b[STORE_PATH_MAX + 16];

    for (size_t i = 0; i < SUFFIXES; i++) {
        snprintf(a, sizeof a, "%s%s", from, suffixes[i]);
        snprintf(b, sizeof b, "%s%s", to, suffixes[i]);
        if (rename(a, b) != 0 && errno != ENOENT)
            return wb_err_of_errno(errno);
    }
    return WB_OK;
}

/* The database first: for a moment a log is there without its database, which harms nobody, while a
 * database without its log would go on from an earlier state. */
static enum wb_err move_away(const char *from, const char *to)
{
    if (rename(from, to) != 0)
        return wb_err_of_errno(errno);
    FAULT_POINT("aside.between");
    enum wb_err err = rename_logs(from, to);
    if (err == WB_OK)
        err = files_sync_dir_of(to);
    if (err != WB_OK && (rename_logs(to, from) != WB_OK || rename(to, from) != 0))
        return WB_ERR_IO;
    return err;
}

/* The log first, for the same reason. */
static enum wb_err move_back(const char *from, const char *to)
{
    enum wb_err err = rename_logs(from, to);

    if (err == WB_OK && rename(from, to) == 0)
        return files_sync_dir_of(to);
    if (err == WB_OK)
        err = wb_err_of_errno(errno);
    return rename_logs(to, from) != WB_OK ? WB_ERR_IO : err;
}

enum wb_err files_free_name(const char *path, const char *reason, int64_t now_unix_s,
                            char out[STORE_PATH_MAX])
{
    char when[32];
    struct tm tm;
    struct stat st;
    time_t t = (time_t)now_unix_s;

    if (!reason[0] || strspn(reason, "abcdefghijklmnopqrstuvwxyz-_0123456789") != strlen(reason))
        return WB_ERR_INVALID;
    if (!gmtime_r(&t, &tm) || strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm) == 0)
        return WB_ERR_INVALID;
    for (unsigned n = 0; n < 1000; n++) {
        int len = n ? snprintf(out, STORE_PATH_MAX, "%s.%s-%s.%u", path, reason, when, n)
                    : snprintf(out, STORE_PATH_MAX, "%s.%s-%s", path, reason, when);

        if (len < 0 || len >= STORE_PATH_MAX)
            return WB_ERR_INVALID;
        if (lstat(out, &st) != 0)
            return WB_OK;
    }
    return WB_ERR_EXISTS;
}

enum wb_err files_set_aside(const char *path, const char *reason, int64_t now_unix_s,
                            char ret_path[STORE_PATH_MAX])
{
    char to[STORE_PATH_MAX];
    struct stat st;

    if (lstat(path, &st) != 0)
        return wb_err_of_errno(errno);
    enum wb_err err = files_free_name(path, reason, now_unix_s, to);
    if (err == WB_OK)
        err = move_away(path, to);
    if (err == WB_OK && ret_path)
        memcpy(ret_path, to, strlen(to) + 1);
    return err;
}

enum wb_err files_set_aside_logs(const char *path, const char *reason, int64_t now_unix_s)
{
    char to[STORE_PATH_MAX];
    enum wb_err err = files_free_name(path, reason, now_unix_s, to);

    return err == WB_OK ? rename_logs(path, to) : err;
}

/* old: there is something at path, which gets the name aside. */
static enum wb_err take_place(const char *fresh, const char *path, const char *aside, bool old)
{
    /* A second name, so that there is a database under the first at every moment; a file system
     * without such names gets the two steps. */
    bool linked = old && link(path, aside) == 0;

    if (old && !linked && rename(path, aside) != 0)
        return wb_err_of_errno(errno);
    if (rename(fresh, path) == 0)
        return WB_OK;
    enum wb_err err = wb_err_of_errno(errno);
    if (linked ? unlink(aside) != 0 : old && rename(aside, path) != 0)
        err = WB_ERR_IO;
    return err;
}

static bool has_logs(const char *path)
{
    char name[STORE_PATH_MAX + 16];
    struct stat st;

    for (size_t i = 0; i < SUFFIXES; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (lstat(name, &st) == 0)
            return true;
    }
    return false;
}

/* For a database that was not closed cleanly. A crash in between leaves no database, which the next
 * start sees; never a database without its log. */
static enum wb_err take_place_of_open(const char *fresh, const char *path, const char *aside)
{
    enum wb_err err = move_away(path, aside);

    if (err != WB_OK || rename(fresh, path) == 0)
        return err;
    err = wb_err_of_errno(errno);
    enum wb_err back = move_back(aside, path);
    return back != WB_OK ? back : err;
}

enum wb_err files_replace(const char *fresh, const char *path, const char *reason,
                          int64_t now_unix_s, char ret_path[STORE_PATH_MAX])
{
    char aside[STORE_PATH_MAX] = "";
    struct stat st;
    bool old = lstat(path, &st) == 0;
    enum wb_err err;

    TRY(files_free_name(path, reason, now_unix_s, aside));
    if (old && has_logs(path)) {
        TRY(take_place_of_open(fresh, path, aside));
    } else {
        TRY(rename_logs(path, aside)); /* logs without their database */
        TRY(take_place(fresh, path, aside, old));
    }
    err = files_sync_dir_of(path);
    if (err != WB_OK && (old ? move_back(aside, path) : move_back(path, fresh)) != WB_OK)
        err = WB_ERR_IO;
    TRY(err);
    memcpy(ret_path, old ? aside : "", old ? strlen(aside) + 1 : 1);
out:
    return err;
}

enum wb_err files_put_back(const char *aside, const char *path)
{
    return move_back(aside, path);
}
