/* Who has a database open, even when the kernel does not show what our programs have open. */
#include "tests/unit/store/store_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "store/core/state.h"
#include "store/files/lock.h"

enum { WITHIN_S = 60, SOMEBODY = 4711 };

/* A process with the store open, of which no ordinary user sees a descriptor. */
static pid_t undumpable_holder(struct fixture *f)
{
    int ready[2];
    char c;

    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 0 &&
                  store_open(&f->config, &f->s, &f->info) == WB_OK;

        if (!ok || write(ready[1], "r", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static void a_program_that_shows_no_descriptors_is_found_by_its_locks(void **state)
{
    (void)state;
    struct fixture f;
    struct store_holder h = {0};
    int status;
    const uid_t self = geteuid();
    alarm(WITHIN_S);
    fixture_new(&f);
    fixture_open(&f);
    fixture_close(&f);
    assert_false(store_other_process_has_open(f.wa, &h));
    pid_t pid = undumpable_holder(&f);
    /* Root sees everything: ask as somebody else. */
    if (self == 0) {
        assert_int_equal(chmod(f.dir, 0711), 0);
        assert_int_equal(seteuid(SOMEBODY), 0);
    }
    bool found = store_other_process_has_open(f.wa, &h);
    if (self == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(found);
    assert_int_equal(h.pid, pid);
    assert_non_null(strstr(h.command, "unit_store_lock"));
    assert_int_equal(chmod(f.dir, 0700), 0);
    fixture_free(&f);
}

/* For a rehearsal: asked without making the file, taking the lock or writing into it. */
static void a_held_lock_is_seen_without_taking_it(void **state)
{
    (void)state;
    struct fixture f;
    struct store_holder h = {0};
    struct store_lock lock = store_lock_none();
    char path[200];
    fixture_new(&f);
    snprintf(path, sizeof path, "%s.lock", f.wa);
    assert_false(store_lock_is_held(f.wa, &h));
    assert_int_equal(access(path, F_OK), -1);
    OK(store_lock_take(f.wa, "somebody at work", fixture_time, &lock, &h));
    assert_true(store_lock_is_held(f.wa, &h));
    assert_int_equal(h.pid, getpid());
    assert_string_equal(h.command, "somebody at work");
    store_lock_drop(&lock);
    assert_false(store_lock_is_held(f.wa, &h));
    fixture_free(&f);
}

/* An option that is missing at the end would seem not to be set. */
static void a_command_that_is_cut_says_so(void **state)
{
    (void)state;
    struct fixture f;
    struct store_holder h = {0};
    struct store_lock lock = store_lock_none();
    char longer[600], whole[200];
    memset(longer, 'x', sizeof longer);
    memcpy(longer + 195, "é", 2); /* not cut within a character */
    longer[sizeof longer - 1] = 0;
    memset(whole, 'y', sizeof whole - 1);
    whole[sizeof whole - 1] = 0;
    fixture_new(&f);
    OK(store_lock_take(f.wa, longer, fixture_time, &lock, &h));
    assert_true(store_lock_is_held(f.wa, &h));
    assert_int_equal(strlen(h.command), 195 + strlen("…"));
    assert_string_equal(h.command + 195, "…");
    store_lock_drop(&lock);
    OK(store_lock_take(f.wa, whole, fixture_time, &lock, &h));
    assert_true(store_lock_is_held(f.wa, &h));
    assert_string_equal(h.command, whole);
    store_lock_drop(&lock);
    fixture_free(&f);
}

/* Messages say one thing: SQLite's words, or ours where it has none. */
static void why_something_failed_is_never_empty(void **state)
{
    (void)state;
    struct fixture f;
    fixture_new(&f);
    fixture_open(&f);
    assert_string_equal(store_error_why(f.s, WB_ERR_NO_SPACE), "no space left on device");
    snprintf(f.s->wa.error, sizeof f.s->wa.error, "disk I/O error");
    assert_string_equal(store_error_why(f.s, WB_ERR_IO), "disk I/O error");
    assert_string_equal(store_error_why(f.s, WB_ERR_IO), "input/output error");
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_that_shows_no_descriptors_is_found_by_its_locks),
        cmocka_unit_test(a_held_lock_is_seen_without_taking_it),
        cmocka_unit_test(a_command_that_is_cut_says_so),
        cmocka_unit_test(why_something_failed_is_never_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
