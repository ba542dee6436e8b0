/* The program that runs after a backup: its argument, its end, its time limit, and what it does not
 * inherit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bridge/platform/hook.h"

struct place {
    char dir[64], program[128], out[128];
};

static void program(struct place *p, const char *body)
{
    snprintf(p->dir, sizeof p->dir, "/tmp/wb-hook-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->program, sizeof p->program, "%s/a program", p->dir);
    snprintf(p->out, sizeof p->out, "%s/out", p->dir);
    FILE *f = fopen(p->program, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\ncd '%s'\n%s\n", p->dir, body);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(p->program, 0700), 0);
}

static void gone(struct place *p)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r '%s'", p->dir);
    assert_int_equal(system(command), 0);
}

static void written(struct place *p, char text[256])
{
    FILE *f = fopen(p->out, "r");

    assert_non_null(f);
    size_t n = fread(text, 1, 255, f);
    text[n] = 0;
    fclose(f);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void the_path_is_one_argument(void **state)
{
    (void)state;
    struct place p;
    char text[256];
    int status = 9;
    atomic_bool cancel = false;
    program(&p, "printf '%s|%s' \"$#\" \"$1\" > out; read line; echo noise; echo noise >&2");
    assert_int_equal(hook_run(p.program, "a b; touch x `id` $(id) 'q", 5000, &cancel, &status),
                     WB_OK);
    assert_int_equal(status, 0);
    written(&p, text);
    assert_string_equal(text, "1|a b; touch x `id` $(id) 'q");
    gone(&p);
}

static void its_end_is_told(void **state)
{
    (void)state;
    struct place p;
    int status = 9;
    atomic_bool cancel = false;
    program(&p, "exit 7");
    assert_int_equal(hook_run(p.program, "x", 5000, &cancel, &status), WB_ERR_REFUSED);
    assert_int_equal(status, 7);
    gone(&p);
    program(&p, "kill -9 $$");
    assert_int_equal(hook_run(p.program, "x", 5000, &cancel, &status), WB_ERR_REFUSED);
    assert_int_equal(status, -9);
    gone(&p);
    assert_int_equal(hook_run("/nonexistent/program", "x", 5000, &cancel, &status),
                     WB_ERR_NOT_FOUND);
}

static void it_cannot_run_for_ever(void **state)
{
    (void)state;
    struct place p;
    int status = 9;
    atomic_bool cancel = false;
    int64_t began = now_ms();
    program(&p, "sleep 60 & sleep 60");
    assert_int_equal(hook_run(p.program, "x", 200, &cancel, &status), WB_ERR_TIMEOUT);
    assert_true(now_ms() - began < 20000);
    cancel = true;
    assert_int_equal(hook_run("/bin/sleep", "1", 60000, &cancel, &status), WB_ERR_CANCELLED);
    gone(&p);
}

/* Signals that the loop blocks reach it; files that we have open do not. */
static void it_inherits_nothing(void **state)
{
    (void)state;
    struct place p;
    char text[256];
    int status = 9;
    atomic_bool cancel = false;
    sigset_t term, before;
    int fd = dup(1);
    assert_true(fd > 2);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &term, &before), 0);
    program(&p, "ls /proc/self/fd | tr '\\n' ' ' > out; kill -TERM $$; sleep 5; exit 0");
    assert_int_equal(hook_run(p.program, "x", 10000, &cancel, &status), WB_ERR_REFUSED);
    assert_int_equal(status, -SIGTERM);
    written(&p, text);
    assert_null(strstr(text, "4"));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(fd);
    gone(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_is_one_argument),
        cmocka_unit_test(its_end_is_told),
        cmocka_unit_test(it_cannot_run_for_ever),
        cmocka_unit_test(it_inherits_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
