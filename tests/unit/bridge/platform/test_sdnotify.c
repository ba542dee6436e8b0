/* What systemd is told, read from a datagram socket as systemd would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/platform/sdnotify.h"
#include "tests/unit/bridge/fake_time.h"

struct systemd {
    struct fake_time time;
    struct sdnotify s;
    char dir[32], path[64];
    char said[256];
    int fd;
};

/* A listener at a path, or with "@" in the abstract namespace. */
static void listen_at(struct systemd *d, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));

    memcpy(at.sun_path, path, strlen(path));
    if (path[0] == '@')
        at.sun_path[0] = '\0';
    d->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(d->fd >= 0);
    assert_int_equal(bind(d->fd, (struct sockaddr *)(void *)&at, n), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
}

static int setup(void **state)
{
    struct systemd *d = calloc(1, sizeof *d);

    assert_non_null(d);
    fake_time_init(&d->time);
    snprintf(d->dir, sizeof d->dir, "/tmp/wb-notify-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    snprintf(d->path, sizeof d->path, "%s/socket", d->dir);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    listen_at(d, d->path);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct systemd *d = *state;

    sdnotify_stop(&d->s);
    close(d->fd);
    unlink(d->path);
    rmdir(d->dir);
    free(d);
    return 0;
}

/* The next datagram; "" when there is none. */
static const char *said(struct systemd *d)
{
    ssize_t n = recv(d->fd, d->said, sizeof d->said - 1, 0);

    if (n < 0)
        assert_int_equal(errno, EAGAIN);
    d->said[n < 0 ? 0 : n] = '\0';
    return d->said;
}

static void each_word(void **state)
{
    struct systemd *d = *state;

    sdnotify_init(&d->s, &d->time.timers);
    assert_string_equal(said(d), "");
    sdnotify_ready(&d->s);
    assert_string_equal(said(d), "READY=1");
    sdnotify_status(&d->s, "pairing");
    assert_string_equal(said(d), "STATUS=pairing");
    sdnotify_reloading(&d->s, 12345678);
    assert_string_equal(said(d), "RELOADING=1\nMONOTONIC_USEC=12345678");
    sdnotify_stopping(&d->s);
    assert_string_equal(said(d), "STOPPING=1");
    fake_time_pass(&d->time, 3600 * 1000); /* no watchdog was asked for */
    assert_string_equal(said(d), "");
}

/* A check of large files at the start, and again with a watchdog that is already running. */
static void long_work(void **state)
{
    struct systemd *d = *state;

    sdnotify_init(&d->s, NULL);
    sdnotify_busy(&d->s, "checking", 60 * 1000);
    assert_string_equal(said(d), "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=checking");
    d->s.timers = &d->time.timers;
    sdnotify_ready(&d->s);
    assert_string_equal(said(d), "READY=1");
    setenv("WATCHDOG_USEC", "30000000", 1);
    sdnotify_init(&d->s, &d->time.timers);
    sdnotify_busy(&d->s, "checking", 60 * 1000);
    assert_string_equal(said(d), "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=checking\n"
                                 "WATCHDOG_USEC=60000000");
    sdnotify_ready(&d->s); /* its own time again */
    assert_string_equal(said(d), "WATCHDOG_USEC=30000000");
    assert_string_equal(said(d), "READY=1");
    assert_string_equal(said(d), "WATCHDOG=1");
    sdnotify_ready(&d->s);
    assert_string_equal(said(d), "READY=1");
}

static void watchdog(void **state)
{
    struct systemd *d = *state;
    char pid[24];

    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", pid, 1);
    sdnotify_init(&d->s, &d->time.timers);
    fake_time_pass(&d->time, 60 * 1000);
    assert_string_equal(said(d), ""); /* not before we are ready */
    sdnotify_ready(&d->s);
    assert_string_equal(said(d), "READY=1");
    assert_string_equal(said(d), "WATCHDOG=1");
    for (int i = 0; i < 5; i++) {
        fake_time_pass(&d->time, 14999);
        assert_string_equal(said(d), "");
        fake_time_pass(&d->time, 1);
        assert_string_equal(said(d), "WATCHDOG=1");
        assert_string_equal(said(d), "");
    }
    sdnotify_ready(&d->s); /* after a reload: still one row of them */
    assert_string_equal(said(d), "READY=1");
    assert_string_equal(said(d), "WATCHDOG=1");
    fake_time_pass(&d->time, 15000);
    assert_string_equal(said(d), "WATCHDOG=1");
    assert_string_equal(said(d), "");
    sdnotify_stop(&d->s);
    fake_time_pass(&d->time, 60 * 1000);
    assert_string_equal(said(d), "");
}

static void watchdog_of_another_process(void **state)
{
    struct systemd *d = *state;

    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    sdnotify_init(&d->s, &d->time.timers);
    sdnotify_ready(&d->s);
    assert_string_equal(said(d), "READY=1");
    fake_time_pass(&d->time, 60 * 1000);
    assert_string_equal(said(d), "");
}

static void abstract_socket(void **state)
{
    struct systemd *d = *state;
    char name[64];

    close(d->fd);
    snprintf(name, sizeof name, "@wb-notify-%ld", (long)getpid());
    listen_at(d, name);
    sdnotify_init(&d->s, &d->time.timers);
    sdnotify_ready(&d->s);
    assert_string_equal(said(d), "READY=1");
}

/* A systemd that does not read stops nobody. */
static void nobody_reads(void **state)
{
    struct systemd *d = *state;
    unsigned heard = 0;

    setenv("WATCHDOG_USEC", "2000", 1);
    sdnotify_init(&d->s, &d->time.timers);
    sdnotify_ready(&d->s);
    for (int i = 0; i < 1000; i++) { /* more than a socket keeps */
        fake_time_pass(&d->time, 1);
        sdnotify_status(&d->s, "ok");
    }
    sdnotify_stopping(&d->s);
    assert_string_equal(said(d), "READY=1");
    while (said(d)[0])
        heard++;
    assert_true(heard > 1 && heard < 2000);
    sdnotify_status(&d->s, "ok");
    assert_string_equal(said(d), "STATUS=ok"); /* it reads again */
}

/* Not started by systemd, or with a path that is none: nothing is said, nothing breaks. */
static void no_systemd(void **state)
{
    struct systemd *d = *state;
    static const char *const paths[] = {NULL, "", "relative/path"};
    char longest[200];

    for (size_t i = 0; i <= sizeof paths / sizeof paths[0]; i++) {
        memset(longest, 'x', sizeof longest - 1);
        longest[0] = '/';
        longest[sizeof longest - 1] = '\0';
        if (i < sizeof paths / sizeof paths[0] && !paths[i])
            unsetenv("NOTIFY_SOCKET");
        else
            setenv("NOTIFY_SOCKET", i < sizeof paths / sizeof paths[0] ? paths[i] : longest, 1);
        sdnotify_init(&d->s, &d->time.timers);
        assert_int_equal(d->s.path_n, 0);
        sdnotify_ready(&d->s);
        assert_string_equal(said(d), "");
    }
    setenv("NOTIFY_SOCKET", d->path, 1);
    close(d->fd); /* nobody listens any more */
    sdnotify_init(&d->s, &d->time.timers);
    sdnotify_ready(&d->s);
    d->fd = dup(STDIN_FILENO); /* something for the teardown to close */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_word, setup, teardown),
        cmocka_unit_test_setup_teardown(long_work, setup, teardown),
        cmocka_unit_test_setup_teardown(watchdog, setup, teardown),
        cmocka_unit_test_setup_teardown(watchdog_of_another_process, setup, teardown),
        cmocka_unit_test_setup_teardown(abstract_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(no_systemd, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
