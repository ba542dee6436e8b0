/* What happens to the files while they are open: they are removed, replaced, malformed. */
#include "store/core/names.h"
#include "tests/unit/store/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "store/backup/rescue.h"
#include "store/core/meta.h"
#include "store/files/lock.h"
#include "store/messages/messages.h"

/* In the directory of the store. */
static void sh(const struct fixture *f, const char *script)
{
    char command[600];

    snprintf(command, sizeof command, "cd %s && %s", f->dir, script);
    assert_int_equal(system(command), 0);
}

/* A value that is committed, so it stands in the log only. */
static void put(struct fixture *f, const char *name, int64_t value)
{
    OK(store_meta_put_int(f->s, name, value));
    OK(store_commit(f->s));
}

static int64_t got(struct fixture *f, const char *name)
{
    int64_t value = 0;

    return store_meta_get_int(f->s, name, &value) == WB_OK ? value : 0;
}

static void assert_noticed(struct fixture *f, enum store_file want)
{
    enum store_file file;

    OK(store_meta_put_int(f->s, "late", 1));
    assert_int_equal(store_commit(f->s), WB_ERR_MOVED);
    assert_false(store_batch_open(f->s));
    assert_int_equal(store_mishap(f->s, &file), STORE_MISHAP_MOVED);
    assert_int_equal(file, want);
}

/* The account, what was committed, and nothing of what was not. */
static void assert_all_there(struct fixture *f)
{
    struct account a;

    fixture_close(f);
    f->config.phone_user = "27820000001";
    fixture_open(f);
    OK(store_account_load(f->s, "27820000001", &a));
    assert_int_equal(got(f, "x"), 5);
    assert_int_equal(got(f, "late"), 0);
    put(f, "y", 6); /* and it can be written again */
    fixture_close(f);
    assert_string_equal(peek_sql(f->wa, "PRAGMA journal_mode"), "delete");
}

static void names_that_stand_are_no_mishap(void **state)
{
    (void)state;
    struct fixture f;
    enum store_file file;
    fixture_ready(&f);
    for (int i = 0; i < 3; i++) {
        put(&f, "x", i);
        OK(store_check_names(f.s));
    }
    assert_int_equal(store_mishap(f.s, &file), STORE_MISHAP_NONE);
    assert_int_equal(file, STORE_FILE_NONE);
    /* Another reader that comes and goes changes nothing. */
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_device"), "1");
    put(&f, "x", 9);
    fixture_free(&f);
}

static void removed(void **state)
{
    static const char *const how[] = {"rm whatsapp.db", "rm whatsapp.db*",
                                      "rm whatsapp.db* messages.db*"};

    (void)state;
    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
        struct fixture f;
        char text[512];
        struct stat st;

        fixture_ready(&f);
        put(&f, "x", 5);
        sh(&f, how[i]);
        assert_noticed(&f, STORE_FILE_WHATSAPP);
        OK(store_rescue(f.s, text));
        assert_non_null(strstr(text, "whatsapp.db was removed"));
        assert_int_equal(strstr(text, "messages.db was removed") != NULL, i == 2);
        assert_int_equal(stat(f.wa, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        /* The open files are not written to any more. */
        assert_noticed(&f, STORE_FILE_WHATSAPP);
        OK(store_rescue(f.s, text)); /* once is enough */
        assert_string_equal(text, "");
        assert_all_there(&f);
        fixture_free(&f);
    }
}

static void the_folder_removed(void **state)
{
    (void)state;
    struct fixture f;
    char text[512];
    struct stat st;
    fixture_ready(&f);
    put(&f, "x", 5);
    sh(&f, "rm -r $PWD");
    assert_noticed(&f, STORE_FILE_WHATSAPP);
    OK(store_rescue(f.s, text));
    assert_int_equal(stat(f.dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_all_there(&f);
    fixture_free(&f);
}

static void messages_for_a_group(void **state)
{
    (void)state;
    struct fixture f;
    char text[512], path[200];
    struct stat st;
    fixture_new(&f);
    snprintf(path, sizeof path, "%s/shared/messages.db", f.dir);
    f.config.messages_path = path;
    f.config.readers_group = getegid() ? getegid() : 1;
    fixture_open(&f);
    sh(&f, "rm -r shared");
    assert_noticed(&f, STORE_FILE_MESSAGES);
    OK(store_rescue(f.s, text));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(st.st_gid, f.config.readers_group);
    fixture_free(&f);
}

/* Old state must not take the place of a session that goes on (rule 7). */
static void replaced_by_an_old_copy(void **state)
{
    (void)state;
    struct fixture f;
    char text[512];
    fixture_ready(&f);
    fixture_close(&f);
    sh(&f, "cp whatsapp.db old-copy.db");
    fixture_open(&f);
    put(&f, "x", 5);
    sh(&f, "mv old-copy.db whatsapp.db");
    assert_noticed(&f, STORE_FILE_WHATSAPP);
    OK(store_rescue(f.s, text));
    assert_non_null(strstr(text, "whatsapp.db.replaced-2026"));
    assert_all_there(&f);
    sh(&f, "test $(ls | grep -c 'whatsapp.db.replaced-2026[^-]*$') = 1");
    fixture_free(&f);
}

/* A process that holds the name of the lock, or the newcomer open. */
static pid_t rival(struct fixture *f, bool by_lock)
{
    int ready[2];
    char c;

    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store_lock l = store_lock_none();
        struct store_holder h;
        bool ok = by_lock ? store_lock_take(f->wa, "rival", 0, &l, &h) == WB_OK
                          : open(f->wa, O_RDONLY) >= 0;

        if (!ok || write(ready[1], "r", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void replaced_and_taken(void **state)
{
    (void)state;
    for (int by_lock = 0; by_lock < 2; by_lock++) {
        struct fixture f;
        char text[512];

        fixture_ready(&f);
        put(&f, "x", 5);
        sh(&f, "rm whatsapp.db*");
        sh(&f, "echo a newcomer > whatsapp.db");
        pid_t pid = rival(&f, by_lock);
        assert_noticed(&f, STORE_FILE_WHATSAPP);
        OK(store_rescue(f.s, text));
        assert_non_null(strstr(text, "saved as whatsapp.db.rescued-2026"));
        fixture_close(&f);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        sh(&f, "test \"$(cat whatsapp.db)\" = 'a newcomer'");
        sh(&f, "mv whatsapp.db.rescued-2026* whatsapp.db");
        fixture_open(&f);
        assert_int_equal(got(&f, "x"), 5);
        fixture_free(&f);
    }
}

/* "rm *-wal *-shm" is a well-meant cure for a database that is locked. */
static void the_log_removed(void **state)
{
    static const char *const what[] = {"rm whatsapp.db-wal", "rm whatsapp.db-shm",
                                       "rm *-wal *-shm"};

    (void)state;
    for (size_t i = 0; i < sizeof what / sizeof what[0]; i++) {
        struct fixture f;
        char text[512];

        fixture_ready(&f);
        put(&f, "x", 5);
        sh(&f, what[i]);
        assert_noticed(&f, STORE_FILE_WHATSAPP);
        OK(store_rescue(f.s, text));
        assert_non_null(strstr(text, "whatsapp.db lost its log"));
        assert_all_there(&f);
        fixture_free(&f);
    }
}

/* Asked to stop in the moment after it happened. */
static void closing_rescues(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    put(&f, "x", 5);
    sh(&f, "rm -r $PWD");
    assert_all_there(&f);
    fixture_free(&f);
}

static void a_failed_rescue_is_tried_again(void **state)
{
    (void)state;
    struct fixture f;
    char text[512];
    fixture_ready(&f);
    put(&f, "x", 5);
    sh(&f, "rm -r $PWD");
    assert_int_equal(close(open(f.dir, O_WRONLY | O_CREAT | O_EXCL, 0600)),
                     0); /* no folder can be made there */
    assert_noticed(&f, STORE_FILE_WHATSAPP);
    assert_int_not_equal(store_rescue(f.s, text), WB_OK);
    assert_int_not_equal(store_rescue(f.s, text), WB_OK);
    assert_int_equal(unlink(f.dir), 0);
    OK(store_rescue(f.s, text));
    assert_all_there(&f);
    fixture_free(&f);
}

/* ---- damage ---- */

static void spoil(const char *path, off_t from, size_t n)
{
    char bytes[4096];

    memset(bytes, 0xa5, sizeof bytes);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t at = 0; at < n; at += sizeof bytes)
        assert_int_equal(pwrite(fd, bytes, sizeof bytes, from + (off_t)at), sizeof bytes);
    close(fd);
}

static void found_malformed_in_use(void **state)
{
    (void)state;
    struct fixture f;
    enum store_file file;
    struct stat st;
    int64_t newest;
    fixture_ready(&f);
    fixture_close(&f);
    fixture_open(&f);
    store_release_memory(f.s);
    assert_int_equal(stat(f.msg, &st), 0);
    spoil(f.msg, 4096, (size_t)st.st_size - 4096);
    assert_int_equal(store_message_last_time(f.s, &newest), WB_ERR_DB_CORRUPT);
    assert_int_equal(store_mishap(f.s, &file), STORE_MISHAP_DAMAGED);
    assert_int_equal(file, STORE_FILE_MESSAGES);
    OK(store_close(f.s));
    f.s = NULL;
    assert_int_equal(store_open(&f.config, &f.s, &f.info), WB_ERR_DB_CORRUPT);
    assert_int_equal(f.info.file, STORE_FILE_MESSAGES);
    fixture_free(&f);
}

static void crash_in_use(struct fixture *f)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        bool ok = store_open(&f->config, &f->s, &f->info) == WB_OK &&
                  store_probe(f->s, 1) == WB_OK && store_commit(f->s) == WB_OK;

        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Over 256 MB: not read through when it is as we left it, and found damaged when it is not. */
static void a_large_file(void **state)
{
    (void)state;
    struct fixture f;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
    struct stat st;
    fixture_ready(&f);
    fixture_close(&f);
    poke_sql(f.msg, "CREATE TABLE big (b); INSERT INTO big VALUES (zeroblob(270 << 20))");
    fixture_open(&f);
    fixture_close(&f);
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_meta WHERE name ="
                                       " 'messages_closed'"),
                        "1");
    /* The chain of the blob's pages is cut near its end. */
    assert_int_equal(stat(f.msg, &st), 0);
    spoil(f.msg, (st.st_size - (1 << 20)) & ~(off_t)4095, 4096);
    times[1] = st.st_mtim;
    assert_int_equal(utimensat(AT_FDCWD, f.msg, times, 0), 0);
    fixture_open(&f); /* nobody could tell: it was not read */
    fixture_close(&f);
    assert_int_equal(stat(f.msg, &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, times[1].tv_sec);
    /* Changed since. */
    times[1].tv_sec++;
    assert_int_equal(utimensat(AT_FDCWD, f.msg, times, 0), 0);
    assert_int_equal(store_open(&f.config, &f.s, &f.info), WB_ERR_DB_CORRUPT);
    assert_int_equal(f.info.file, STORE_FILE_MESSAGES);
    assert_null(f.s);
    /* As we left it, but somebody used it and crashed: its log is there. */
    times[1].tv_sec--;
    assert_int_equal(utimensat(AT_FDCWD, f.msg, times, 0), 0);
    crash_in_use(&f);
    assert_int_equal(utimensat(AT_FDCWD, f.msg, times, 0), 0);
    assert_int_equal(store_open(&f.config, &f.s, &f.info), WB_ERR_DB_CORRUPT);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_stand_are_no_mishap),
        cmocka_unit_test(removed),
        cmocka_unit_test(the_folder_removed),
        cmocka_unit_test(messages_for_a_group),
        cmocka_unit_test(replaced_by_an_old_copy),
        cmocka_unit_test(replaced_and_taken),
        cmocka_unit_test(the_log_removed),
        cmocka_unit_test(closing_rescues),
        cmocka_unit_test(a_failed_rescue_is_tried_again),
        cmocka_unit_test(found_malformed_in_use),
        cmocka_unit_test(a_large_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
