#include "store/guard.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/limits.h"

enum { OTHERS = 077, OTHERS_WRITE = 022 };

static void tell(char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(char *text, const char *fmt, ...)
{
    size_t n = strlen(text);
    va_list ap;
    if (n > 0 && n + 3 < GUARD_TEXT_MAX) {
        memcpy(text + n, "; ", 3);
        n += 2;
    }
    va_start(ap, fmt);
    vsnprintf(text + n, GUARD_TEXT_MAX - n, fmt, ap);
    va_end(ap);
}

/* The bits that allow others more than was asked for. */
static mode_t loose_bits(const struct stat *st, mode_t mode, gid_t group)
{
    mode_t loose = st->st_mode & OTHERS & ~mode;
    if (st->st_gid != group)
        loose |= st->st_mode & 070;
    return loose;
}

/* By its name; a set of backups begins with its date, such as 20260131T. */
static bool is_of_a_store(const char *name)
{
    enum { DATE = 8 };
    static const char *const ours[] = {"whatsapp.db", "messages.db", "media",
                                       "backups",     ".import-",    ".unfinished",
                                       ".going",      ".sealing",    "lost+found"};
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        (strspn(name, "0123456789") == DATE && name[DATE] == 'T'))
        return true;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strncmp(name, ours[i], strlen(ours[i])) == 0)
            return true;
    }
    return false;
}

static bool holds_only_a_store(const char *dir)
{
    bool only = true;
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && only && (e = readdir(d)) != NULL)
        only = is_of_a_store(e->d_name);
    if (d)
        closedir(d);
    return d && only;
}

static enum wb_err tighten(const char *path, const struct stat *st, mode_t loose, char *text)
{
    mode_t was = st->st_mode & 07777, now = was & ~loose;
    struct stat after;
    if (chmod(path, now) == 0 && stat(path, &after) == 0 && (after.st_mode & loose) == 0) {
        tell(text, "%s could be %s by others (mode %04o); it is %04o now", path,
             loose & OTHERS_WRITE ? "changed" : "read", (unsigned)was, (unsigned)now);
        return WB_OK;
    }
    text[0] = 0;
    tell(text,
         "%s may be %s by others (mode %04o), and that cannot be changed here: use a directory of "
         "the bridge's own on a file system that keeps modes",
         path, loose & OTHERS_WRITE ? "changed" : "read", (unsigned)was);
    return WB_ERR_INVALID;
}

static bool ours_to_change(const struct stat *st)
{
    return st->st_uid == geteuid() || geteuid() == 0;
}

enum wb_err guard_dir_of(const char *path, mode_t mode, gid_t group, char *text)
{
    char dir[STORE_PATH_MAX] = ".";
    const char *last = strrchr(path, '/');
    size_t n = last == path ? 1 : last ? (size_t)(last - path) : 0;
    struct stat st;
    if (n >= sizeof dir)
        return WB_ERR_INVALID;
    if (n > 0) {
        memcpy(dir, path, n);
        dir[n] = 0;
    }
    if (stat(dir, &st) != 0)
        return WB_ERR_IO;
    mode_t loose = loose_bits(&st, mode, group);
    if ((loose & OTHERS_WRITE) && ((st.st_mode & S_ISVTX) || !ours_to_change(&st))) {
        text[0] = 0;
        tell(text,
             "others may write in %s (mode %04o, of user %lu) and could put other keys in the "
             "place of ours: use a directory of the bridge's own",
             dir, (unsigned)(st.st_mode & 07777), (unsigned long)st.st_uid);
        return WB_ERR_INVALID;
    }
    if (!ours_to_change(&st))
        return WB_OK;
    if (loose && !holds_only_a_store(dir))
        loose &= OTHERS_WRITE;
    return loose ? tighten(dir, &st, loose, text) : WB_OK;
}

enum wb_err guard_files(const char *path, mode_t mode, gid_t group, char *text)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock"};
    char name[STORE_PATH_MAX + 16];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct stat st;
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        /* What is no plain file is refused by whoever opens it. */
        if (lstat(name, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        mode_t loose = loose_bits(&st, mode, group);
        enum wb_err err = loose ? tighten(name, &st, loose, text) : WB_OK;
        if (err != WB_OK)
            return err;
    }
    return WB_OK;
}
