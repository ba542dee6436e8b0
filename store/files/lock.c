#include "store/files/lock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "base/text.h"
#include "store/files/files.h"
#include "store/files/limits.h"

enum { COMMAND_BYTES = sizeof((struct store_holder *)NULL)->command };

/* A command that was cut shows it ("…"): an option cut off its end would seem not to be set. */
static void keep_command(char out[static COMMAND_BYTES], const char *command)
{
    static const char more[] = "…";
    const struct span whole = span_cstr(command);
    const bool cut = whole.n >= COMMAND_BYTES;
    const size_t n = cut ? utf8_first(whole, COMMAND_BYTES - sizeof more).n : whole.n;

    snprintf(out, COMMAND_BYTES, "%.*s%s", (int)n, command, cut ? more : "");
}

/* pid, since, command, host: one per line. */
static void holder_read(int fd, struct store_holder *h)
{
    char text[512];

    memset(h, 0, sizeof *h);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return;
    text[n] = 0;
    char *save = NULL;
    char *pid = strtok_r(text, "\n", &save);
    char *since = pid ? strtok_r(NULL, "\n", &save) : NULL;
    char *command = since ? strtok_r(NULL, "\n", &save) : NULL;
    char *host = command ? strtok_r(NULL, "\n", &save) : NULL;
    struct utsname here;
    if (pid)
        h->pid = (pid_t)strtol(pid, NULL, 10);
    if (since)
        snprintf(h->since, sizeof h->since, "%s", since);
    if (command)
        keep_command(h->command, command);
    if (host && uname(&here) == 0 && strcmp(here.nodename, host) != 0)
        snprintf(h->host, sizeof h->host, "%s", host);
}

static enum wb_err holder_write(int fd, const char *command, int64_t now_unix_s)
{
    char text[512];
    char since[40] = "";
    char shown[COMMAND_BYTES];
    struct utsname here = {0};
    struct tm tm;
    time_t t = (time_t)now_unix_s;

    if (gmtime_r(&t, &tm))
        strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &tm);
    keep_command(shown, command ? command : "");
    for (char *c = shown; *c; c++) {
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    }
    if (uname(&here) != 0)
        here.nodename[0] = 0;
    int n = snprintf(text, sizeof text, "%ld\n%s\n%s\n%s\n", (long)getpid(), since,
                     shown[0] ? shown : "?", here.nodename);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return wb_err_of_errno(errno);
    return WB_OK;
}

enum wb_err store_lock_take(const char *path, const char *command, int64_t now_unix_s,
                            struct store_lock *ret_lock, struct store_holder *ret_holder)
{
    char lock_path[STORE_PATH_MAX];
    int n = snprintf(lock_path, sizeof lock_path, "%s.lock", path);

    if (n < 0 || (size_t)n >= sizeof lock_path)
        return WB_ERR_INVALID;
    int fd = -1;
    enum wb_err err = plain_open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd);
    if (err != WB_OK)
        return err;
    /* Everybody who may open the lock's file could hold the lock. */
    if (plain_tighten(fd, 0600, NULL) != WB_OK) {
        close(fd);
        return WB_ERR_IO;
    }
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &l) != 0) {
        err = errno == EAGAIN || errno == EACCES ? WB_ERR_LOCKED : WB_ERR_IO;
        if (err == WB_ERR_LOCKED)
            holder_read(fd, ret_holder);
        close(fd);
        return err;
    }
    /* A full disk must not keep the bridge from starting: the text is only for people. */
    err = holder_write(fd, command, now_unix_s);
    if (err != WB_OK && err != WB_ERR_NO_SPACE) {
        close(fd);
        return err;
    }
    ret_lock->fd = fd;
    return WB_OK;
}

bool store_lock_is_held(const char *path, struct store_holder *ret_holder)
{
    char lock_path[STORE_PATH_MAX];
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = -1;
    int n = snprintf(lock_path, sizeof lock_path, "%s.lock", path);

    if (n < 0 || (size_t)n >= sizeof lock_path ||
        plain_open(lock_path, O_RDONLY | O_NOFOLLOW, 0, &fd) != WB_OK)
        return false;
    bool held = fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
    if (held)
        holder_read(fd, ret_holder);
    close(fd);
    return held;
}

void store_lock_drop(struct store_lock *l)
{
    if (l->fd < 0)
        return;
    /* An empty file says that nobody holds it. */
    if (ftruncate(l->fd, 0) != 0) {
        /* The kernel's lock decides, not the text. */
    }
    close(l->fd);
    l->fd = -1;
}

bool store_lock_stands(const char *path, const struct store_lock *l)
{
    char lock_path[STORE_PATH_MAX + 8];
    struct stat ours, there;

    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    return l->fd >= 0 && fstat(l->fd, &ours) == 0 && stat(lock_path, &there) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static void command_of(pid_t pid, struct store_holder *h)
{
    char path[64], text[2 * COMMAND_BYTES];

    memset(h, 0, sizeof *h);
    h->pid = pid;
    snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
    int fd = -1;
    if (plain_open(path, O_RDONLY, 0, &fd) != WB_OK)
        return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    for (ssize_t i = 0; i + 1 < n; i++) {
        if (iscntrl((unsigned char)text[i]))
            text[i] = ' ';
    }
    text[n > 0 ? n : 0] = 0;
    keep_command(h->command, text);
}

static bool process_has(pid_t pid, const struct stat *want)
{
    char dir_path[64];
    bool found = false;

    snprintf(dir_path, sizeof dir_path, "/proc/%ld/fd", (long)pid);
    DIR *dir = opendir(dir_path);
    if (!dir)
        return false;
    struct dirent *e;
    while (!found && (e = readdir(dir)) != NULL) {
        struct stat st;

        found = e->d_name[0] != '.' && fstatat(dirfd(dir), e->d_name, &st, 0) == 0 &&
                st.st_dev == want->st_dev && st.st_ino == want->st_ino;
    }
    closedir(dir);
    return found;
}

/* Does somebody hold a lock that conflicts with ours on these bytes? *ret_pid 0: the kernel does
 * not name the holder, who is in another container or holds it by an open file. */
static bool locked_by(const char *path, off_t start, off_t len, pid_t *ret_pid)
{
    int fd = -1;

    if (plain_open(path, O_RDWR | O_NOFOLLOW, 0, &fd) != WB_OK)
        return false;
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    bool held = fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK;
    if (held)
        *ret_pid = l.l_pid > 0 ? l.l_pid : 0;
    close(fd);
    return held;
}

/* The kernel's list of locks names who holds one, also those whose descriptors it hides from us.
 * Nothing is opened for it but the list. */
static pid_t holder_in_list(const struct stat *want)
{
    char line[256], kind[16];
    long pid = 0;
    unsigned hi, lo;
    unsigned long long ino;
    FILE *list = NULL;
    pid_t found = 0;

    if (plain_stream("/proc/locks", O_RDONLY, 0, &list) != WB_OK)
        return 0;
    /* "1: POSIX  ADVISORY  READ 5106 fe:00:9980316 1073741826 1073742335": process, device, inode,
     * bytes. One that only waits has an arrow before the kind; one of an open file has no process.
     */
    while (found == 0 && fgets(line, sizeof line, list)) {
        /* NOLINTNEXTLINE(cert-err34-c): numbers of the kernel, which fit */
        if (sscanf(line, "%*d: %15s %*s %*s %ld %x:%x:%llu", kind, &pid, &hi, &lo, &ino) == 5 &&
            strcmp(kind, "POSIX") == 0 && pid > 0 && pid != (long)getpid() && ino == want->st_ino &&
            makedev(hi, lo) == want->st_dev)
            found = (pid_t)pid;
    }
    fclose(list);
    return found;
}

static pid_t holder_of_descriptor(const struct stat *want)
{
    pid_t found = 0;
    DIR *proc = opendir("/proc");

    if (!proc)
        return 0;
    struct dirent *e;
    while (found == 0 && (e = readdir(proc)) != NULL) {
        char *end;
        long pid = strtol(e->d_name, &end, 10);

        if (*end || pid <= 0 || pid == (long)getpid())
            continue;
        if (process_has((pid_t)pid, want))
            found = (pid_t)pid;
    }
    closedir(proc);
    return found;
}

bool store_other_process_has_open(const char *path, struct store_holder *ret_holder)
{
    struct stat want;

    if (stat(path, &want) != 0)
        return false;
    pid_t pid = holder_of_descriptor(&want);
    if (pid == 0)
        pid = holder_in_list(&want);
    if (pid == 0)
        return false;
    command_of(pid, ret_holder);
    return true;
}

bool store_other_program_has_open(const char *path, struct store_holder *ret_holder)
{
    /* SQLite's lock bytes (its file format: pending byte at 1 GiB and the 512 behind it; in the
     * -shm file bytes 120..128). */
    enum { PENDING_BYTE = 0x40000000, LOCK_BYTES = 512, SHM_LOCKS = 120, SHM_LOCK_BYTES = 9 };
    char shm[STORE_PATH_MAX];
    pid_t pid = 0;

    if (store_other_process_has_open(path, ret_holder))
        return true;
    snprintf(shm, sizeof shm, "%s-shm", path);
    if (!locked_by(path, PENDING_BYTE, LOCK_BYTES, &pid) &&
        !locked_by(shm, SHM_LOCKS, SHM_LOCK_BYTES, &pid))
        return false;
    command_of(pid, ret_holder);
    return true;
}
