/* Files that whatsmeow wrote at versions 6 to 14 become version 15 and keep every row; a file that
 * is too old, too new, damaged or another number's stays as it was, byte for byte (P-DB-26..28). */
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/store/whatsmeow_versions.h"

#include "store/session/lid_map.h"
#include "store/session/prekeys.h"

static void old_file(struct fixture *f, int version)
{
    static char backups[128];

    fixture_new(f);
    snprintf(backups, sizeof backups, "%s/backups", f->dir);
    f->config.backups_dir = backups;
    f->config.phone_user = "27820000001";
    make_version(f->wa, version);
}

static char *first_text(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    char *text = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_text(q, 0)
                     ? strdup((const char *)sqlite3_column_text(q, 0))
                     : strdup("");
    sqlite3_finalize(q);
    assert_non_null(text);
    return text;
}

/* One statement that gives all values of whatsmeow's tables as they are now. */
static char *select_everything(const char *path)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *sql = first_text(
        db, "SELECT 'SELECT group_concat(x, char(10)) FROM (' || group_concat("
            "'SELECT ' || quote(t) || ' || ' || c || ' AS x FROM ' || t, ' UNION ALL ') || ')'"
            " FROM (SELECT m.name AS t, group_concat('quote(' || i.name || ')', ' || '','' || ')"
            "  AS c FROM sqlite_master AS m, pragma_table_info(m.name) AS i WHERE m.type = 'table'"
            "  AND m.name LIKE 'whatsmeow%' AND m.name <> 'whatsmeow_version' GROUP BY m.name)");
    sqlite3_close(db);
    return sql;
}

static char *everything(const char *path, const char *select)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *text = first_text(db, select);
    sqlite3_close(db);
    assert_true(strlen(text) > 1000);
    return text;
}

static void same_bytes(const struct fixture *f, const char *path, const char *copy)
{
    char command[400];

    snprintf(command, sizeof command, "cmp '%s' '%s/%s'", path, f->dir, copy);
    assert_int_equal(system(command), 0);
}

static void keep_copy(const struct fixture *f, const char *path, const char *copy)
{
    char command[400];

    snprintf(command, sizeof command, "cp '%s' '%s/%s'", path, f->dir, copy);
    assert_int_equal(system(command), 0);
}

static void every_version_becomes_the_latest(void **state)
{
    (void)state;
    for (int version = OLDEST; version < LATEST; version++) {
        struct fixture f;
        struct account a;
        char backup[300];

        old_file(&f, version);
        char *select = select_everything(f.wa);
        char *before = everything(f.wa, select);
        fixture_open(&f);
        assert_true(f.info.taken_over);
        assert_int_equal(f.info.schema, version);
        OK(store_account_load(f.s, "27820000001", &a));
        assert_int_equal(a.keys.registration_id, 4000000000U);
        assert_string_equal(a.push_name, "Desk");
        assert_string_equal(a.lid.user, version >= 7 ? "111000111" : "");
        assert_int_equal(a.lid_migration_ts, version >= 10 ? 1750000000 : 0);
        fixture_close(&f);
        char *after = everything(f.wa, select);
        assert_string_equal(after, before);
        assert_string_equal(
            peek_sql(f.wa, "SELECT group_concat(version || '/' || compat) FROM whatsmeow_version"),
            "15/8");
        assert_string_equal(peek_sql(f.wa, "PRAGMA journal_mode"), "delete");
        assert_string_equal(peek_sql(f.wa, "PRAGMA integrity_check"), "ok");
        assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
        /* The backup is what it was before. */
        snprintf(backup, sizeof backup, "%s/%s/whatsapp.db", f.config.backups_dir, f.info.backup);
        char *kept = everything(backup, select);
        assert_string_equal(kept, before);
        assert_int_equal(whole_number(peek_sql(backup, "SELECT version FROM whatsmeow_version")),
                         version);
        /* A second start has nothing to do. */
        fixture_open(&f);
        assert_false(f.info.taken_over);
        assert_string_equal(f.info.backup, "");
        free(select);
        free(before);
        free(after);
        free(kept);
        fixture_free(&f);
    }
}

/* The words of one line in order of the alphabet: upgraded files have columns in another order. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_words(char *line)
{
    char *words[64], *save = NULL, copy[2048];
    size_t n = 0, at = 0;

    snprintf(copy, sizeof copy, "%s", line);
    for (char *w = strtok_r(copy, " \n", &save); w && n < 64; w = strtok_r(NULL, " \n", &save)) {
        /* Version 2 could not add a NOT NULL column (P-DB-26). */
        words[n++] = strcmp(w, "adv_account_sig_key:bytea:0:-:0") == 0
                         ? (char *)(uintptr_t) "adv_account_sig_key:bytea:1:-:0"
                         : w;
    }
    qsort(words, n, sizeof words[0], by_text);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(line + at, sizeof copy - at, "%s ", words[i]);
}

/* The tables of an upgraded file are those of tests/vectors/whatsmeow_schema_15.txt. */
static void upgraded_tables_are_whatsmeows(void **state)
{
    (void)state;
    struct fixture f;
    char path[512], want[2048], got[2048], sql[300];
    size_t tables = 0;
    old_file(&f, OLDEST);
    fixture_open(&f);
    fixture_close(&f);
    snprintf(path, sizeof path, "%s/tests/vectors/whatsmeow_schema_15.txt", WB_SOURCE_DIR);
    FILE *facts = fopen(path, "r");
    assert_non_null(facts);
    while (fgets(want, sizeof want, facts)) {
        if (strncmp(want, "whatsmeow_", 10) != 0)
            continue;
        want[strcspn(want, "\n")] = 0;
        snprintf(sql, sizeof sql,
                 "SELECT 'columns ' || group_concat(name || ':' || type || ':' || \"notnull\" ||"
                 " ':' || coalesce(dflt_value, '-') || ':' || pk, ' ')"
                 " FROM pragma_table_info('%.60s')",
                 want);
        snprintf(got, sizeof got, "%s", peek_sql(f.wa, sql));
        assert_non_null(fgets(want, sizeof want, facts));
        sort_words(want);
        sort_words(got);
        assert_string_equal(got, want);
        tables++;
    }
    fclose(facts);
    assert_int_equal(tables, 16);
    assert_string_equal(peek_sql(f.wa, "SELECT group_concat(name) FROM (SELECT name FROM"
                                       " sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
                                       " AND tbl_name LIKE 'whatsmeow%' ORDER BY name)"),
                        "idx_whatsmeow_privacy_tokens_our_jid_timestamp,"
                        "whatsmeow_retry_buffer_timestamp_idx");
    fixture_free(&f);
}

/* What the session needs is found in the upgraded file. */
static void upgraded_file_is_used(void **state)
{
    (void)state;
    struct fixture f;
    struct account a;
    struct store_prekey keys[2];
    struct jid pn = J("27820000022@s.whatsapp.net"), lid;
    old_file(&f, 8);
    fixture_open(&f);
    OK(store_account_load(f.s, "27820000001", &a));
    OK(store_lid_of_pn(f.s, &pn, &lid));
    assert_string_equal(lid.user, "111000222");
    /* First the key that whatsmeow had made and not offered, then ids above all of its. */
    OK(store_prekeys_offer(f.s, &f.rng, 2, keys));
    assert_int_equal(keys[0].id, 41);
    assert_int_equal(keys[1].id, 42);
    OK(store_commit(f.s));
    fixture_free(&f);
}

static void refused(struct fixture *f, enum wb_err want, const char *word)
{
    struct store *s = NULL;

    keep_copy(f, f->wa, "copy");
    enum wb_err err = store_open(&f->config, &s, &f->info);
    if (err != want)
        print_error("%s: %s\n", wb_err_name(err), f->info.text);
    assert_int_equal(err, want);
    assert_null(s);
    if (!strstr(f->info.text, word))
        print_error("'%s' has no '%s'\n", f->info.text, word);
    assert_non_null(strstr(f->info.text, word));
    same_bytes(f, f->wa, "copy");
}

static void what_cannot_be_upgraded_stays_as_it_was(void **state)
{
    (void)state;
    struct fixture f;

    old_file(&f, OLDEST); /* too old */
    poke_sql(f.wa, "UPDATE whatsmeow_version SET version = 5");
    refused(&f, WB_ERR_DB_SCHEMA, "version 5 is too old");
    assert_int_equal(f.info.schema, 5);
    poke_sql(f.wa, "DELETE FROM whatsmeow_version");
    refused(&f, WB_ERR_DB_SCHEMA, "not a whatsmeow database");
    assert_int_not_equal(access(f.config.backups_dir, F_OK), 0);
    fixture_free(&f);

    old_file(&f, 14); /* too new */
    poke_sql(f.wa, "UPDATE whatsmeow_version SET version = 16, compat = 16");
    refused(&f, WB_ERR_DB_SCHEMA, "version 16 is too new");
    fixture_free(&f);

    old_file(&f, 9); /* a table of its version is missing */
    poke_sql(f.wa, "DROP TABLE whatsmeow_lid_map");
    refused(&f, WB_ERR_DB_CORRUPT, "whatsapp.db");
    fixture_free(&f);

    old_file(&f, 9); /* a step in the middle fails: none of them is done */
    poke_sql(f.wa, "ALTER TABLE whatsmeow_contacts ADD COLUMN redacted_phone TEXT");
    refused(&f, WB_ERR_DB, "redacted_phone");
    assert_string_equal(peek_sql(f.wa, "SELECT version FROM whatsmeow_version"), "9");
    fixture_free(&f);
}

/* without a good backup nothing is changed. */
static void no_upgrade_without_a_backup(void **state)
{
    (void)state;
    struct fixture f;
    char in_the_way[160];
    old_file(&f, 7);
    snprintf(in_the_way, sizeof in_the_way, "%s/file", f.dir);
    keep_copy(&f, f.wa, "file");
    f.config.backups_dir = in_the_way;
    struct store *s = NULL;
    keep_copy(&f, f.wa, "copy");
    assert_int_not_equal(store_open(&f.config, &s, &f.info), WB_OK);
    assert_non_null(strstr(f.info.text, "no backup could be made"));
    same_bytes(&f, f.wa, "copy");
    fixture_free(&f);
}

static void phone_picks_its_own_device(void **state)
{
    (void)state;
    struct fixture f;
    struct account a;
    old_file(&f, OLDEST);
    poke_sql(f.wa, DEVICE_ROW(JID2, "Other desk"));
    make_keys(f.wa);
    f.config.phone_user = "27820000009";
    refused(&f, WB_ERR_OTHER_NUMBER, "+27820000001 (device 7), +27820000002 (device 3)");
    assert_int_not_equal(access(f.config.backups_dir, F_OK), 0);
    f.config.phone_user = "27820000002";
    fixture_open(&f);
    OK(store_account_load(f.s, "27820000002", &a));
    assert_string_equal(a.push_name, "Other desk");
    assert_int_equal(a.jid.device, 3);
    /* The other one's rows are not ours. */
    struct jid lid, pn = J("27820000022@s.whatsapp.net");
    assert_int_equal(store_lid_of_pn(f.s, &pn, &lid), WB_ERR_NOT_FOUND);
    fixture_free(&f);
}

/* What a crash left in the log is not written into a file that is refused. */
static void refused_files_keep_their_log(void **state)
{
    (void)state;
    struct fixture f, crash;
    char log[200];
    struct stat st;
    fixture_ready(&f);
    fixture_crash_copy(&f, &crash);
    snprintf(log, sizeof log, "%s-wal", crash.wa);
    assert_int_equal(stat(log, &st), 0);
    assert_true(st.st_size > 0);
    keep_copy(&crash, log, "log");
    crash.config.phone_user = "27820000009";
    refused(&crash, WB_ERR_OTHER_NUMBER, "+27820000001 (device 7)");
    same_bytes(&crash, log, "log");
    crash.config.phone_user = "27820000001";
    fixture_open(&crash);
    fixture_free(&crash);
    fixture_free(&f);
}

/* messages.db of a Go bridge from before media, beside it. */
static void oldest_messages_get_their_columns(void **state)
{
    (void)state;
    struct fixture f;
    char backup[300];
    old_file(&f, OLDEST);
    poke_sql(f.msg, "CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT,"
                    " last_message_time TIMESTAMP);"
                    "CREATE TABLE messages (id TEXT, chat_jid TEXT, sender TEXT, content TEXT,"
                    " timestamp TIMESTAMP, is_from_me BOOLEAN, PRIMARY KEY (id, chat_jid),"
                    " FOREIGN KEY (chat_jid) REFERENCES chats(jid));"
                    "INSERT INTO chats VALUES ('1@g.us', 'North', '2026-01-02 03:04:05+02:00');"
                    "INSERT INTO messages VALUES ('A', '1@g.us', '27820000022', 'hello',"
                    " '2026-01-02 03:04:05+02:00', 0)");
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
    fixture_close(&f);
    assert_string_equal(peek_sql(f.msg, "SELECT content || '/' || timestamp || '/' || change_seq"
                                        " FROM messages WHERE media_type IS NULL"),
                        "hello/2026-01-02 03:04:05+02:00/1");
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM pragma_table_xinfo('messages')"
                                        " WHERE name IN ('media_type', 'filename', 'url',"
                                        " 'media_key', 'file_sha256', 'file_enc_sha256',"
                                        " 'file_length', 'chat', 'change_seq')"),
                        "9");
    snprintf(backup, sizeof backup, "%s/%s/messages.db", f.config.backups_dir, f.info.backup);
    assert_string_equal(peek_sql(backup, "SELECT count(*) FROM pragma_table_xinfo('messages')"),
                        "6");
    fixture_free(&f);
}

/* Messages of a Go bridge whose session is not there (or is linked anew). */
static void messages_alone_are_backed_up_too(void **state)
{
    (void)state;
    struct fixture f;
    char backup[300];
    old_file(&f, OLDEST);
    OK(unlink(f.wa));
    poke_sql(f.msg, "CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT,"
                    " last_message_time TIMESTAMP);"
                    "CREATE TABLE messages (id TEXT, chat_jid TEXT, sender TEXT, content TEXT,"
                    " timestamp TIMESTAMP, is_from_me BOOLEAN, PRIMARY KEY (id, chat_jid));");
    fixture_open(&f);
    assert_true(f.info.taken_over);
    snprintf(backup, sizeof backup, "%s/%s/messages.db", f.config.backups_dir, f.info.backup);
    assert_string_equal(peek_sql(backup, "SELECT count(*) FROM messages"), "0");
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_becomes_the_latest),
        cmocka_unit_test(upgraded_tables_are_whatsmeows),
        cmocka_unit_test(upgraded_file_is_used),
        cmocka_unit_test(what_cannot_be_upgraded_stays_as_it_was),
        cmocka_unit_test(no_upgrade_without_a_backup),
        cmocka_unit_test(phone_picks_its_own_device),
        cmocka_unit_test(refused_files_keep_their_log),
        cmocka_unit_test(oldest_messages_get_their_columns),
        cmocka_unit_test(messages_alone_are_backed_up_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
