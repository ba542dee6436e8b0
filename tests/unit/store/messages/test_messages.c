/* Rows of messages.db: what they hold, who changes them, and how files of other programs are
 * read. */
#include "tests/unit/store/messages_fixture.h"

#include <time.h>

#include "store/messages/contacts.h"
#include "store/session/lid_map.h"

static void text_row_as_the_go_bridge_writes_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    assert_int_equal(put_text(&f, GROUP, "27820000009:3@s.whatsapp.net", "A1", "hello"),
                     STORE_MSG_INSERTED);
    assert_string_equal(
        committed(
            &f, "SELECT id || '|' || chat_jid || '|' || sender || '|' || content || '|' ||"
                " timestamp || '|' || is_from_me || '|' || media_type || '|' || filename || '|' ||"
                " url || '|' || file_length || '|' || (media_key IS NULL) || '|' ||"
                " (file_sha256 IS NULL) || '|' || chat || '|' || state FROM messages"),
        "A1|" GROUP "|27820000009|hello|1790000000|0||||0|1|1|" GROUP "|");
    assert_string_equal(committed(&f, "SELECT last_message_time FROM chats"), "1790000000");
    assert_string_equal(committed(&f, "SELECT sender_pn || '|' || sender_jid FROM messages"),
                        "27820000009@s.whatsapp.net|27820000009:3@s.whatsapp.net");
    fixture_free(&f);
}

/* R-201, as the drop monitors have them. */
static void monitors_statements_work(void **state)
{
    (void)state;
    struct fixture f;
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    fixture_ready(&f);
    struct store_message m = a_message(GROUP, "27820000009@s.whatsapp.net", "A1", "DR1");
    m.timestamp = (int64_t)time(NULL) - 60;
    put(&f, &m);
    m.id = SPAN_LIT("A2");
    m.timestamp = (int64_t)time(NULL) - 7200;
    put(&f, &m);
    OK(store_commit(f.s));
    assert_int_equal(sqlite3_open_v2(f.msg, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT MAX(timestamp) FROM messages WHERE chat = ?", -1, &q, NULL),
        SQLITE_OK);
    sqlite3_bind_text(q, 1, GROUP, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(q, 0), SQLITE_INTEGER);
    assert_true(time(NULL) - sqlite3_column_int64(q, 0) < 120);
    sqlite3_finalize(q);
    sqlite3_close(db);
    assert_string_equal(peek_sql(f.msg, "SELECT COUNT(*) FROM messages WHERE timestamp > "
                                        "strftime('%s','now','-1 hour')"),
                        "1");
    assert_string_equal(peek_sql(f.msg, "PRAGMA integrity_check"), "ok");
    assert_string_equal(peek_sql(f.msg, "SELECT chat_jid || sender || content || is_from_me ||"
                                        " media_type FROM messages WHERE id = 'A1'"),
                        GROUP "27820000009DR10");
    fixture_free(&f);
}

static void indexes_are_used(void **state)
{
    (void)state;
    static const char *const queries[][2] = {
        {"EXPLAIN QUERY PLAN SELECT MAX(timestamp) FROM messages WHERE chat = 'x'",
         "bridge_messages_chat2_time"},
        {"EXPLAIN QUERY PLAN SELECT * FROM messages WHERE chat_jid = 'x' ORDER BY timestamp DESC",
         "bridge_messages_chat_time"},
        {"EXPLAIN QUERY PLAN SELECT COUNT(*) FROM messages WHERE timestamp > 5",
         "bridge_messages_time"},
        {"EXPLAIN QUERY PLAN SELECT * FROM messages WHERE change_seq > 5 ORDER BY change_seq",
         "bridge_messages_change"},
        {"EXPLAIN QUERY PLAN SELECT 1 FROM messages WHERE sender_lid = 'x' AND sender_pn IS NULL",
         "bridge_messages_lid"},
    };
    struct fixture f;
    sqlite3 *db = NULL;
    fixture_ready(&f);
    assert_int_equal(sqlite3_open(f.msg, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        sqlite3_stmt *q = NULL;

        assert_int_equal(sqlite3_prepare_v2(db, queries[i][0], -1, &q, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(q), SQLITE_ROW);
        const char *plan = (const char *)sqlite3_column_text(q, 3);
        if (!strstr(plan, queries[i][1]))
            print_error("%s\n  %s\n", queries[i][0], plan);
        assert_non_null(strstr(plan, queries[i][1]));
        sqlite3_finalize(q);
    }
    sqlite3_close(db);
    fixture_free(&f);
}

static void keyed_by_chat_sender_and_id(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "A1", "mine");
    assert_int_equal(put_text(&f, GROUP, "27820000009:2@s.whatsapp.net", "A1", "again"),
                     STORE_MSG_DUPLICATE);
    /* Somebody else's message with the same id replaces nothing and is not lost. */
    assert_int_equal(put_text(&f, GROUP, "27820000008@s.whatsapp.net", "A1", "forged"),
                     STORE_MSG_BESIDE);
    assert_int_equal(put_text(&f, GROUP, "27820000008@s.whatsapp.net", "A1", "forged"),
                     STORE_MSG_DUPLICATE);
    assert_string_equal(committed(&f, "SELECT group_concat(id || '=' || content || '=' ||"
                                      " coalesce(original_id, ''), ' ') FROM messages"),
                        "A1=mine= A1~27820000008=forged=A1");
    /* The same person under the other identity is the same sender. */
    struct jid lid = J("888@lid"), pn = J("27820000009@s.whatsapp.net");
    OK(store_lid_put(f.s, &lid, &pn, NULL));
    assert_int_equal(put_text(&f, GROUP, "888:2@lid", "A1", "x"), STORE_MSG_DUPLICATE);
    struct store_message bad = a_message(GROUP, "27820000009@s.whatsapp.net", "", "no id");
    enum store_message_outcome outcome;
    assert_int_equal(store_message_put(f.s, &bad, &outcome), WB_ERR_INVALID);
    fixture_free(&f);
}

/* An id with `~` is one that anybody may send: it takes nobody's row away. */
static void any_number_of_senders_has_one_id(void **state)
{
    (void)state;
    struct fixture f;
    struct jid lid = J("888@lid"), pn = J("27820000007@s.whatsapp.net");
    fixture_ready(&f);
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "A1", "of 9");
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "A1~888", "of 9, too");
    for (int i = 0; i < 2; i++) {
        enum store_message_outcome wanted = i ? STORE_MSG_DUPLICATE : STORE_MSG_BESIDE;

        assert_int_equal(put_text(&f, GROUP, "27820000008@s.whatsapp.net", "A1", "of 8"), wanted);
        assert_int_equal(put_text(&f, GROUP, "888@lid", "A1", "of 7"), wanted);
        assert_int_equal(put_text(&f, GROUP, "777@lid", "A1", "of 6"), wanted);
    }
    /* The same row when more is known of the person, and when the other name is taken as well. */
    OK(store_lid_put(f.s, &lid, &pn, NULL));
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "A1~27820000007", "of 9, again");
    assert_int_equal(put_text(&f, GROUP, "27820000007@s.whatsapp.net", "A1", "of 7"),
                     STORE_MSG_DUPLICATE);
    assert_string_equal(committed(&f, "SELECT group_concat(id || '=' || content || '=' ||"
                                      " coalesce(original_id, ''), ' ') FROM messages"),
                        "A1=of 9= A1~888=of 9, too= A1~27820000008=of 8=A1 A1 ~888=of 7=A1"
                        " A1~777=of 6=A1 A1~27820000007=of 9, again=");
    fixture_free(&f);
}

static void placeholder_is_filled_once(void **state)
{
    (void)state;
    struct fixture f;
    enum store_message_outcome outcome;
    bool known = false, waiting = false;
    fixture_ready(&f);
    struct store_message m = a_message(GROUP, "888:1@lid", "A1", "the text");
    OK(store_message_placeholder(f.s, &m, &outcome));
    assert_int_equal(outcome, STORE_MSG_INSERTED);
    OK(store_message_known(f.s, &m.chat, m.id, &m.sender, NULL, &known, &waiting));
    assert_true(known && waiting);
    assert_string_equal(committed(&f, "SELECT content || '|' || state FROM messages"), "|waiting");
    long first = whole_number(committed(&f, "SELECT change_seq FROM messages"));
    OK(store_message_placeholder(f.s, &m, &outcome));
    assert_int_equal(outcome, STORE_MSG_DUPLICATE);
    m.sender_alt = J("27820000009@s.whatsapp.net");
    assert_int_equal(put(&f, &m), STORE_MSG_FILLED);
    assert_string_equal(committed(&f, "SELECT content || '|' || state || '|' || sender || '|' ||"
                                      " sender_lid FROM messages"),
                        "the text||27820000009|888@lid");
    assert_true(whole_number(committed(&f, "SELECT change_seq FROM messages")) > first);
    assert_int_equal(put(&f, &m), STORE_MSG_DUPLICATE);
    OK(store_message_placeholder(f.s, &m, &outcome));
    assert_int_equal(outcome, STORE_MSG_DUPLICATE);
    assert_string_equal(committed(&f, "SELECT content FROM messages"), "the text");
    fixture_free(&f);
}

static struct store_message_change a_change(const char *sender, const char *target, int64_t after)
{
    return (struct store_message_change){.chat = J(GROUP),
                                         .sender = J(sender),
                                         .target_id = span_cstr(target),
                                         .timestamp = fixture_time + after};
}

static void edits_and_revokes_in_any_order(void **state)
{
    (void)state;
    struct fixture f;
    const char *me = "27820000009@s.whatsapp.net";
    fixture_ready(&f);
    struct store_message_change c = a_change(me, "A1", 20);
    put_text(&f, GROUP, me, "A1", "first");
    OK(store_message_edit(f.s, &c, SPAN_LIT("second"), SPAN_NULL, SPAN_NULL, false));
    long seq = whole_number(committed(&f, "SELECT change_seq FROM messages"));
    OK(store_message_edit(f.s, &c, SPAN_LIT("second"), SPAN_NULL, SPAN_NULL, false));
    c.timestamp -= 5; /* older: too late */
    OK(store_message_edit(f.s, &c, SPAN_LIT("older"), SPAN_NULL, SPAN_NULL, false));
    assert_string_equal(committed(&f, "SELECT content FROM messages"), "second");
    assert_int_equal(whole_number(committed(&f, "SELECT change_seq FROM messages")), seq);
    c.timestamp += 5; /* twice within a second: the later arrival stays */
    OK(store_message_edit(f.s, &c, SPAN_LIT("third"), SPAN_NULL, SPAN_NULL, false));
    assert_string_equal(committed(&f, "SELECT content FROM messages"), "third");
    assert_true(whole_number(committed(&f, "SELECT change_seq FROM messages")) > seq);
    struct store_message_change other = a_change("27820000008@s.whatsapp.net", "A1", 30);
    assert_int_equal(store_message_edit(f.s, &other, SPAN_LIT("x"), SPAN_NULL, SPAN_NULL, false),
                     WB_ERR_REFUSED);
    assert_int_equal(store_message_revoke(f.s, &other, false), WB_ERR_REFUSED);
    OK(store_message_revoke(f.s, &other, true));
    assert_string_equal(committed(&f, "SELECT content || '|' || revoked_by FROM messages"),
                        "third|27820000008@s.whatsapp.net");
    /* Before their message. */
    c = a_change(me, "A2", 10);
    OK(store_message_edit(f.s, &c, SPAN_LIT("edited"), SPAN_NULL, SPAN_NULL, false));
    assert_int_equal(put_text(&f, GROUP, me, "A2", "original"), STORE_MSG_FILLED);
    assert_string_equal(committed(&f, "SELECT content || '|' || state || '|' || kind FROM messages"
                                      " WHERE id = 'A2'"),
                        "edited||text");
    c = a_change("27820000008@s.whatsapp.net", "A3", 10);
    c.target_sender = J(me);
    OK(store_message_revoke(f.s, &c, true));
    OK(store_message_revoke(f.s, &c, true));
    assert_int_equal(put_text(&f, GROUP, me, "A3", "gone"), STORE_MSG_FILLED);
    assert_string_equal(committed(&f,
                                  "SELECT content || (revoked_at > 0) || is_from_me FROM messages"
                                  " WHERE id = 'A3'"),
                        "gone10");
    fixture_free(&f);
}

static void one_reaction_per_person(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    struct store_message_change c = a_change("27820000009@s.whatsapp.net", "A1", 5);
    OK(store_message_react(f.s, &c, SPAN_LIT("+")));
    c.timestamp++;
    OK(store_message_react(f.s, &c, SPAN_LIT("-")));
    c.timestamp -= 3;
    OK(store_message_react(f.s, &c, SPAN_LIT("old")));
    assert_string_equal(committed(&f, "SELECT group_concat(reaction) FROM reactions"), "-");
    c.timestamp += 3; /* changed within its own second: what comes later counts */
    OK(store_message_react(f.s, &c, SPAN_LIT("*")));
    assert_string_equal(committed(&f, "SELECT group_concat(reaction) FROM reactions"), "*");
    c.timestamp += 7;
    OK(store_message_react(f.s, &c, SPAN_NULL));
    assert_string_equal(committed(&f, "SELECT count(*) || reaction FROM reactions"), "1");
    fixture_free(&f);
}

static void row_is_read_back_under_either_form(void **state)
{
    (void)state;
    struct fixture f;
    struct arena a = arena_new(1 << 20);
    struct store_message_row r;
    struct jid lid = J("888@lid"), pn = J("27820000009@s.whatsapp.net"), sender = J("888:2@lid");
    int64_t last = 0;
    fixture_ready(&f);
    OK(store_message_last_time(f.s, &last));
    assert_int_equal(last, 0);
    struct store_message m = a_message("888@lid", "888@lid", "A1", "photo");
    m.kind = "image";
    m.media_type = SPAN_LIT("image");
    m.media_key = SPAN_LIT("\0\1\2");
    m.file_length = 77;
    m.raw = SPAN_LIT("\x0a\x00");
    put(&f, &m);
    OK(store_lid_put(f.s, &lid, &pn, NULL)); /* known, but the chat is not moved yet */
    OK(store_message_get(f.s, &pn, m.id, &sender, &a, &r));
    assert_int_equal(r.media_key.n, 3);
    assert_int_equal(r.file_length, 77);
    assert_int_equal(r.raw.n, 2);
    assert_int_equal(r.timestamp, fixture_time);
    assert_true(r.change_seq > 0);
    assert_true(span_eq_cstr(r.kind, "image"));
    OK(store_message_get(f.s, &lid, m.id, NULL, &a, &r));
    assert_int_equal(store_message_get(f.s, &lid, SPAN_LIT("A9"), NULL, &a, &r), WB_ERR_NOT_FOUND);
    OK(store_message_last_time(f.s, &last));
    assert_int_equal(last, fixture_time);
    arena_free(&a);
    fixture_free(&f);
}

static const char go_schema[] =
    "CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT, last_message_time TIMESTAMP);"
    "CREATE TABLE messages (id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,"
    " is_from_me BOOLEAN, media_type TEXT, filename TEXT, url TEXT, media_key BLOB,"
    " file_sha256 BLOB, file_enc_sha256 BLOB, file_length INTEGER, PRIMARY KEY (id, chat_jid),"
    " FOREIGN KEY (chat_jid) REFERENCES chats(jid));"
    "INSERT INTO chats VALUES ('" GROUP "', 'Team', '2026-01-02 03:04:05+02:00');"
    "INSERT INTO messages VALUES ('O1', '" GROUP "', '27820000009@s.whatsapp.net', 'old',"
    " '2026-01-02 03:04:05+02:00', 0, '', '', '', NULL, NULL, NULL, 0),"
    " ('O2', '" GROUP "', '27820000008', 'old 2', '2026-01-01 03:04:05+02:00', 0, '', '', '',"
    " NULL, NULL, NULL, 0);";

static void go_bridges_file_is_extended_in_place(void **state)
{
    (void)state;
    struct fixture f;
    setenv("TZ", "Africa/Johannesburg", 1);
    tzset();
    fixture_new(&f);
    poke_sql(f.msg, go_schema);
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
    struct account a = fixture_account(&f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
    OK(store_account_save(f.s, &a));
    assert_string_equal(committed(&f, "SELECT group_concat(change_seq) FROM messages"), "1,2");
    /* The history form of the sender is recognised. */
    assert_int_equal(put_text(&f, GROUP, "27820000009:1@s.whatsapp.net", "O1", "x"),
                     STORE_MSG_DUPLICATE);
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "N1", "new");
    assert_string_equal(committed(&f, "SELECT timestamp FROM messages WHERE id = 'N1'"),
                        "2026-09-21 16:13:20+02:00");
    /* The Python reader joins on the identical text. */
    assert_string_equal(committed(&f, "SELECT m.content FROM chats c JOIN messages m ON"
                                      " m.chat_jid = c.jid AND m.timestamp = c.last_message_time"),
                        "new");
    struct store_message late = a_message(GROUP, "27820000009@s.whatsapp.net", "N0", "late");
    late.timestamp -= 1000;
    put(&f, &late);
    assert_string_equal(committed(&f, "SELECT last_message_time FROM chats"),
                        "2026-09-21 16:13:20+02:00");
    struct arena arena = arena_new(1 << 16);
    struct store_message_row r;
    struct jid g = J(GROUP);
    OK(store_message_get(f.s, &g, SPAN_LIT("O1"), NULL, &arena, &r));
    assert_int_equal(r.timestamp, 1767315845);
    arena_free(&arena);
    fixture_close(&f);
    fixture_open(&f); /* a second time: nothing to do */
    assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
    fixture_free(&f);
    unsetenv("TZ");
    tzset();
}

/* A fork's readers look there; a file that has no such columns gets none. */
static void columns_of_a_fork_are_filled(void **state)
{
    (void)state;
    struct fixture f;
    fixture_new(&f);
    poke_sql(f.msg, go_schema);
    poke_sql(f.msg, "ALTER TABLE messages ADD COLUMN quoted_message_id TEXT;"
                    "ALTER TABLE messages ADD COLUMN deleted_at TIMESTAMP");
    fixture_open(&f);
    struct account a = fixture_account(&f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
    OK(store_account_save(f.s, &a));
    struct store_message m = a_message(GROUP, "27820000009@s.whatsapp.net", "N1", "an answer");
    enum store_message_outcome outcome;
    m.quoted_id = SPAN_LIT("O1");
    put(&f, &m);
    m.id = SPAN_LIT("N2"); /* a placeholder first */
    OK(store_message_placeholder(f.s, &m, &outcome));
    put(&f, &m);
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "N3", "no answer");
    struct store_message_change c = {
        .chat = m.chat, .sender = m.sender, .target_id = SPAN_LIT("N3"), .timestamp = fixture_time};
    OK(store_message_revoke(f.s, &c, false));
    assert_string_equal(committed(&f,
                                  "SELECT group_concat(id || coalesce(quoted_message_id, '-') ||"
                                  " coalesce(deleted_at = timestamp, '-')) FROM messages"
                                  " WHERE id LIKE 'N%'"),
                        "N1O1-,N2O1-,N3-1");
    fixture_free(&f);
    fixture_ready(&f);
    put(&f, &m);
    assert_string_equal(committed(&f, "SELECT count(*) FROM pragma_table_info('messages')"
                                      " WHERE name IN ('quoted_message_id', 'deleted_at')"),
                        "0");
    fixture_free(&f);
}

static void without_a_row_the_maker_of_the_tables_decides(void **state)
{
    (void)state;
    struct fixture f;
    fixture_new(&f);
    poke_sql(f.msg, go_schema);
    poke_sql(f.msg, "DELETE FROM messages; DELETE FROM chats");
    for (int i = 0; i < 2; i++) { /* also once our columns are there */
        fixture_open(&f);
        assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
        fixture_close(&f);
    }
    poke_sql(f.msg, "INSERT INTO chats VALUES ('" GROUP "', 'Team', NULL)");
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
    fixture_free(&f);
    fixture_new(&f);
    for (int i = 0; i < 2; i++) {
        fixture_open(&f);
        assert_int_equal(store_time_format(f.s), STORE_TIME_INTEGER);
        fixture_close(&f);
    }
    /* What is decided stays, whatever somebody else writes then. */
    poke_sql(f.msg, "INSERT INTO chats (jid, last_message_time) VALUES ('" GROUP "', 'a text')");
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_INTEGER);
    fixture_free(&f);
}

/* Another program's INSERT OR REPLACE knows nothing of change_seq. */
static void change_seq_rises_for_other_writers_too(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "A1", "one");
    assert_string_equal(committed(&f, "SELECT change_seq FROM messages"), "1");
    poke_sql(f.msg, "INSERT OR REPLACE INTO messages (id, chat_jid, sender, content, timestamp,"
                    " is_from_me) VALUES ('A1', '" GROUP "', '27820000009', 'one', 5, 0)");
    assert_string_equal(committed(&f, "SELECT change_seq FROM messages"), "2");
    poke_sql(f.msg, "INSERT OR REPLACE INTO messages (id, chat_jid, sender, content, timestamp,"
                    " is_from_me) VALUES ('A2', '" GROUP "', '1', 'a', 5, 0),"
                    " ('A3', '" GROUP "', '1', 'b', 5, 0)");
    assert_string_equal(committed(&f, "SELECT group_concat(change_seq) FROM messages"), "2,3,4");
    poke_sql(f.msg, "UPDATE messages SET content = 'c' WHERE id = 'A2'");
    assert_string_equal(committed(&f, "SELECT change_seq FROM messages WHERE id = 'A2'"), "5");
    assert_string_equal(committed(&f, "SELECT count(DISTINCT change_seq) FROM messages"), "3");
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "A4", "four");
    assert_string_equal(committed(&f, "SELECT change_seq FROM messages WHERE id = 'A4'"), "6");
    /* A number of its own, even one far ahead, is never given again. */
    poke_sql(f.msg, "INSERT INTO messages (id, chat_jid, change_seq) VALUES ('A5', '" GROUP
                    "', 40), ('A6', '" GROUP "', 8)");
    assert_string_equal(
        committed(&f, "SELECT group_concat(change_seq) FROM messages WHERE id > 'A4'"), "40,41");
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "A7", "seven");
    assert_string_equal(committed(&f, "SELECT change_seq FROM messages WHERE id = 'A7'"), "42");
    fixture_free(&f);
}

/* What a stanza wrote is undone alone, in whatever order it was written. */
static void mark_undoes_rows(void **state)
{
    static const char person[] = "27820000009@s.whatsapp.net";
    static const char all[] = "SELECT group_concat(id || content) FROM messages";
    struct store_message_change edit = a_change(person, "A3", 5);
    struct fixture f;

    (void)state;
    fixture_ready(&f);
    put_text(&f, GROUP, person, "A1", "+");
    OK(store_mark(f.s));
    assert_int_equal(put_text(&f, GROUP, person, "A1", "-"), STORE_MSG_DUPLICATE);
    OK(store_mark_undo(f.s));
    OK(store_mark(f.s));
    put_text(&f, GROUP, person, "A2", "-");
    OK(store_mark_undo(f.s));
    OK(store_mark(f.s));
    put_text(&f, GROUP, person, "A3", "-");
    OK(store_message_edit(f.s, &edit, SPAN_LIT("edited"), SPAN_NULL, SPAN_NULL, false));
    put_text(&f, GROUP, person, "A4", "-");
    OK(store_mark_undo(f.s));
    assert_string_equal(committed(&f, all), "A1+");
    /* What one mark kept is not undone by the next. */
    OK(store_mark(f.s));
    put_text(&f, GROUP, person, "A5", "+");
    OK(store_mark_keep(f.s));
    OK(store_mark(f.s));
    OK(store_mark_undo(f.s));
    assert_int_equal(put_text(&f, GROUP, person, "A3", "+"), STORE_MSG_INSERTED);
    assert_string_equal(committed(&f, all), "A1+,A5+,A3+");
    assert_string_equal(committed(&f, "SELECT count(DISTINCT change_seq) FROM messages"), "3");
    fixture_free(&f);
}

/* A statement that fails in its midst is not undone by SQLite: nothing of its batch is kept. */
static void half_a_row_takes_its_batch_along(void **state)
{
    static const char person[] = "27820000009@s.whatsapp.net";
    enum store_message_outcome outcome = STORE_MSG_DUPLICATE;
    struct store_message bad = a_message(GROUP, person, "A3", "bad");
    struct fixture f;

    (void)state;
    fixture_ready(&f);
    put_text(&f, GROUP, person, "A1", "x");
    OK(store_commit(f.s));
    poke_sql(f.msg, "CREATE TRIGGER bad AFTER INSERT ON messages WHEN NEW.content = 'bad'"
                    " BEGIN SELECT RAISE(FAIL, 'bad'); END");
    put_text(&f, GROUP, person, "A2", "x");
    assert_int_equal(store_message_put(f.s, &bad, &outcome), WB_ERR_DB);
    assert_int_equal(outcome, STORE_MSG_DUPLICATE);
    assert_int_equal(store_message_put(f.s, &bad, &outcome), WB_ERR_DB);
    assert_int_equal(store_commit(f.s), WB_ERR_DB);
    assert_string_equal(committed(&f, "SELECT group_concat(id) FROM messages"), "A1");
    put_text(&f, GROUP, person, "A2", "x");
    assert_string_equal(committed(&f, "SELECT group_concat(id) FROM messages"), "A1,A2");
    /* Somebody's hand in the counter: no message passes for one that is stored already. */
    poke_sql(f.msg, "UPDATE bridge_change_seq SET value = 0");
    bad.content = SPAN_LIT("x");
    assert_int_equal(store_message_put(f.s, &bad, &outcome), WB_ERR_DB);
    fixture_free(&f);
}

static void foreign_database_is_left_alone(void **state)
{
    (void)state;
    struct fixture f;
    struct store *s = NULL;
    fixture_new(&f);
    poke_sql(f.msg, "CREATE TABLE invoices (x)");
    assert_int_equal(store_open(&f.config, &s, &f.info), WB_ERR_DB_SCHEMA);
    assert_int_equal(f.info.file, STORE_FILE_MESSAGES);
    assert_string_equal(peek_sql(f.msg, "SELECT group_concat(name) FROM sqlite_master"),
                        "invoices");
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_row_as_the_go_bridge_writes_it),
        cmocka_unit_test(monitors_statements_work),
        cmocka_unit_test(indexes_are_used),
        cmocka_unit_test(keyed_by_chat_sender_and_id),
        cmocka_unit_test(any_number_of_senders_has_one_id),
        cmocka_unit_test(placeholder_is_filled_once),
        cmocka_unit_test(edits_and_revokes_in_any_order),
        cmocka_unit_test(one_reaction_per_person),
        cmocka_unit_test(row_is_read_back_under_either_form),
        cmocka_unit_test(go_bridges_file_is_extended_in_place),
        cmocka_unit_test(columns_of_a_fork_are_filled),
        cmocka_unit_test(without_a_row_the_maker_of_the_tables_decides),
        cmocka_unit_test(change_seq_rises_for_other_writers_too),
        cmocka_unit_test(mark_undoes_rows),
        cmocka_unit_test(half_a_row_takes_its_batch_along),
        cmocka_unit_test(foreign_database_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
