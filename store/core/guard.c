#include "store/core/guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path_text.h"
#include "base/plain_file.h"
#include "store/core/store.h"

enum { OTHERS = 077, OTHERS_WRITE = 022 };

static void tell(char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(char *text, const char *fmt, ...)
{
    size_t n = strlen(text);
    va_list ap;

    if (n > 0 && n + 3 < STORE_TIGHTENED_MAX) {
        memcpy(text + n, "; ", 3);
        n += 2;
    }
    va_start(ap, fmt);
    vsnprintf(text + n, STORE_TIGHTENED_MAX - n, fmt, ap);
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

/* Does dir hold nothing but this file, and what SQLite and we put beside the file? */
static bool holds_only_this(const char *dir, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    bool only = true;
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && only && (e = readdir(d)) != NULL)
        only = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
               strcmp(e->d_name, "lost+found") == 0 || strncmp(e->d_name, name, strlen(name)) == 0;
    if (d)
        closedir(d);
    return d && only;
}

/* Changes the mode of the open file fd (-1: it cannot be opened), not of the name, which may lead
 * to another file by now. */
static enum wb_err tighten(int fd, const char *path, mode_t was, mode_t loose, char *text)
{
    if (plain_tighten(fd, 07777 & ~loose, &was) == WB_OK) {
        tell(text, "%s could be %s by others (mode %04o); it is %04o now", path,
             loose & OTHERS_WRITE ? "changed" : "read", (unsigned)was, (unsigned)(was & ~loose));
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

static enum wb_err dir_of(const char *path, char dir[STORE_PATH_MAX])
{
    const char *last = strrchr(path, '/');
    size_t n = last == path ? 1 : last ? (size_t)(last - path) : 0;

    if (n >= STORE_PATH_MAX)
        return WB_ERR_INVALID;
    memcpy(dir, n > 0 ? path : ".", n > 0 ? n : 1);
    dir[n > 0 ? n : 1] = 0;
    return WB_OK;
}

static bool same_dir(const char *a, const char *b)
{
    char x[STORE_PATH_MAX], y[STORE_PATH_MAX];
    struct stat p, q;

    return dir_of(a, x) == WB_OK && dir_of(b, y) == WB_OK &&
           (strcmp(x, y) == 0 ||
            (stat(x, &p) == 0 && stat(y, &q) == 0 && p.st_dev == q.st_dev && p.st_ino == q.st_ino));
}

static enum wb_err guard_open_dir(int fd, const char *dir, mode_t mode, gid_t group, char *text)
{
    struct stat st;

    if ((fd >= 0 ? fstat(fd, &st) : stat(dir, &st)) != 0)
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
    return loose ? tighten(fd, dir, st.st_mode & 07777, loose, text) : WB_OK;
}

enum wb_err guard_dir_of(const char *path, mode_t mode, gid_t group, char *text)
{
    char dir[STORE_PATH_MAX];
    enum wb_err err = dir_of(path, dir);

    if (err != WB_OK)
        return err;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* -1: it can only be searched */
    err = guard_open_dir(fd, dir, mode, group, text);
    if (fd >= 0)
        close(fd);
    return err;
}

static bool group_enters(const struct stat *st, gid_t group)
{
    return (st->st_mode & (st->st_gid == group ? 010 : 01)) != 0;
}

void guard_let_readers_in(const char *whatsapp_path, const char *messages_path, gid_t group,
                          char *text)
{
    /* SQLite makes -wal and -shm: without the directory's bit that hands its group on they would
     * get our own group. */
    enum { ENOUGH = 02050 };
    const bool beside = same_dir(whatsapp_path, messages_path);
    const mode_t mode = beside ? 02750 : 02770;
    char dir[STORE_PATH_MAX];
    struct stat st;

    if (group == 0 || dir_of(messages_path, dir) != WB_OK)
        return;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && !(st.st_gid == group && (st.st_mode & ENOUGH) == ENOUGH) &&
        !(st.st_mode & S_ISVTX) && ours_to_change(&st) &&
        (beside ? holds_only_a_store(dir) : holds_only_this(dir, messages_path)) &&
        fchown(fd, (uid_t)-1, group) == 0 && fchmod(fd, mode) == 0)
        tell(text, "%s is open to the readers of messages.db now: %04o of group %lu (%04o of %lu)",
             dir, (unsigned)mode, (unsigned long)group, (unsigned)st.st_mode & 07777,
             (unsigned long)st.st_gid);
    close(fd);
}

/* An owner who lets somebody else into a directory did so on purpose; an ACL shows among the bits
 * of the group. */
static bool only_we_enter(const struct stat *st)
{
    return st->st_uid == geteuid() && !(st->st_mode & 011);
}

static void say_how_to_enter(const char *dir, mode_t was, const char *group, const char *mode,
                             char *text, size_t size)
{
    struct buf out = buf_new(8 * STORE_PATH_MAX);

    buf_printf(&out, "the group %s cannot enter %s (mode %04o): chgrp %s ", group, dir,
               (unsigned)was & 07777, group);
    path_shell_word(&out, dir);
    buf_printf(&out, "; chmod %s ", mode);
    path_shell_word(&out, dir);
    snprintf(text, size, "%s", buf_text(&out));
    buf_free(&out);
}

bool guard_readers_kept_out(const char *whatsapp_path, const char *messages_path, gid_t group,
                            char *text, size_t size)
{
    char dir[STORE_PATH_MAX], real[PATH_MAX];
    struct group *g = group ? getgrgid(group) : NULL;
    char name[64];
    struct stat st;

    if (group == 0 || dir_of(messages_path, dir) != WB_OK || !realpath(dir, real) ||
        stat(real, &st) != 0)
        return false;
    snprintf(name, sizeof name, "%lu", (unsigned long)group);
    if (g)
        snprintf(name, sizeof name, "%s", g->gr_name);
    if (!group_enters(&st, group)) {
        say_how_to_enter(real, st.st_mode, name,
                         same_dir(whatsapp_path, messages_path) ? "2750" : "2770", text, size);
        return true;
    }
    for (char *slash; (slash = strrchr(real, '/')) != NULL && slash > real;) {
        *slash = 0;
        if (stat(real, &st) == 0 && only_we_enter(&st)) {
            snprintf(text, size,
                     "the group %s cannot get to %.400s: only its owner may enter %.400s (mode "
                     "%04o). Move messages.db to a directory outside it, and set db_path",
                     name, messages_path, real, (unsigned)st.st_mode & 07777);
            return true;
        }
    }
    return false;
}

static enum wb_err guard_file(const char *name, mode_t mode, gid_t group, char *text)
{
    struct stat st;
    int fd = -1;

    /* Anything but a plain file is refused later, when it is opened. */
    if (lstat(name, &st) != 0 || !S_ISREG(st.st_mode) || !loose_bits(&st, mode, group))
        return WB_OK;
    enum wb_err err = plain_open(name, O_RDONLY | O_NOFOLLOW, 0, &fd);
    if (err == WB_ERR_NOT_FOUND || err == WB_ERR_NOT_PLAIN)
        return WB_OK; /* it was removed or replaced meanwhile */
    /* The mode of a file that may not even be opened cannot be changed either. */
    mode_t loose = fd >= 0 && fstat(fd, &st) != 0 ? 0 : loose_bits(&st, mode, group);
    err = loose ? tighten(fd, name, st.st_mode & 07777, loose, text) : WB_OK;
    if (fd >= 0)
        close(fd);
    return err;
}

/* A database with its log, index, journal and lock, as far as they are there. */
static enum wb_err guard_files(const char *path, mode_t mode, gid_t group, char *text)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock"};
    char name[STORE_PATH_MAX + 16];
    enum wb_err err = WB_OK;

    for (size_t i = 0; err == WB_OK && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        err = guard_file(name, mode, group, text);
    }
    return err;
}

enum wb_err guard_whatsapp(const char *path, const char *messages_path, gid_t group, char *text)
{
    /* Readers may find messages.db beside it, but put nothing there. */
    const bool shared = group != 0 && same_dir(path, messages_path);
    enum wb_err err = guard_dir_of(path, shared ? 02750 : 0700, shared ? group : 0, text);

    return err == WB_OK ? guard_files(path, 0600, 0, text) : err;
}

bool guard_others_read(const char *path)
{
    struct stat file, dir;
    char name[STORE_PATH_MAX];

    if (stat(path, &file) != 0 || dir_of(path, name) != WB_OK || stat(name, &dir) != 0)
        return false;
    /* To read the file others must also be able to enter its directory. */
    return ((file.st_mode & 04) && (dir.st_mode & 01)) ||
           ((file.st_mode & 040) && (dir.st_mode & (dir.st_gid == file.st_gid ? 010 : 01)));
}

void store_shut_out_text(const char *messages_path, struct buf *out)
{
    buf_printf(out,
               "other users could read %s, and cannot any more: a program of another user that "
               "reads it (a drop monitor?) is shut out. To let it in stop the bridge, make a "
               "directory DIR outside the store, move the file there (mv ",
               messages_path);
    path_shell_word(out, messages_path);
    buf_append_cstr(out, " DIR/), and start with db_path DIR/messages.db and with readers_group, a "
                         "group that the program is in (docs/databases.md, \"Readers under another "
                         "user\")");
}

enum wb_err guard_messages(const char *path, gid_t group, char *text)
{
    enum wb_err err = guard_dir_of(path, group ? 02770 : 0700, group, text);

    return err == WB_OK ? guard_files(path, group ? 0660 : 0600, group, text) : err;
}

/* files_make_dirs() gives a directory for readers the bit by which its files get its group. */
static bool dir_for_readers(const char *path, struct stat *ret)
{
    char dir[STORE_PATH_MAX];

    return dir_of(path, dir) == WB_OK && stat(dir, ret) == 0 && (ret->st_mode & S_ISGID) &&
           (ret->st_mode & 050) == 050;
}

gid_t guard_readers_group(const char *messages_path)
{
    struct stat file, dir;
    const bool made_for_readers = dir_for_readers(messages_path, &dir);

    if (stat(messages_path, &file) != 0)
        return made_for_readers && !(dir.st_mode & 07) ? dir.st_gid : 0;
    if (!(file.st_mode & 060))
        return 0;
    return !(file.st_mode & 07) || (made_for_readers && dir.st_gid == file.st_gid) ? file.st_gid
                                                                                   : 0;
}

void guard_append(char *text, const char *more)
{
    if (more[0])
        tell(text, "%s", more);
}
