/* Other users' access to the files of a store: rights beyond those that were asked for are taken
 * back, or the store is refused. */
#include "tests/unit/store/store_fixture.h"

#include <fcntl.h>

#include "store/core/guard.h"
#include "store/files/files.h"

enum { WITHIN_S = 60, SOMEBODY = 4711 };

/* The moment between a look at a name and what is done to it then: somebody puts a link there. */
static struct {
    const char *name, *target; /* target NULL: nobody does */
    bool done;
} swap;

/* In the place of the C library's. */
int lstat(const char *restrict path, struct stat *restrict st)
{
    int rc = fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);

    if (rc == 0 && swap.target && strcmp(path, swap.name) == 0) {
        swap.done = unlink(path) == 0 && symlink(swap.target, path) == 0;
        swap.target = NULL;
    }
    return rc;
}

static unsigned mode(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void open_store_is_closed_to_others(void **state)
{
    (void)state;
    struct fixture f;
    char lock[160];
    alarm(WITHIN_S);
    fixture_new(&f);
    fixture_open(&f);
    assert_string_equal(f.info.tightened, "");
    OK(store_close(f.s));
    f.s = NULL;
    snprintf(lock, sizeof lock, "%s.lock", f.wa);
    assert_int_equal(chmod(f.dir, 0777), 0);
    assert_int_equal(chmod(f.wa, 0666), 0);
    assert_int_equal(chmod(f.msg, 0644), 0);
    assert_int_equal(chmod(lock, 0622), 0);
    fixture_open(&f);
    assert_int_equal(mode(f.dir), 0700);
    assert_int_equal(mode(f.wa), 0600);
    assert_int_equal(mode(f.msg), 0600);
    assert_int_equal(mode(lock), 0600);
    assert_non_null(strstr(f.info.tightened, "could be changed by others (mode 0777)"));
    assert_non_null(strstr(f.info.tightened, "whatsapp.db could be changed by others (mode 0666)"));
    fixture_free(&f);
}

static void directory_with_other_things_stays_readable(void **state)
{
    (void)state;
    struct fixture f;
    char other[160], text[STORE_TIGHTENED_MAX] = "";
    alarm(WITHIN_S);
    fixture_new(&f);
    snprintf(other, sizeof other, "%s/somebody-elses", f.dir);
    assert_int_equal(mkdir(other, 0755), 0);
    assert_int_equal(chmod(f.dir, 0755), 0);
    OK(guard_dir_of(f.wa, 0700, 0, text));
    assert_int_equal(mode(f.dir), 0755);
    assert_int_equal(chmod(f.dir, 0777), 0);
    OK(guard_dir_of(f.wa, 0700, 0, text));
    assert_int_equal(mode(f.dir), 0755);
    assert_int_equal(rmdir(other), 0);
    OK(guard_dir_of(f.wa, 0700, 0, text));
    assert_int_equal(mode(f.dir), 0700);
    fixture_free(&f);
}

static void readers_keep_what_was_asked_for(void **state)
{
    (void)state;
    struct fixture f;
    char text[STORE_TIGHTENED_MAX] = "";
    const gid_t group = getegid();
    alarm(WITHIN_S);
    fixture_new(&f);
    assert_int_equal(chmod(f.dir, 02770), 0);
    OK(guard_dir_of(f.msg, 02770, group, text));
    assert_int_equal(mode(f.dir), 02770);
    assert_string_equal(text, "");
    assert_int_equal(chmod(f.dir, 02777), 0);
    OK(guard_dir_of(f.msg, 02770, group, text));
    assert_int_equal(mode(f.dir), 02770);
    /* Of another group. */
    OK(guard_dir_of(f.msg, 02770, group + 1, text));
    assert_int_equal(mode(f.dir) & 077, 0);
    fixture_free(&f);
}

static void beside_whatsapp_db_readers_only_read(void **state)
{
    (void)state;
    struct fixture f;
    alarm(WITHIN_S);
    fixture_new(&f);
    f.config.readers_group = getegid() ? getegid() : 1;
    assert_int_equal(chown(f.dir, (uid_t)-1, f.config.readers_group), 0);
    assert_int_equal(chmod(f.dir, 02777), 0);
    fixture_open(&f);
    assert_int_equal(mode(f.dir), 02750);
    assert_int_equal(mode(f.wa), 0600);
    assert_int_equal(mode(f.msg), 0660);
    fixture_free(&f);
}

static gid_t group_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_gid;
}

static void new_store_lets_readers_in(void **state)
{
    (void)state;
    struct fixture f;
    alarm(WITHIN_S);
    fixture_new(&f);
    f.config.readers_group = getegid() + 1;
    assert_int_equal(chmod(f.dir, 0700), 0);
    fixture_open(&f);
    assert_int_equal(mode(f.dir), 02750);
    assert_int_equal(group_of(f.dir), f.config.readers_group);
    assert_int_equal(mode(f.msg), 0660);
    assert_int_equal(mode(f.wa), 0600);
    assert_string_equal(f.info.readers_kept_out, "");
    fixture_free(&f);
}

/* Whatever its mode was: with messages.db in it, which was moved there, or without. */
static void directory_made_by_hand_lets_readers_in(void **state)
{
    (void)state;
    static const unsigned modes[] = {0700, 0755, 0777, 02755, 0770};
    struct fixture f;
    char dir[160], path[200];
    alarm(WITHIN_S);
    fixture_new(&f);
    assert_int_equal(chmod(f.dir, 0711), 0);
    snprintf(dir, sizeof dir, "%s/backups", f.dir);
    snprintf(path, sizeof path, "%s/messages.db", dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    f.config.messages_path = path;
    f.config.readers_group = getegid() + 1;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chown(dir, (uid_t)-1, getegid()), 0);
        assert_int_equal(chmod(dir, modes[i]), 0);
        fixture_open(&f);
        assert_int_equal(mode(dir), 02770);
        assert_int_equal(group_of(dir), f.config.readers_group);
        assert_non_null(strstr(f.info.tightened, "is open to the readers of messages.db now"));
        OK(store_close(f.s));
        fixture_open(&f);
        assert_string_equal(f.info.tightened, "");
        OK(store_close(f.s));
        f.s = NULL;
    }
    fixture_free(&f);
}

/* It is not ours to open, and somebody is told. */
static void directory_with_other_things_keeps_readers_out(void **state)
{
    (void)state;
    struct fixture f;
    char other[200], dir[160], path[200];
    alarm(WITHIN_S);
    fixture_new(&f);
    snprintf(dir, sizeof dir, "%s/media of ours", f.dir);
    snprintf(path, sizeof path, "%s/messages.db", dir);
    snprintf(other, sizeof other, "%s/somebody-elses", dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(mkdir(other, 0700), 0);
    f.config.messages_path = path;
    f.config.readers_group = getegid() + 1;
    fixture_open(&f);
    assert_int_equal(mode(dir), 0700);
    assert_int_equal(group_of(dir), getegid());
    assert_non_null(strstr(f.info.readers_kept_out, "media of ours (mode 0700): chgrp "));
    assert_non_null(strstr(f.info.readers_kept_out, "; chmod 2770 '"));
    assert_non_null(strstr(f.info.readers_kept_out, "media of ours'"));
    OK(store_close(f.s));
    /* The directory above, which is closed as well. */
    assert_int_equal(chmod(dir, 0711), 0);
    fixture_open(&f);
    assert_non_null(strstr(f.info.readers_kept_out, "only its owner may enter "));
    assert_non_null(strstr(f.info.readers_kept_out, "outside it"));
    fixture_free(&f);
}

static void directory_for_everybody_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct store *s = NULL;
    alarm(WITHIN_S);
    fixture_new(&f);
    assert_int_equal(chmod(f.dir, 01777), 0);
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_INVALID);
    assert_non_null(strstr(f.info.text, "others may write in"));
    assert_int_equal(mode(f.dir), 01777);
    assert_int_not_equal(access(f.wa, F_OK), 0);
    assert_int_equal(chmod(f.dir, 0700), 0);
    fixture_free(&f);
}

/* As an ordinary user: what belongs to somebody else cannot be tightened. */
static void directory_of_another_user_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    char text[STORE_TIGHTENED_MAX] = "";
    alarm(WITHIN_S);
    if (geteuid() != 0)
        skip();
    fixture_new(&f);
    assert_int_equal(chmod(f.dir, 0777), 0);
    assert_int_equal(seteuid(SOMEBODY), 0);
    enum wb_err err = guard_dir_of(f.wa, 0700, 0, text);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(err, WB_ERR_INVALID);
    assert_non_null(strstr(text, "of user 0"));
    assert_int_equal(mode(f.dir), 0777);
    /* One that nobody else may write in is left as it is. */
    assert_int_equal(chmod(f.dir, 0755), 0);
    assert_int_equal(seteuid(SOMEBODY), 0);
    err = guard_dir_of(f.wa, 0700, 0, text);
    assert_int_equal(seteuid(0), 0);
    OK(err);
    fixture_free(&f);
}

/* Whoever may write in a shared directory could else have root change the mode of any file. */
static void a_link_put_there_meanwhile_is_not_followed(void **state)
{
    (void)state;
    struct fixture f;
    struct store *s = NULL;
    char journal[160], foreign[160];
    alarm(WITHIN_S);
    fixture_new(&f);
    fixture_open(&f);
    OK(store_close(f.s));
    f.s = NULL;
    snprintf(journal, sizeof journal, "%s-journal", f.msg);
    snprintf(foreign, sizeof foreign, "%s/whatsapp.db.foreign", f.dir);
    int fd = open(journal, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && fchmod(fd, 0666) == 0 && close(fd) == 0);
    fd = open(foreign, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && fchmod(fd, 0644) == 0 && close(fd) == 0);
    swap.name = journal;
    swap.target = foreign;
    enum wb_err err = store_open(&f.config, &s, &f.info);
    assert_true(swap.done);
    assert_int_equal(mode(foreign), 0644);
    if (err == WB_OK)
        OK(store_close(s));
    swap.target = NULL;
    fixture_free(&f);
}

/* SQLite would open them by itself, and wait. */
static void pipes_beside_a_database_are_refused(void **state)
{
    static const char *const names[] = {"-wal", "-shm", "-journal", ".lock", ""};

    (void)state;
    alarm(WITHIN_S);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (int messages = 0; messages < 2; messages++) {
            struct fixture f;
            struct store *s = NULL;
            char path[160];

            fixture_new(&f);
            if (i < 4) {
                fixture_open(&f);
                OK(store_close(f.s));
                f.s = NULL;
            }
            snprintf(path, sizeof path, "%s%s", messages ? f.msg : f.wa, names[i]);
            (void)unlink(path);
            assert_int_equal(mkfifo(path, 0600), 0);
            enum wb_err err = store_open(&f.config, &s, &f.info);
            assert_true(err == WB_ERR_NOT_PLAIN || err == WB_ERR_INVALID);
            assert_non_null(strstr(f.info.text, "not a plain file"));
            assert_int_equal(unlink(path), 0);
            fixture_free(&f);
        }
    }
}

static void readers_are_known_by_the_modes(void **state)
{
    (void)state;
    static const struct {
        unsigned dir, file; /* file 0: none */
        bool readers;
    } cases[] = {
        {0700, 0600, false}, {0777, 0666, false},  {0750, 0660, true},  {02770, 0660, true},
        {02777, 0666, true}, {02770, 0600, false}, {02770, 0, true},    {02750, 0, true},
        {02775, 0, false},   {0770, 0, false},     {0755, 0644, false}, {02755, 0644, true},
    };
    struct fixture f;
    const gid_t group = getegid() ? getegid() : 1;
    alarm(WITHIN_S);
    fixture_new(&f);
    assert_int_equal(chown(f.dir, (uid_t)-1, group), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)unlink(f.msg);
        if (cases[i].file) {
            int fd = open(f.msg, O_WRONLY | O_CREAT, 0600);

            assert_true(fd >= 0 && fchown(fd, (uid_t)-1, group) == 0 &&
                        fchmod(fd, cases[i].file) == 0 && close(fd) == 0);
        }
        assert_int_equal(chmod(f.dir, cases[i].dir), 0);
        if (guard_readers_group(f.msg) != (cases[i].readers ? group : 0))
            fail_msg("%04o %04o", cases[i].dir, cases[i].file);
    }
    assert_int_equal(chmod(f.dir, 0700), 0);
    fixture_free(&f);
}

static void files_and_directories_are_flushed_and_nothing_else(void **state)
{
    (void)state;
    struct fixture f;
    char path[160];
    alarm(WITHIN_S);
    fixture_new(&f);
    fixture_open(&f);
    fixture_close(&f);
    OK(files_sync(f.dir));
    OK(files_sync(f.wa));
    snprintf(path, sizeof path, "%s/pipe", f.dir);
    assert_int_equal(files_sync(path), WB_ERR_NOT_FOUND);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(files_sync(path), WB_ERR_NOT_PLAIN);
    assert_int_equal(files_sync("/dev/null"), WB_ERR_NOT_PLAIN);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_store_is_closed_to_others),
        cmocka_unit_test(directory_with_other_things_stays_readable),
        cmocka_unit_test(readers_keep_what_was_asked_for),
        cmocka_unit_test(beside_whatsapp_db_readers_only_read),
        cmocka_unit_test(new_store_lets_readers_in),
        cmocka_unit_test(directory_made_by_hand_lets_readers_in),
        cmocka_unit_test(directory_with_other_things_keeps_readers_out),
        cmocka_unit_test(directory_for_everybody_is_refused),
        cmocka_unit_test(directory_of_another_user_is_refused),
        cmocka_unit_test(a_link_put_there_meanwhile_is_not_followed),
        cmocka_unit_test(pipes_beside_a_database_are_refused),
        cmocka_unit_test(readers_are_known_by_the_modes),
        cmocka_unit_test(files_and_directories_are_flushed_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
