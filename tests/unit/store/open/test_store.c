/* One process at a time opens a store, with the right modes and versions; damaged or foreign files
 * are set aside or refused. */
#include "tests/unit/store/store_fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <time.h>

#include "store/core/meta.h"
#include "store/files/files.h"

static int mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 07777);
}

static void new_store_has_modes_and_versions(void **state)
{
    (void)state;
    struct fixture f;
    char nested[256], nested_msg[256], lock[300];
    fixture_new(&f);
    snprintf(nested, sizeof nested, "%s/a/b/whatsapp.db", f.dir);
    snprintf(nested_msg, sizeof nested_msg, "%s/c/messages.db", f.dir);
    f.config.whatsapp_path = nested;
    f.config.messages_path = nested_msg;
    mode_t old = umask(0);
    fixture_open(&f);
    umask(old);
    assert_true(f.info.created_whatsapp && f.info.created_messages);
    assert_false(f.info.used_without_us);
    assert_int_equal(mode_of(nested), 0600);
    assert_int_equal(mode_of(nested_msg), 0600);
    snprintf(lock, sizeof lock, "%s/a/b", f.dir);
    assert_int_equal(mode_of(lock), 0700);
    snprintf(lock, sizeof lock, "%s/a", f.dir);
    assert_int_equal(mode_of(lock), 0700);
    snprintf(lock, sizeof lock, "%s.lock", nested);
    assert_int_equal(mode_of(lock), 0600);
    snprintf(lock, sizeof lock, "%s-wal", nested_msg);
    assert_int_equal(mode_of(lock), 0600);
    fixture_close(&f);
    assert_string_equal(peek_sql(nested, "PRAGMA journal_mode"), "delete");
    assert_string_equal(peek_sql(nested, "SELECT version || ',' || compat FROM whatsmeow_version"),
                        "15,8");
    fixture_free(&f);
}

static void strict_umask_does_not_lock_us_out(void **state)
{
    (void)state;
    struct fixture f;
    char nested[256];
    fixture_new(&f);
    snprintf(nested, sizeof nested, "%s/x/whatsapp.db", f.dir);
    f.config.whatsapp_path = nested;
    mode_t old = umask(0777);
    fixture_open(&f);
    umask(old);
    assert_int_equal(mode_of(nested), 0600);
    fixture_free(&f);
}

static void readers_group_opens_the_messages(void **state)
{
    (void)state;
    struct fixture f;
    char path[300], dir[256];
    fixture_new(&f);
    snprintf(dir, sizeof dir, "%s/shared", f.dir);
    snprintf(path, sizeof path, "%s/messages.db", dir);
    f.config.messages_path = path;
    f.config.readers_group = getegid() ? getegid() : 1;
    fixture_open(&f);
    struct stat st;
    assert_int_equal(mode_of(path), 0660);
    assert_int_equal(mode_of(dir), 02770);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_gid, f.config.readers_group);
    assert_int_equal(mode_of(f.wa), 0600);
    strcat(path, "-wal");
    assert_int_equal(mode_of(path), 0660);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_gid, f.config.readers_group);
    path[strlen(path) - 4] = 0;
    fixture_free(&f);
}

static void second_process_is_told_who_holds_it(void **state)
{
    (void)state;
    struct fixture f;
    struct store *second = NULL;
    struct store_open_info info;
    char other[200];
    fixture_new(&f);
    f.config.command = "first --phone x";
    fixture_open(&f);
    assert_int_equal(store_open(&f.config, &second, &info), WB_ERR_LOCKED);
    assert_null(second);
    assert_int_equal(info.holder_pid, getpid());
    assert_string_equal(info.holder_command, "first --phone x");
    assert_non_null(strstr(info.text, "first --phone x"));
    assert_non_null(strstr(info.text, "2026-"));
    /* The same messages.db with another whatsapp.db: held as well. */
    snprintf(other, sizeof other, "%s/other.db", f.dir);
    struct store_config config = f.config;
    config.whatsapp_path = other;
    assert_int_equal(store_open(&config, &second, &info), WB_ERR_LOCKED);
    assert_int_equal(info.file, STORE_FILE_MESSAGES);
    assert_int_not_equal(access(other, F_OK), 0);
    fixture_close(&f);
    fixture_open(&f);
    fixture_free(&f);
}

static void stale_lock_file_is_harmless(void **state)
{
    (void)state;
    struct fixture f;
    char lock[200];
    fixture_new(&f);
    snprintf(lock, sizeof lock, "%s.lock", f.wa);
    FILE *file = fopen(lock, "w");
    fprintf(file, "%ld\n2020-01-01T00:00:00Z\nold\n", (long)getpid());
    fclose(file);
    fixture_open(&f);
    fixture_free(&f);
}

static void another_program_with_the_file_open(void **state)
{
    (void)state;
    struct fixture f;
    struct store *s = NULL;
    int go[2], ready[2];
    char c;
    fixture_new(&f);
    fixture_open(&f);
    fixture_close(&f);
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(f.wa, O_RDONLY);

        close(go[1]);
        if (fd < 0 || write(ready[1], "r", 1) != 1)
            _exit(1);
        _exit(read(go[0], &c, 1) < 0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_LOCKED);
    assert_int_equal(f.info.holder_pid, child);
    assert_non_null(strstr(f.info.text, "is open in"));
    close(go[0]);
    close(go[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    fixture_open(&f);
    fixture_free(&f);
}

static void a_replacement_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    char old[160], missing[160], aside[STORE_PATH_MAX], command[600];
    fixture_new(&f);
    snprintf(old, sizeof old, "%s/old", f.dir);
    snprintf(missing, sizeof missing, "%s/missing", f.dir);
    snprintf(command, sizeof command, "echo a > %s && echo b > %s-wal && echo c > %s-journal", old,
             old, old);
    assert_int_equal(system(command), 0);
    assert_int_equal(files_replace(missing, old, "replaced", fixture_time, aside),
                     WB_ERR_NOT_FOUND);
    snprintf(command, sizeof command,
             "cd %s && grep -q a old && grep -q b old-wal && grep -q c old-journal &&"
             " test $(ls | wc -l) = 3",
             f.dir);
    assert_int_equal(system(command), 0);
    fixture_free(&f);
}

#ifdef WB_FAULTS
/* An old database without its log would go on from an earlier state. */
static void a_replacement_cut_short_leaves_no_old_state(void **state)
{
    (void)state;
    struct fixture f;
    char old[160], fresh[160], aside[STORE_PATH_MAX], command[600];
    int status;
    fixture_new(&f);
    snprintf(old, sizeof old, "%s/old", f.dir);
    snprintf(fresh, sizeof fresh, "%s/fresh", f.dir);
    snprintf(command, sizeof command, "echo a > %s && echo b > %s-wal && echo c > %s", old, old,
             fresh);
    assert_int_equal(system(command), 0);
    pid_t child = fork();
    if (child == 0) {
        setenv("WB_FAULT", "aside.between:1", 1);
        _exit(files_replace(fresh, old, "replaced", fixture_time, aside) == WB_OK);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    snprintf(command, sizeof command,
             "cd %s && test ! -e old && grep -q a old.replaced-* && grep -q b old-wal", f.dir);
    assert_int_equal(system(command), 0);
    /* The next attempt finds a log without a database. */
    assert_int_equal(files_replace(fresh, old, "replaced", fixture_time + 1, aside), WB_OK);
    snprintf(command, sizeof command,
             "cd %s && grep -q c old && test ! -e old-wal && grep -q b old.replaced-*-wal", f.dir);
    assert_int_equal(system(command), 0);
    fixture_free(&f);
}
#endif

static void old_schema_is_refused_untouched(void **state)
{
    (void)state;
    struct fixture f;
    struct store *s = NULL;
    char command[400];
    fixture_new(&f);
    poke_sql(f.wa, "CREATE TABLE whatsmeow_version (version INTEGER);"
                   "INSERT INTO whatsmeow_version VALUES (5);"
                   "CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY);");
    snprintf(command, sizeof command, "cp %s %s/copy", f.wa, f.dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_DB_SCHEMA);
    assert_int_equal(f.info.schema, 5);
    assert_non_null(strstr(f.info.text, "version 5"));
    snprintf(command, sizeof command, "cmp %s %s/copy", f.wa, f.dir);
    assert_int_equal(system(command), 0);
    assert_int_not_equal(access(f.msg, F_OK), 0);
    fixture_free(&f);
}

static void newer_compatible_schema_is_taken(void **state)
{
    (void)state;
    struct fixture f;
    struct store *s = NULL;
    fixture_ready(&f);
    fixture_close(&f);
    poke_sql(f.wa, "UPDATE whatsmeow_version SET version = 19, compat = 15");
    fixture_open(&f);
    fixture_close(&f);
    assert_string_equal(peek_sql(f.wa, "SELECT version FROM whatsmeow_version"), "19");
    poke_sql(f.wa, "UPDATE whatsmeow_version SET compat = 16");
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_DB_SCHEMA);
    poke_sql(f.wa, "UPDATE whatsmeow_version SET compat = NULL");
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_DB_SCHEMA);
    fixture_free(&f);
}

static void damage(const char *path, long from, long n)
{
    FILE *file = fopen(path, "r+");

    assert_non_null(file);
    assert_int_equal(fseek(file, from, SEEK_SET), 0);
    for (long i = 0; i < n; i++)
        fputc(0xa5, file);
    fclose(file);
}

static void damage_is_found_and_set_aside(void **state)
{
    (void)state;
    struct fixture f;
    struct store *s = NULL;
    char aside[STORE_PATH_MAX];
    fixture_ready(&f);
    fixture_close(&f);
    damage(f.wa, 4096, 8192);
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_DB_CORRUPT);
    assert_int_equal(f.info.file, STORE_FILE_WHATSAPP);
    OK(store_set_aside_file(f.wa, "damaged", &fixture_clock, aside));
    assert_int_equal(access(aside, F_OK), 0);
    assert_int_not_equal(access(f.wa, F_OK), 0);
    assert_non_null(strstr(aside, "whatsapp.db.damaged-2026"));
    fixture_open(&f);
    fixture_close(&f);
    damage(f.msg, 0, 100);
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_DB_CORRUPT);
    assert_int_equal(f.info.file, STORE_FILE_MESSAGES);
    assert_int_equal(store_set_aside_file(f.msg, "no/slash", &fixture_clock, NULL), WB_ERR_INVALID);
    OK(store_set_aside_file(f.msg, "damaged", &fixture_clock, aside));
    assert_int_equal(store_set_aside_file(f.msg, "damaged", &fixture_clock, aside),
                     WB_ERR_NOT_FOUND);
    fixture_open(&f);
    fixture_free(&f);
}

static void symbolic_links_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct store *s = NULL;
    char target[200];
    fixture_new(&f);
    snprintf(target, sizeof target, "%s/target", f.dir);
    assert_int_equal(symlink(target, f.wa), 0);
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_NOT_PLAIN);
    assert_int_not_equal(access(target, F_OK), 0);
    struct store_config same = f.config;
    same.messages_path = same.whatsapp_path;
    assert_int_equal(store_open(&same, &s, &f.info), WB_ERR_INVALID);
    fixture_free(&f);
}

static void set_aside_session_keeps_the_old_file(void **state)
{
    (void)state;
    struct fixture f;
    struct account a;
    char aside[STORE_PATH_MAX];
    fixture_ready(&f);
    OK(store_meta_put_int(f.s, "x", 5));
    assert_int_equal(store_set_aside_session(f.s, "unlinked", aside), WB_ERR_STATE);
    OK(store_commit(f.s));
    OK(store_set_aside_session(f.s, "unlinked", aside));
    assert_int_equal(store_account_load(f.s, NULL, &a), WB_ERR_NOT_FOUND);
    assert_string_equal(peek_sql(aside, "SELECT jid FROM whatsmeow_device"),
                        "27820000001:7@s.whatsapp.net");
    assert_string_equal(peek_sql(aside, "SELECT value FROM bridge_meta WHERE name = 'x'"), "5");
    a = fixture_account(&f, "27820000001:8@s.whatsapp.net", "111000111:8@lid");
    OK(store_account_save(f.s, &a));
    OK(store_commit(f.s));
    OK(store_set_aside_session(f.s, "unlinked", aside)); /* the same second: another name */
    fixture_close(&f);
    fixture_free(&f);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The loop's thread does it: nobody is waited for, and the log moves along with its database. */
static void set_aside_session_waits_for_no_reader(void **state)
{
    (void)state;
    struct fixture f;
    struct account a;
    char aside[STORE_PATH_MAX], log[STORE_PATH_MAX + 8];
    sqlite3 *reader = NULL;
    fixture_ready(&f);
    assert_int_equal(sqlite3_open(f.wa, &reader), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM whatsmeow_device", NULL, NULL, NULL),
        SQLITE_OK);
    OK(store_meta_put_int(f.s, "x", 6));
    OK(store_commit(f.s));
    double begun = now_s();
    OK(store_set_aside_session(f.s, "unlinked", aside));
    assert_true(now_s() - begun < 2.5); /* the usual patience is 5 s */
    snprintf(log, sizeof log, "%s-wal", aside);
    assert_int_equal(access(log, F_OK), 0);
    assert_int_equal(store_account_load(f.s, NULL, &a), WB_ERR_NOT_FOUND);
    OK(store_meta_put_int(f.s, "x", 7));
    OK(store_commit(f.s));
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    assert_string_equal(peek_sql(aside, "SELECT value FROM bridge_meta WHERE name = 'x'"), "6");
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'x'"), "7");
    fixture_close(&f);
    fixture_free(&f);
}

static void use_by_another_program_drops_caches(void **state)
{
    (void)state;
    struct fixture f, crash;
    fixture_ready(&f);
    poke_sql(f.wa, "INSERT INTO bridge_devices VALUES ('27820000001:7@s.whatsapp.net',"
                   " 'u', '0:0', '', 1); INSERT INTO bridge_skdm VALUES ('o', 'g', 'd', 1)");
    fixture_close(&f);
    fixture_open(&f);
    assert_false(f.info.used_without_us);
    fixture_close(&f);
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_devices"), "1");
    poke_sql(f.wa, "INSERT INTO whatsmeow_sessions VALUES"
                   " ('27820000001:7@s.whatsapp.net', '1:0', x'00')");
    fixture_open(&f);
    assert_true(f.info.used_without_us);
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_devices"), "0");
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_skdm"), "0");
    /* Even when we crashed before, in WAL mode. */
    fixture_crash_copy(&f, &crash);
    poke_sql(crash.wa, "UPDATE whatsmeow_sessions SET session = x'01'");
    fixture_open(&crash);
    assert_true(crash.info.used_without_us);
    fixture_free(&crash);
    fixture_free(&f);
}

static void account_round_trip(void **state)
{
    (void)state;
    struct fixture f;
    struct jid list[4];
    size_t n = 0;
    fixture_new(&f);
    fixture_open(&f);
    struct account got, a = fixture_account(&f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
    OK(store_account_save(f.s, &a));
    OK(store_commit(f.s));
    fixture_close(&f);
    fixture_open(&f);
    assert_int_equal(store_account_load(f.s, "27820000002", &got), WB_ERR_NOT_FOUND);
    OK(store_account_list(f.s, list, 4, &n));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].user, "27820000001");
    OK(store_account_load(f.s, "27820000001", &got));
    assert_memory_equal(&got.keys, &a.keys, sizeof a.keys);
    assert_true(jid_eq(&got.jid, &a.jid) && jid_eq(&got.lid, &a.lid));
    assert_memory_equal(got.adv_details, a.adv_details, a.adv_details_n);
    assert_memory_equal(got.adv_device_sig, a.adv_device_sig, sizeof a.adv_device_sig);
    assert_string_equal(got.push_name, "Desk");
    /* P-DB-07: names change, keys do not. */
    snprintf(got.push_name, sizeof got.push_name, "Other");
    got.keys.registration_id = 5;
    OK(store_account_save(f.s, &got));
    OK(store_account_load(f.s, NULL, &got));
    assert_string_equal(got.push_name, "Other");
    assert_int_equal(got.keys.registration_id, 4000000000U);
    x25519_generate(&f.rng, &got.keys.identity);
    assert_int_equal(store_account_save(f.s, &got), WB_ERR_EXISTS);
    fixture_free(&f);
}

static void logged_out_is_a_mark_only(void **state)
{
    (void)state;
    struct fixture f;
    struct account a;
    char reason[STORE_REASON_MAX + 1];
    int64_t at = 0;
    fixture_ready(&f);
    assert_int_equal(store_logged_out_get(f.s, reason, &at), WB_ERR_NOT_FOUND);
    OK(store_logged_out_set(f.s, "device_removed", 1790000001));
    OK(store_commit(f.s));
    fixture_close(&f);
    fixture_open(&f);
    OK(store_account_load(f.s, NULL, &a));
    OK(store_logged_out_get(f.s, reason, &at));
    assert_string_equal(reason, "device_removed");
    assert_int_equal(at, 1790000001);
    OK(store_logged_out_clear(f.s));
    assert_int_equal(store_logged_out_get(f.s, reason, &at), WB_ERR_NOT_FOUND);
    fixture_free(&f);
}

static void meta_values(void **state)
{
    (void)state;
    struct fixture f;
    struct buf b = buf_new(100);
    uint8_t big[STORE_META_MAX + 1] = {0};
    int64_t v = 0;
    fixture_ready(&f);
    OK(store_meta_put(f.s, STORE_META_ROUTING_INFO, SPAN_LIT("\x01\x00\x02")));
    OK(store_meta_get(f.s, STORE_META_ROUTING_INFO, &b));
    assert_int_equal(b.n, 3);
    assert_int_equal(store_meta_get_int(f.s, STORE_META_ROUTING_INFO, &v), WB_ERR_NOT_FOUND);
    OK(store_meta_put_int(f.s, "number", -3));
    OK(store_meta_get_int(f.s, "number", &v));
    assert_int_equal(v, -3);
    OK(store_meta_put(f.s, "number", SPAN_NULL));
    assert_int_equal(store_meta_get_int(f.s, "number", &v), WB_ERR_NOT_FOUND);
    assert_int_equal(store_meta_put(f.s, "big", SPAN_ARRAY(big)), WB_ERR_TOO_LARGE);
    buf_free(&b);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef WB_FAULTS
        /* First: what is to go wrong is read once in a process. */
        cmocka_unit_test(a_replacement_cut_short_leaves_no_old_state),
#endif
        cmocka_unit_test(new_store_has_modes_and_versions),
        cmocka_unit_test(strict_umask_does_not_lock_us_out),
        cmocka_unit_test(readers_group_opens_the_messages),
        cmocka_unit_test(second_process_is_told_who_holds_it),
        cmocka_unit_test(stale_lock_file_is_harmless),
        cmocka_unit_test(another_program_with_the_file_open),
        cmocka_unit_test(a_replacement_that_fails_changes_nothing),
        cmocka_unit_test(old_schema_is_refused_untouched),
        cmocka_unit_test(newer_compatible_schema_is_taken),
        cmocka_unit_test(damage_is_found_and_set_aside),
        cmocka_unit_test(symbolic_links_are_refused),
        cmocka_unit_test(set_aside_session_keeps_the_old_file),
        cmocka_unit_test(set_aside_session_waits_for_no_reader),
        cmocka_unit_test(use_by_another_program_drops_caches),
        cmocka_unit_test(account_round_trip),
        cmocka_unit_test(logged_out_is_a_mark_only),
        cmocka_unit_test(meta_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
