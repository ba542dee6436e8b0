/* A key that was deleted is gone from the file, whatever SQLite's default is here. */
#include "tests/unit/store/store_fixture.h"

#include "store/backup/backup.h"
#include "store/core/meta.h"
#include "store/core/state.h"

/* Found in a file as it stands. */
static const char marker[] = "KEY-THAT-WAS-USED-0123456789-abcdefghijklmnopqrstuvwxyz-KEY";

static int turn_it_off(sqlite3 *h, char **error, const void *routines)
{
    (void)error;
    (void)routines;
    return sqlite3_exec(h, "PRAGMA secure_delete = OFF", NULL, NULL, NULL);
}

static bool in_directory(const char *dir)
{
    char command[300];

    snprintf(command, sizeof command, "grep -rqaF '%s' '%s'", marker, dir);
    return system(command) == 0;
}

static void write_marker(struct fixture *f)
{
    char sql[300];

    OK(store_meta_put(f->s, "marker", SPAN(marker, strlen(marker))));
    OK(store_commit(f->s));
    snprintf(sql, sizeof sql, "INSERT INTO chats (jid, name) VALUES ('1@s.whatsapp.net', '%s')",
             marker);
    OK(db_exec(&f->s->msg, sql));
}

static void delete_marker(struct fixture *f)
{
    OK(store_meta_put(f->s, "marker", SPAN_NULL));
    OK(store_commit(f->s));
    OK(db_exec(&f->s->msg, "DELETE FROM chats"));
}

static void deleted_keys_are_not_found_in_the_files(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    write_marker(&f);
    fixture_close(&f);
    assert_true(in_directory(f.dir));
    fixture_open(&f);
    delete_marker(&f);
    fixture_close(&f);
    assert_false(in_directory(f.dir));
    fixture_free(&f);
}

static void nor_in_a_backup_that_was_made_since(void **state)
{
    (void)state;
    struct fixture f;
    struct backup_result made;
    char dir[160];
    fixture_ready(&f);
    snprintf(dir, sizeof dir, "%s/backups", f.dir);
    const struct backup_job job = {.whatsapp_path = f.wa,
                                   .messages_path = f.msg,
                                   .dir = dir,
                                   .reason = BACKUP_SCHEDULED,
                                   .clock = &fixture_clock};
    write_marker(&f);
    delete_marker(&f);
    OK(store_backup_create(&job, &made));
    assert_false(in_directory(dir));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deleted_keys_are_not_found_in_the_files),
        cmocka_unit_test(nor_in_a_backup_that_was_made_since),
    };

    /* Debian's SQLite overwrites by default; others do not. */
    if (sqlite3_auto_extension((void (*)(void))turn_it_off) != SQLITE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
