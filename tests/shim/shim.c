/* Preloaded into a program under test (LD_PRELOAD): file calls fail as the test wishes, changes of
 * files are recorded for the simulation of a power loss, and the clocks are moved as the test
 * wants.
 *
 *   WB_SHIM_CONTROL=file  a mapped struct control
 *   WB_SHIM_BIND=any      sockets land on all addresses, whatever bind() was given
 *   WB_SHIM_RECORD=file   each change of a file below the prefix is appended (struct record)
 *
 * Never part of a product binary. State is static: a preloaded library has no other place for
 * it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "tests/shim/control.h"

enum { FDS = 1024, PATH_LEN = 512 };

enum op { OP_CREATE = 1, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_RENAME, OP_UNLINK, OP_SYNC_DIR };

struct record {
    uint32_t op, path_n, data_n, unused;
    int64_t at; /* offset, or the new size */
};

static struct control *control;
static int record_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char paths[FDS][PATH_LEN]; /* paths of open descriptors below the prefix; "": not watched */

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("WB_SHIM_CONTROL"), *record = getenv("WB_SHIM_RECORD");
    long fd;

    if (name) {
        fd = syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC, 0);
        if (fd >= 0) {
            void *p = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);

            control = p == MAP_FAILED ? NULL : p;
            syscall(SYS_close, fd);
        }
    }
    if (record)
        record_fd = (int)syscall(SYS_openat, AT_FDCWD, record,
                                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static bool watched(const char *path)
{
    return control && control->prefix[0] &&
           strncmp(path, control->prefix, strlen(control->prefix)) == 0;
}

static const char *path_of(int fd)
{
    return fd >= 0 && fd < FDS && paths[fd][0] ? paths[fd] : NULL;
}

/* Decides on a call for a watched file: 0 when it may pass, or the errno to fail with. */
static int judge(const char *path, int64_t call)
{
    int error = 0;

    pthread_mutex_lock(&lock);
    if (++control->seen == control->kill_at)
        kill(getpid(), SIGKILL);
    if ((control->calls & call) && control->times != 0 && ends_with(path, control->suffix)) {
        if (control->skip > 0) {
            control->skip--;
        } else {
            if (control->times > 0)
                control->times--;
            control->failed++;
            error = (int)control->error;
        }
    }
    pthread_mutex_unlock(&lock);
    return error;
}

static void note(enum op op, const char *path, int64_t at, const void *data, size_t n)
{
    struct record r = {(uint32_t)op, (uint32_t)strlen(path), (uint32_t)n, 0, at};
    struct iovec v[] = {{&r, sizeof r}, {(void *)path, r.path_n}, {(void *)data, n}};

    if (record_fd >= 0 && syscall(SYS_writev, record_fd, v, 3) < 0)
        abort();
}

static int fail(int error)
{
    errno = error;
    return -1;
}

/* ---- names ---- */

static int open_watched(int dir, const char *path, int flags, mode_t mode)
{
    struct stat st;
    bool there = syscall(SYS_newfstatat, dir, path, &st, 0) == 0;
    int error = 0;
    long fd;

    if (!there && (flags & O_CREAT)) {
        error = judge(path, CALL_CREATE);
        if (!error && control->room >= 0 && control->room < 4096)
            error = ENOSPC; /* the directory has no room for a name */
    } else if ((flags & O_ACCMODE) != O_RDONLY) {
        error = judge(path, CALL_OPEN_WRITE);
    }
    if (error)
        return fail(error);
    fd = syscall(SYS_openat, dir, path, flags, mode);
    if (fd < 0)
        return -1;
    if (fd < FDS)
        snprintf(paths[fd], PATH_LEN, "%s", path);
    if (!there)
        note(OP_CREATE, path, 0, NULL, 0);
    return (int)fd;
}

static int open_any(int dir, const char *path, int flags, mode_t mode)
{
    if (watched(path))
        return open_watched(dir, path, flags, mode);
    long fd = syscall(SYS_openat, dir, path, flags, mode);
    if (fd >= 0 && fd < FDS)
        paths[fd][0] = '\0';
    return (int)fd;
}

#define MODE_OF(flags)                                                                             \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode = va_arg(ap, mode_t);                                                                 \
        va_end(ap);                                                                                \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(dir, path, flags, mode);
}

int close(int fd)
{
    if (path_of(fd))
        paths[fd][0] = '\0';
    return (int)syscall(SYS_close, fd);
}

int mkdir(const char *path, mode_t mode)
{
    int error = watched(path) ? judge(path, CALL_CREATE) : 0;

    return error ? fail(error) : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int rename(const char *from, const char *to)
{
    int error = watched(from) ? judge(from, CALL_RENAME) : 0;

    if (error)
        return fail(error);
    if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) != 0)
        return -1;
    if (watched(from))
        note(OP_RENAME, from, 0, to, strlen(to));
    return 0;
}

int unlink(const char *path)
{
    int error = watched(path) ? judge(path, CALL_UNLINK) : 0;

    if (error)
        return fail(error);
    if (syscall(SYS_unlinkat, AT_FDCWD, path, 0) != 0)
        return -1;
    if (watched(path))
        note(OP_UNLINK, path, 0, NULL, 0);
    return 0;
}

/* ---- contents ---- */

/* How much of n bytes at an offset fits on the disk. */
static size_t fits(int fd, size_t n, int64_t at)
{
    struct stat st;
    int64_t grow;

    if (control->room < 0 || syscall(SYS_fstat, fd, &st) != 0)
        return n;
    grow = at + (int64_t)n - st.st_size;
    if (grow <= 0)
        return n;
    if (grow > control->room) {
        n = grow - control->room >= (int64_t)n ? 0 : n - (size_t)(grow - control->room);
        grow = control->room;
    }
    control->room -= grow;
    return n;
}

static ssize_t write_watched(int fd, const char *path, const void *p, size_t n, int64_t at,
                             bool positioned)
{
    int error = judge(path, CALL_WRITE);
    ssize_t done;

    if (!positioned)
        at = syscall(SYS_lseek, fd, 0, SEEK_CUR);
    if (error && !(control->partly && n > 1))
        return fail(error);
    if (error) {
        /* As a full or failing disk does: the first half is written, the call returns its size, and
         * the rest fails at the next call. */
        n /= 2;
        control->times += control->times >= 0;
    }
    size_t fit = fits(fd, n, at);
    if (fit == 0 && n > 0)
        return fail(ENOSPC);
    done = positioned ? syscall(SYS_pwrite64, fd, p, fit, at) : syscall(SYS_write, fd, p, fit);
    if (done > 0)
        note(OP_WRITE, path, at, p, (size_t)done);
    return done;
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    const char *path = path_of(fd);
    int error = path ? judge(path, CALL_READ) : 0;

    return error ? fail(error) : syscall(SYS_pread64, fd, p, n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off_t at)
{
    return pread(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
    const char *path = path_of(fd);

    return path ? write_watched(fd, path, p, n, 0, false) : syscall(SYS_write, fd, p, n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    const char *path = path_of(fd);

    return path ? write_watched(fd, path, p, n, at, true) : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return pwrite(fd, p, n, at);
}

int ftruncate(int fd, off_t size)
{
    const char *path = path_of(fd);
    int error = path ? judge(path, CALL_TRUNCATE) : 0;
    struct stat st;

    if (error)
        return fail(error);
    if (path && control->room >= 0 && syscall(SYS_fstat, fd, &st) == 0 && st.st_size > size)
        control->room += st.st_size - size;
    if (syscall(SYS_ftruncate, fd, size) != 0)
        return -1;
    if (path)
        note(OP_TRUNCATE, path, size, NULL, 0);
    return 0;
}

int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

static int sync_any(int fd, long call)
{
    const char *path = path_of(fd);
    int error = path ? judge(path, CALL_SYNC) : 0;
    struct stat st;

    if (error)
        return fail(error);
    /* No real flush when a power loss is simulated: a test's disk need not spin. */
    if (record_fd < 0 && syscall(call, fd) != 0)
        return -1;
    if (path) {
        bool dir = syscall(SYS_fstat, fd, &st) == 0 && S_ISDIR(st.st_mode);

        note(dir ? OP_SYNC_DIR : OP_SYNC, path, 0, NULL, 0);
    }
    return 0;
}

int fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

/* ---- room ---- */

int statvfs(const char *restrict path, struct statvfs *restrict v)
{
    struct statfs s;

    if (syscall(SYS_statfs, path, &s) != 0)
        return -1;
    memset(v, 0, sizeof *v);
    v->f_bsize = v->f_frsize = (unsigned long)s.f_bsize;
    v->f_blocks = (fsblkcnt_t)s.f_blocks;
    v->f_bavail = v->f_bfree = (fsblkcnt_t)s.f_bavail;
    if (control && control->room >= 0)
        v->f_bavail = (fsblkcnt_t)(control->room / s.f_bsize);
    return 0;
}

/* ---- the clocks ---- */

static time_t offset(void)
{
    return control ? (time_t)control->clock_offset_s : 0;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    if (syscall(SYS_clock_gettime, id, ts) != 0)
        return -1;
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        ts->tv_sec += offset();
    else if (control && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE ||
                         id == CLOCK_MONOTONIC_RAW || id == CLOCK_BOOTTIME)) {
        ts->tv_nsec += control->mono_offset_ms % 1000 * 1000000;
        ts->tv_sec += control->mono_offset_ms / 1000 + ts->tv_nsec / 1000000000;
        ts->tv_nsec %= 1000000000;
    }
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    if (ret)
        *ret = ts.tv_sec;
    return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    *tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
    return 0;
}

/* ---- sockets ---- */

/* Imitates libwebsockets 4.1.6, which binds an IPv4 address to all addresses. */
int bind(int fd, const struct sockaddr *address, socklen_t n)
{
    struct sockaddr_storage a = {0};

    memcpy(&a, address, n < sizeof a ? n : sizeof a);
    if (getenv("WB_SHIM_BIND") && a.ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)&a)->sin_addr.s_addr = htonl(INADDR_ANY);
    if (getenv("WB_SHIM_BIND") && a.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)&a)->sin6_addr = in6addr_any;
    return (int)syscall(SYS_bind, fd, &a, n);
}
