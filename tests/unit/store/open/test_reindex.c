/* Indexes that do not match their tables are made anew, and only these. */
#include "tests/unit/store/store_fixture.h"

#include "store/open/recover.h"
#include "store/open/restore.h"

/* A table with an index, and the row of the index in the schema put away, so that hide() and show()
 * change nothing but sqlite_master. UNIQUE where rows may not be there twice. */
#define EXTRA(unique)                                                                              \
    "CREATE TABLE extra (a, b); CREATE " unique " INDEX extra_a ON extra (a);"                     \
    "INSERT INTO extra VALUES (1, 2), (5, 6);"                                                     \
    "CREATE TABLE kept AS SELECT * FROM sqlite_master WHERE name = 'extra_a'"
#define HIDE "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'extra_a'"
#define SHOW "PRAGMA writable_schema = ON; INSERT INTO sqlite_master SELECT * FROM kept"

/* Without the index knowing of it. */
static void behind_its_back(const char *path, const char *sql)
{
    poke_sql(path, HIDE);
    poke_sql(path, sql);
    poke_sql(path, SHOW);
    assert_string_not_equal(peek_sql(path, "PRAGMA integrity_check"), "ok");
}

#define ROW_MISSING "INSERT INTO extra VALUES (3, 4)"
#define ROW_GONE    "DELETE FROM extra WHERE a = 5"

static void sh(const struct fixture *f, const char *script)
{
    char command[700];

    snprintf(command, sizeof command, "cd %s && %s", f->dir, script);
    if (system(command) != 0)
        fail_msg("%s", command);
}

static void ready(struct fixture *f, const char *unique_extra)
{
    fixture_ready(f);
    fixture_close(f);
    poke_sql(f->wa, unique_extra);
    poke_sql(f->msg, unique_extra);
}

static const char *through_the_index(const char *path)
{
    return peek_sql(path, "SELECT group_concat(b) FROM extra INDEXED BY extra_a WHERE a > 0");
}

/* Both files, at a usual start and after damage was seen. */
static void an_index_that_lacks_rows_is_made_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct fixture f;
        const bool whatsapp = i % 2 == 0;

        ready(&f, EXTRA(""));
        const char *path = whatsapp ? f.wa : f.msg;
        behind_its_back(path, ROW_MISSING);
        assert_string_equal(through_the_index(path), "2,6");
        f.config.thorough = i >= 2;
        f.config.phone_user = "27820000001";
        fixture_open(&f);
        assert_non_null(strstr(f.info.mended, whatsapp ? "whatsapp.db had damaged indexes"
                                                       : "messages.db had damaged indexes"));
        struct account a;
        OK(store_account_load(f.s, "27820000001", &a));
        fixture_close(&f);
        assert_string_equal(peek_sql(path, "PRAGMA integrity_check"), "ok");
        assert_string_equal(through_the_index(path), "2,4,6");
        assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_meta"
                                           " WHERE name IN ('restored', 'gap')"),
                            "0");
        /* As it was, and only for that file. */
        sh(&f, whatsapp ? "mv whatsapp.db.damaged-* copy" : "mv messages.db.damaged-* copy");
        sh(&f, "test $(stat -c %a copy) = 600 && ! ls *.damaged-* 2> /dev/null");
        char copy[160];
        snprintf(copy, sizeof copy, "%s/copy", f.dir);
        assert_string_equal(through_the_index(copy), "2,6");
        /* The next time there is nothing to do. */
        fixture_open(&f);
        assert_string_equal(f.info.mended, "");
        fixture_free(&f);
    }
}

/* Nothing that reads messages.db depends on what is gone; its rows are what there is. What is gone
 * is asked of the phone. */
static void entries_without_rows_are_dropped_from_messages(void **state)
{
    (void)state;
    struct fixture f;
    ready(&f, EXTRA(""));
    behind_its_back(f.msg, ROW_GONE);
    fixture_open(&f);
    assert_non_null(strstr(f.info.mended, "messages may be missing"));
    fixture_close(&f);
    assert_string_equal(peek_sql(f.msg, "PRAGMA integrity_check"), "ok");
    assert_string_equal(through_the_index(f.msg), "2");
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "1787408000 1790000000");
    fixture_free(&f);
}

/* The file is as it was, byte for byte, and no copy is left. */
static void assert_refused(struct fixture *f, const char *path, const char *why)
{
    sh(f, "sha256sum whatsapp.db messages.db > sums");
    assert_int_equal(store_open(&f->config, &f->s, &f->info), WB_ERR_DB_CORRUPT);
    assert_int_equal(f->info.file, path == f->wa ? STORE_FILE_WHATSAPP : STORE_FILE_MESSAGES);
    assert_non_null(strstr(f->info.text, why));
    assert_string_equal(f->info.mended, "");
    sh(f, "sha256sum --quiet -c sums && ! ls *.damaged-* 2> /dev/null");
}

/* Its tables may be older than its indexes, and old ratchets must not send. */
static void a_session_that_may_be_old_is_not_used(void **state)
{
    static const char *const changes[] = {
        ROW_GONE, ROW_GONE ";" ROW_MISSING,                           /* as many entries as rows */
        ROW_GONE ";" ROW_MISSING "; INSERT INTO extra VALUES (7, 8)", /* and less */
        "UPDATE extra SET a = 9 WHERE a = 5", /* its entry is of another value */
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct fixture f;

        ready(&f, EXTRA(""));
        behind_its_back(f.wa, changes[i]);
        assert_refused(&f, f.wa, "sessions may be old");
        fixture_free(&f);
    }
}

/* A table without its key and its indexes, as long as the sql runs: what an index that lacks rows
 * cannot refuse. */
static void without_its_key(const char *path, const char *table, const char *key, const char *sql)
{
    char text[1000];

    snprintf(text, sizeof text,
             "DROP TABLE IF EXISTS whole; CREATE TABLE whole AS SELECT * FROM sqlite_master WHERE"
             " tbl_name = '%s' ORDER BY rowid;"
             "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE tbl_name = '%s' AND type"
             " <> 'table'; UPDATE sqlite_master SET sql = replace(sql, '%s', '') WHERE name = '%s'",
             table, table, key, table);
    poke_sql(path, text);
    poke_sql(path, sql);
    snprintf(text, sizeof text,
             "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE tbl_name = '%s';"
             "INSERT INTO sqlite_master SELECT * FROM whole",
             table);
    poke_sql(path, text);
    assert_string_not_equal(peek_sql(path, "PRAGMA integrity_check"), "ok");
}

#define MESSAGE(id, seq, content)                                                                  \
    "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me, change_seq)"      \
    " VALUES ('" id "', 'c', '1', '" content "', 1790000000, 0, " seq ");"
#define MESSAGES_KEY "PRIMARY KEY (id, chat_jid), "

static void of_rows_with_one_key_the_newest_stays(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f;

        ready(&f, EXTRA("UNIQUE"));
        behind_its_back(i ? f.msg : f.wa, "INSERT INTO extra VALUES (1, 9), (NULL, 8), (NULL, 8)");
        fixture_open(&f);
        assert_non_null(strstr(f.info.mended, "1 rows gave way to newer ones with the same key"));
        assert_null(strstr(f.info.mended, "no row was changed"));
        fixture_close(&f);
        const char *path = i ? f.msg : f.wa;
        assert_string_equal(peek_sql(path, "PRAGMA integrity_check"), "ok");
        assert_string_equal(peek_sql(path, "SELECT group_concat(b) FROM extra"), "6,9,8,8");
        sh(&f, "ls *.db.damaged-* > list && test $(wc -l < list) = 1");
        fixture_free(&f);
    }
}

/* The index that lacked it could not refuse it when it came again. */
static void a_message_that_came_again_is_kept_once(void **state)
{
    (void)state;
    struct fixture f;
    ready(&f, EXTRA(""));
    poke_sql(f.msg, "INSERT INTO chats (jid) VALUES ('c');" MESSAGE("A1", "1", "seen"));
    without_its_key(f.msg, "messages", MESSAGES_KEY,
                    MESSAGE("A2", "2", "hidden") MESSAGE("A3", "9", "edited")
                        MESSAGE("A4", "9", "of one number"));
    /* Now as any program: the index knows of neither. */
    poke_sql(f.msg, MESSAGE("A2", "0", "came again") MESSAGE("A3", "0", "older"));
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages NOT INDEXED"), "6");
    fixture_open(&f);
    assert_non_null(strstr(f.info.mended, "2 rows gave way to newer ones with the same key"));
    assert_non_null(strstr(f.info.mended, "1 messages got a change_seq of their own"));
    fixture_close(&f);
    assert_string_equal(peek_sql(f.msg, "PRAGMA integrity_check"), "ok");
    assert_string_equal(peek_sql(f.msg,
                                 "SELECT group_concat(id || ' ' || change_seq || ' ' ||"
                                 " content, ', ') FROM (SELECT * FROM messages ORDER BY id)"),
                        "A1 1 seen, A2 2 came again, A3 9 edited, A4 10 of one number");
    assert_string_equal(peek_sql(f.msg, "SELECT value FROM bridge_change_seq"), "10");
    poke_sql(f.msg, MESSAGE("A5", "0", "x"));
    assert_string_equal(peek_sql(f.msg, "SELECT max(change_seq) FROM messages"), "11");
    fixture_free(&f);
}

/* Nothing tells which of them is in use. */
static void two_sessions_with_one_address_are_damage(void **state)
{
    (void)state;
    struct fixture f;
    ready(&f, EXTRA(""));
    without_its_key(f.wa, "whatsmeow_sessions", "PRIMARY KEY (our_jid, their_id), ",
                    "INSERT INTO whatsmeow_sessions VALUES"
                    " ('27820000001:7@s.whatsapp.net', '1:0', x'01'),"
                    " ('27820000001:7@s.whatsapp.net', '1:0', x'02')");
    assert_refused(&f, f.wa, "UNIQUE");
    fixture_free(&f);
}

static void backup(struct fixture *f, char dir[160], enum wb_err want, struct backup_result *made);

/* An index over an expression, of another program: which rows are one to it, it alone knows. */
static void what_new_indexes_cannot_mend_is_used_as_it_is(void **state)
{
    (void)state;
    struct fixture f;
    struct backup_result made;
    struct store_recovery done;
    char dir[160];
    ready(&f, "CREATE TABLE extra (a, b); CREATE UNIQUE INDEX extra_a ON extra (a + 0);"
              "INSERT INTO extra VALUES (1, 2), (5, 6);"
              "CREATE TABLE kept AS SELECT * FROM sqlite_master WHERE name = 'extra_a'");
    behind_its_back(f.msg, "INSERT INTO extra VALUES (1, 9)");
    OK(store_open_recovering(&f.config, "27820000001", &f.rng, &f.s, &f.info, &done));
    assert_non_null(strstr(done.text, "messages.db is used as it is, although"));
    assert_string_equal(f.info.mended, "");
    assert_false(done.messages || done.new_messages || done.indexes);
    fixture_close(&f);
    sh(&f, "! ls *.damaged-* 2> /dev/null");
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM extra NOT INDEXED"), "3");
    backup(&f, dir, WB_OK, &made); /* or each backup would begin the run anew */
    fixture_free(&f);
}

/* And indexes that it could mend are mended beside it. */
static void one_index_that_cannot_be_mended_keeps_no_other_from_it(void **state)
{
    (void)state;
    struct fixture f;
    ready(&f, EXTRA("") "; CREATE TABLE other (a, b); CREATE INDEX other_a ON other (a + 0);"
                        "INSERT INTO other VALUES (1, 2), (1, 3)");
    poke_sql(f.msg, "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql ="
                    " 'CREATE UNIQUE INDEX other_a ON other (a + 0)' WHERE name = 'other_a'");
    behind_its_back(f.msg, ROW_MISSING);
    fixture_open(&f);
    assert_non_null(strstr(f.info.mended, "those of 1 tables could not be and stay as they are"));
    fixture_close(&f);
    assert_string_equal(through_the_index(f.msg), "2,4,6");
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM other"), "2");
    fixture_free(&f);
}

/* Two entries with one key in an index that is to be unique. */
#define TWICE                                                                                      \
    "CREATE TABLE other (a, b); CREATE INDEX other_a ON other (a);"                                \
    "INSERT INTO other VALUES (1, 2), (1, 3);"                                                     \
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql ="                                  \
    " 'CREATE UNIQUE INDEX other_a ON other (a)' WHERE name = 'other_a'"

static void another_finding_hides_no_damage_of_indexes(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f;

        ready(&f, EXTRA(""));
        const char *path = i ? f.msg : f.wa;
        poke_sql(path, TWICE);
        behind_its_back(path, ROW_MISSING);
        fixture_open(&f);
        assert_string_not_equal(f.info.mended, "");
        fixture_close(&f);
        assert_string_equal(peek_sql(path, "PRAGMA integrity_check"), "ok");
        assert_string_equal(through_the_index(path), "2,4,6");
        assert_string_equal(peek_sql(path, "SELECT group_concat(b) FROM other"), "3");
        fixture_free(&f);
    }
    struct fixture f;
    ready(&f, EXTRA(""));
    poke_sql(f.wa, TWICE);
    behind_its_back(f.wa, ROW_GONE);
    assert_refused(&f, f.wa, "sessions may be old");
    fixture_free(&f);
}

static void a_copy_that_was_never_finished_goes(void **state)
{
    (void)state;
    struct fixture f;
    ready(&f, EXTRA(""));
    behind_its_back(f.msg, ROW_MISSING);
    sh(&f, "echo half > messages.db.damaged-unfinished");
    fixture_open(&f);
    sh(&f, "ls messages.db.damaged-* > list && test $(wc -l < list) = 1 &&"
           " ! test -e messages.db.damaged-unfinished");
    fixture_free(&f);
}

static void a_table_that_is_damaged_too_is_damage(void **state)
{
    (void)state;
    struct fixture f;
    char script[200];
    ready(&f, EXTRA(""));
    behind_its_back(f.msg, ROW_MISSING);
    snprintf(script, sizeof script,
             "dd if=/dev/zero of=messages.db bs=4096 seek=%ld count=1 conv=notrunc status=none",
             whole_number(
                 peek_sql(f.msg, "SELECT rootpage FROM sqlite_master WHERE name = 'messages'")) -
                 1);
    sh(&f, script);
    assert_refused(&f, f.msg, "");
    fixture_free(&f);
}

static void backup(struct fixture *f, char dir[160], enum wb_err want, struct backup_result *made)
{
    snprintf(dir, 160, "%s/backups", f->dir);
    struct backup_job job = {.whatsapp_path = f->wa,
                             .messages_path = f->msg,
                             .dir = dir,
                             .reason = BACKUP_MANUAL,
                             .clock = &fixture_clock};
    assert_int_equal(store_backup_create(&job, made), want);
    f->config.backups_dir = dir;
}

/* So that the bridge, which then looks again, learns of it. */
static void no_backup_is_made_of_damaged_indexes(void **state)
{
    (void)state;
    struct fixture f;
    struct backup_result made;
    char dir[160];
    ready(&f, EXTRA(""));
    behind_its_back(f.msg, ROW_MISSING);
    backup(&f, dir, WB_ERR_DB_CORRUPT, &made);
    assert_non_null(strstr(made.text, "messages.db has damaged indexes"));
    fixture_free(&f);
}

/* In the set's file, and its hash in the manifest: as another version of SQLite took it for good.
 */
static void damage_the_set(struct fixture *f, const struct backup_result *made, const char *name,
                           const char *sql)
{
    char path[256], script[600];

    snprintf(path, sizeof path, "%s/backups/%s/%s", f->dir, made->name, name);
    snprintf(script, sizeof script, "sha256sum < %s | cut -c 1-64 > old", path);
    sh(f, script);
    behind_its_back(path, sql);
    snprintf(script, sizeof script,
             "sed -i s/$(cat old)/$(sha256sum < %s | cut -c 1-64)/ backups/%s/manifest.json", path,
             made->name);
    sh(f, script);
}

static void a_set_with_damaged_indexes_is_restored_with_new_ones(void **state)
{
    static const char *const changes[] = {ROW_MISSING, ROW_GONE};

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct fixture f;
        struct backup_result made;
        struct backup_manifest m;
        struct store_recovery done;
        char dir[160], why[512];

        ready(&f, EXTRA(""));
        backup(&f, dir, WB_OK, &made);
        damage_the_set(&f, &made, "whatsapp.db", changes[i]);
        damage_the_set(&f, &made, "messages.db", changes[i]);
        OK(store_backup_verify(dir, made.name, &m, why));
        assert_true(m.indexes);
        sh(&f, "rm whatsapp.db messages.db");
        OK(store_open_recovering(&f.config, "27820000001", &f.rng, &f.s, &f.info, &done));
        assert_true(done.whatsapp && done.messages && done.indexes);
        fixture_close(&f);
        assert_string_equal(peek_sql(f.wa, "PRAGMA integrity_check"), "ok");
        assert_string_equal(peek_sql(f.msg, "PRAGMA integrity_check"), "ok");
        fixture_free(&f);
    }
}

static void the_start_tells_of_new_indexes(void **state)
{
    (void)state;
    struct fixture f;
    struct store_recovery done;
    ready(&f, EXTRA(""));
    behind_its_back(f.wa, ROW_MISSING);
    behind_its_back(f.msg, ROW_MISSING);
    OK(store_open_recovering(&f.config, "27820000001", &f.rng, &f.s, &f.info, &done));
    assert_true(done.indexes);
    assert_false(done.whatsapp || done.messages || done.new_messages);
    assert_non_null(strstr(done.text, "whatsapp.db had damaged indexes"));
    assert_non_null(strstr(done.text, "messages.db had damaged indexes"));
    assert_non_null(strstr(done.text, "no row was changed"));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_that_lacks_rows_is_made_anew),
        cmocka_unit_test(entries_without_rows_are_dropped_from_messages),
        cmocka_unit_test(a_session_that_may_be_old_is_not_used),
        cmocka_unit_test(of_rows_with_one_key_the_newest_stays),
        cmocka_unit_test(a_message_that_came_again_is_kept_once),
        cmocka_unit_test(two_sessions_with_one_address_are_damage),
        cmocka_unit_test(what_new_indexes_cannot_mend_is_used_as_it_is),
        cmocka_unit_test(one_index_that_cannot_be_mended_keeps_no_other_from_it),
        cmocka_unit_test(another_finding_hides_no_damage_of_indexes),
        cmocka_unit_test(a_copy_that_was_never_finished_goes),
        cmocka_unit_test(a_table_that_is_damaged_too_is_damage),
        cmocka_unit_test(no_backup_is_made_of_damaged_indexes),
        cmocka_unit_test(a_set_with_damaged_indexes_is_restored_with_new_ones),
        cmocka_unit_test(the_start_tells_of_new_indexes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
