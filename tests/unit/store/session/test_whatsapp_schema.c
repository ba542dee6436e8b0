/* The tables that whatsmeow must find, compared with tests/vectors/whatsmeow_schema_15.txt: for
 * each table its columns (name:type:not null:default:place in the primary key), foreign keys and
 * indexes, as SQLite reports them for whatsmeow's own schema 15. */
#include "tests/unit/store/store_fixture.h"

#include "base/buf.h"
#include "store/session/devices.h"
#include "store/session/groups.h"
#include "store/session/private_address.h"

static void rows(sqlite3 *db, struct buf *out, const char *sql, const char *table)
{
    sqlite3_stmt *q = NULL;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    sqlite3_bind_text(q, 1, table, -1, SQLITE_STATIC);
    bool first = true;
    while (sqlite3_step(q) == SQLITE_ROW) {
        buf_printf(out, "%s%s", first ? "" : " ", (const char *)sqlite3_column_text(q, 0));
        first = false;
    }
    sqlite3_finalize(q);
}

static void describe(sqlite3 *db, const char *table, struct buf *out)
{
    buf_printf(out, "%s\n  columns ", table);
    rows(db, out,
         "SELECT name || ':' || type || ':' || \"notnull\" || ':' || coalesce(dflt_value, '-') ||"
         " ':' || pk FROM pragma_table_info(?) ORDER BY cid",
         table);
    buf_append_cstr(out, "\n  keys ");
    rows(db, out,
         "SELECT \"from\" || '>' || \"table\" || '.' || \"to\" || '/' || on_update || '/' ||"
         " on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq",
         table);
    buf_append_cstr(out, "\n  indexes ");
    rows(db, out,
         "SELECT l.name || '(' || (SELECT group_concat(i.name) FROM pragma_index_info(l.name) AS i)"
         " || ')' || iif(l.\"unique\", 'u', '') FROM pragma_index_list(?) AS l ORDER BY 1",
         table);
    buf_append_cstr(out, "\n");
}

static void tables_are_whatsmeows(void **state)
{
    (void)state;
    struct fixture f;
    struct buf want = buf_new(1 << 20), got = buf_new(1 << 20);
    char path[512], line[2048];
    sqlite3 *db = NULL;
    size_t tables = 0;
    fixture_ready(&f);
    fixture_close(&f);
    snprintf(path, sizeof path, "%s/tests/vectors/whatsmeow_schema_15.txt", WB_SOURCE_DIR);
    FILE *facts = fopen(path, "r");
    assert_non_null(facts);
    assert_int_equal(sqlite3_open(f.wa, &db), SQLITE_OK);
    while (fgets(line, sizeof line, facts)) {
        buf_append_cstr(&want, line);
        if (strncmp(line, "whatsmeow_", 10) == 0) {
            line[strcspn(line, "\n")] = 0;
            if (tables++)
                buf_append_cstr(&got, "\n");
            describe(db, line, &got);
        }
    }
    fclose(facts);
    sqlite3_close(db);
    assert_int_equal(tables, 16);
    assert_string_equal(buf_cstr(&got), buf_cstr(&want));
    buf_free(&want);
    buf_free(&got);
    fixture_free(&f);
}

/* Nothing else is called whatsmeow_, and nothing of ours hangs on whatsmeow's rows. */
static void ours_stand_apart(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    fixture_close(&f);
    assert_string_equal(
        peek_sql(f.wa, "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'index')"
                       " AND name LIKE 'whatsmeow%'"),
        "18"); /* 16 tables, the version, one index with that prefix */
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM sqlite_master AS m,"
                                       " pragma_foreign_key_list(m.name) WHERE m.type = 'table'"
                                       " AND m.name LIKE 'bridge_%'"),
                        "0");
    /* The cascade of a deleted device row works through our triggers. */
    poke_sql(f.wa, "PRAGMA foreign_keys = ON; INSERT INTO whatsmeow_sessions VALUES"
                   " ('27820000001:7@s.whatsapp.net', '1:0', x'00');"
                   "UPDATE whatsmeow_device SET jid = '27820000001:8@s.whatsapp.net'");
    assert_string_equal(peek_sql(f.wa, "SELECT our_jid FROM whatsmeow_sessions"),
                        "27820000001:8@s.whatsapp.net");
    fixture_free(&f);
}

/* A program of before has the file again, and this one after it. */
static void an_older_program_can_have_the_file(void **state)
{
    struct jid g = J("120363000000000001@g.us"), d = J("888:0@lid");
    struct store_group group = {.jid = g, .kind = STORE_GROUP_COMMUNITY};
    struct account a;
    struct fixture f;
    bool missing = true;

    (void)state;
    fixture_ready(&f);
    fixture_close(&f);
    /* As it writes; it knows no other columns. */
    poke_sql(f.wa, "INSERT OR REPLACE INTO bridge_skdm VALUES ('o', 'g', 'd', 1);"
                   "INSERT OR REPLACE INTO bridge_devices VALUES ('o', 'u', '0:0', '', 1);"
                   "INSERT OR REPLACE INTO bridge_meta VALUES ('x', 1);"
                   "INSERT OR REPLACE INTO bridge_groups (our_jid, jid, subject, addressing,"
                   " ephemeral_s, announce, left, version, updated_at)"
                   " VALUES ('o', 'g', '', 1, 0, 0, 0, '', 1)");
    /* One that it has made says the same number, and lacks tables and columns. */
    poke_sql(f.wa, "DROP TABLE bridge_numbers; DROP TABLE bridge_skdm_carriers;"
                   "DROP TABLE bridge_groups; CREATE TABLE bridge_groups (our_jid TEXT NOT NULL,"
                   " jid TEXT NOT NULL, subject TEXT NOT NULL DEFAULT '',"
                   " addressing INTEGER NOT NULL DEFAULT 0, ephemeral_s INTEGER NOT NULL DEFAULT 0,"
                   " announce INTEGER NOT NULL DEFAULT 0, left INTEGER NOT NULL DEFAULT 0,"
                   " version TEXT NOT NULL DEFAULT '', updated_at INTEGER NOT NULL DEFAULT 0,"
                   " PRIMARY KEY (our_jid, jid)) WITHOUT ROWID");
    fixture_open(&f);
    OK(store_account_load(f.s, "27820000001", &a));
    OK(store_skdm_carry(f.s, &g, 7, &d, 1, "M1"));
    OK(store_skdm_carried(f.s, &g, "M1"));
    OK(store_skdm_missing(f.s, &g, 7, &d, 1, &missing));
    assert_false(missing);
    OK(store_number_drop(f.s, &d));
    OK(store_group_put(f.s, &group));
    OK(store_commit(f.s));
    fixture_close(&f);
    assert_string_equal(peek_sql(f.wa, "SELECT kind FROM bridge_groups"), "1");
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_whatsmeows),
        cmocka_unit_test(ours_stand_apart),
        cmocka_unit_test(an_older_program_can_have_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
