/* Fault points: nothing happens unless a test asks for it; the N-th pass kills or fails; every pass
 * is noted. */
#include "base/fault.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef WB_FAULTS
enum { PASSES = 4 };

/* Wait status of a child that passed `here` PASSES times; its exit status has a bit per failed
 * pass.
 */
static int child(const char *plan, const char *log)
{
    pid_t pid = fork();

    if (pid == 0) {
        int failed = 0;

        unsetenv("WB_FAULT");
        unsetenv("WB_FAULT_LOG");
        if (plan)
            setenv("WB_FAULT", plan, 1);
        if (log)
            setenv("WB_FAULT_LOG", log, 1);
        for (int i = 0; i < PASSES; i++) {
            enum wb_err err = FAULT_ERROR("here");

            FAULT_POINT("elsewhere");
            if (err == WB_ERR_IO || err == WB_ERR_NO_SPACE)
                failed |= 1 << i;
        }
        _exit(failed);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_unarmed(void **state)
{
    (void)state;
    const char *const plans[] = {NULL, "", "here", "here:0", "her:1", "there:1", "here:5"};

    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        int status = child(plans[i], NULL);

        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static void test_fails_once(void **state)
{
    (void)state;
    assert_int_equal(WEXITSTATUS(child("here:1:io", NULL)), 1 << 0);
    assert_int_equal(WEXITSTATUS(child("here:3:space", NULL)), 1 << 2);
}

static void test_kills(void **state)
{
    (void)state;
    char path[] = "/tmp/wb-fault-XXXXXX", text[256] = "";
    int fd = mkstemp(path);
    int status = child("here:3", path);

    assert_true(fd >= 0 && WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_string_equal(text, "here\nelsewhere\nhere\nelsewhere\nhere\n");
    close(fd);
    unlink(path);
}
#endif

int main(void)
{
#ifdef WB_FAULTS
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unarmed),
        cmocka_unit_test(test_fails_once),
        cmocka_unit_test(test_kills),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    return 0; /* this build has no points */
#endif
}
