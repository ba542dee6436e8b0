#include "bridge/platform/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 50 };

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                           POSIX_SPAWN_SETPGROUP) != 0)
        return -1;
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &all);
    return 0;
}

static int start(const char *program, const char *argument, pid_t *ret_pid)
{
    char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)argument, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int rc;

    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attr) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    rc = set_attributes(&attr);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, 1, 2);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (rc == 0)
        rc = posix_spawn(ret_pid, program, &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_a_little(void)
{
    const struct timespec t = {.tv_sec = 0, .tv_nsec = POLL_MS * 1000000L};

    nanosleep(&t, NULL);
}

static enum wb_err ended(int status, int *ret_status)
{
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return *ret_status == 0 ? WB_OK : WB_ERR_REFUSED;
}

enum wb_err hook_run(const char *program, const char *argument, int64_t timeout_ms,
                     const atomic_bool *cancel, int *ret_status)
{
    int64_t until = now_ms() + timeout_ms;
    int status = 0;
    pid_t pid;

    /* The program is checked first: where posix_spawn() is a plain fork (under qemu-user, say)
     * it cannot report that the program did not start, and the child's status 127 looks like the
     * program's own. */
    if (access(program, X_OK) != 0 || start(program, argument, &pid) != 0)
        return WB_ERR_NOT_FOUND;
    for (;;) {
        pid_t done = waitpid(pid, &status, WNOHANG);

        if (done == pid)
            return ended(status, ret_status);
        if (done < 0 && errno != EINTR)
            return WB_ERR_IO;
        if (atomic_load(cancel))
            return WB_ERR_CANCELLED;
        if (now_ms() >= until) {
            kill(-pid, SIGKILL);
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                continue;
            return WB_ERR_TIMEOUT;
        }
        wait_a_little();
    }
}
