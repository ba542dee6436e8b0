/* Rows of messages.db that another program wrote get the form that the file keeps (R-201,
 * P-MC-13). */
#include "tests/unit/store/store_fixture.h"

#include <time.h>

#include "proto/content_encode.h"
#include "store/messages/messages.h"
#include "store/messages/messages_tidy.h"
#include "store/open/time_convert.h"

#define GROUP "120363001@g.us"
#define FROM  "27820000009@s.whatsapp.net"

/* Rows as the Go bridge writes them: text, here of a zone that is not ours. */
#define GO_ROW(id, time)                                                                           \
    "INSERT OR REPLACE INTO messages (id, chat_jid, sender, content, timestamp, is_from_me,"       \
    " media_type, filename, url, file_length) VALUES ('" id "', '" GROUP "', '27820000009',"       \
    " 'of Go', " time ", 0, '', '', '', 0);"

static const char *look(struct fixture *f, const char *sql)
{
    OK(store_commit(f->s));
    return peek_sql(f->msg, sql);
}

static void put(struct fixture *f, const char *id)
{
    enum store_message_outcome outcome;
    struct store_message m = {.id = span_cstr(id),
                              .chat = J(GROUP),
                              .sender = J(FROM),
                              .timestamp = fixture_time,
                              .received_at = fixture_time,
                              .content = SPAN_LIT("of ours"),
                              .kind = "text"};

    OK(store_message_put(f->s, &m, &outcome));
    OK(store_commit(f->s));
}

/* Slices until there are no more; how many. */
static size_t tidy(struct fixture *f, struct store_tidy *t)
{
    size_t n = 0;
    bool more = true;

    while (more) {
        OK(store_messages_tidy(f->s, t, &more));
        OK(store_commit(f->s));
        assert_true(++n < 10000);
    }
    return n;
}

static void zone(const char *name)
{
    assert_int_equal(name ? setenv("TZ", name, 1) : unsetenv("TZ"), 0);
    tzset();
}

static void a_file_of_ours_keeps_numbers_after_go_wrote_in_it(void **state)
{
    (void)state;
    struct fixture f;
    struct store_tidy t = {0};
    fixture_ready(&f);
    put(&f, "A1");
    fixture_close(&f);
    poke_sql(f.msg,
             GO_ROW("G1", "'2026-09-21 17:13:20+02:00'") GO_ROW("G2", "'no time'")
                 GO_ROW("G3", "'2026-09-21 15:13:21.5+00:00'") "UPDATE chats SET last_message_time "
                                                               "= '2026-09-21 17:13:21+02:00'");
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_INTEGER);
    const char *seq = "SELECT max(change_seq) FROM messages";
    const long before = whole_number(look(&f, seq));
    tidy(&f, &t);
    assert_int_equal(t.times, 2);
    assert_int_equal(t.chats, 1);
    put(&f, "A2");
    assert_string_equal(look(&f, "SELECT group_concat(id || ' ' || typeof(timestamp) || ' ' ||"
                                 " timestamp, ', ') FROM (SELECT * FROM messages ORDER BY id)"),
                        "A1 integer 1790000000, A2 integer 1790000000, G1 integer 1790003600,"
                        " G2 text no time, G3 integer 1790003601");
    assert_string_equal(look(&f, "SELECT typeof(last_message_time) || last_message_time"
                                 " FROM chats WHERE jid = '" GROUP "'"),
                        "integer1790003601");
    /* Readers that follow change_seq see the row once more. */
    assert_true(whole_number(look(&f, "SELECT change_seq FROM messages WHERE id = 'G1'")) > before);
    assert_string_equal(look(&f, "PRAGMA integrity_check"), "ok");
    t = (struct store_tidy){0}; /* nothing is left */
    tidy(&f, &t);
    assert_int_equal(t.times + t.chats, 0);
    fixture_free(&f);
}

static void a_file_of_go_keeps_text(void **state)
{
    (void)state;
    struct fixture f;
    struct store_tidy t = {0};
    zone("Africa/Johannesburg");
    fixture_ready(&f);
    fixture_close(&f);
    poke_sql(f.msg, "UPDATE bridge_format SET timestamp = ''");
    poke_sql(f.msg, "INSERT INTO chats (jid, last_message_time) VALUES"
                    " ('" GROUP "', 1790003600), ('c', 99999999999999)");
    poke_sql(f.msg, GO_ROW("G1", "'2026-09-21 17:13:20+02:00'") GO_ROW("N1", "1790003600")
                        GO_ROW("N2", "99999999999999"));
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
    tidy(&f, &t);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.chats, 1);
    /* The Python reader joins both columns on the identical text (P-MC-21). */
    assert_string_equal(look(&f, "SELECT group_concat(id || timestamp) FROM messages JOIN chats ON"
                                 " jid = chat_jid AND last_message_time = timestamp"),
                        "G12026-09-21 17:13:20+02:00,N12026-09-21 17:13:20+02:00");
    assert_string_equal(look(&f, "SELECT typeof(timestamp) FROM messages WHERE id = 'N2'"),
                        "integer");
    fixture_free(&f);
    zone(NULL);
}

static void many_rows_take_many_slices(void **state)
{
    (void)state;
    struct fixture f, copy;
    struct store_tidy t = {0};
    bool more = true;
    fixture_ready(&f);
    put(&f, "A1");
    poke_sql(f.msg,
             "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me)"
             " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
             " SELECT 'G' || i, '" GROUP "', '27820000009', 'x', '2026-09-21 17:13:20+02:00', 0"
             " FROM n");
    for (int i = 0; i < 2; i++) {
        OK(store_messages_tidy(f.s, &t, &more));
        OK(store_commit(f.s));
        assert_true(more);
    }
    assert_int_equal(t.times, 2 * STORE_TIDY_ROWS);
    /* A crash in the middle: what is left is done by whoever comes next. */
    fixture_crash_copy(&f, &copy);
    fixture_open(&copy);
    t = (struct store_tidy){0};
    assert_true(tidy(&copy, &t) > 2);
    assert_int_equal(t.times, 1000 - 2 * STORE_TIDY_ROWS);
    assert_string_equal(
        look(&copy, "SELECT group_concat(DISTINCT typeof(timestamp)) FROM messages"), "integer");
    fixture_free(&copy);
    fixture_free(&f);
}

static void the_setting_decides_and_is_remembered(void **state)
{
    (void)state;
    struct fixture f;
    struct store_tidy t = {0};
    fixture_ready(&f);
    put(&f, "A1");
    fixture_close(&f);
    f.config.time_format = STORE_TIME_TEXT;
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
    tidy(&f, &t);
    assert_int_equal(t.times, 1);
    fixture_close(&f);
    f.config.time_format = STORE_TIME_AUTO;
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
    fixture_free(&f);
}

static void a_conversion_is_remembered(void **state)
{
    (void)state;
    struct fixture f;
    struct time_convert_result result;
    char backups[128];
    fixture_ready(&f);
    put(&f, "A1");
    fixture_close(&f);
    snprintf(backups, sizeof backups, "%s/backups", f.dir);
    struct time_convert_job job = {.whatsapp_path = f.wa,
                                   .messages_path = f.msg,
                                   .backups_dir = backups,
                                   .command = "test",
                                   .to = STORE_TIME_TEXT,
                                   .clock = &fixture_clock};
    OK(store_time_convert(&job, &result));
    assert_int_equal(result.messages, 1);
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_TEXT);
    fixture_close(&f);
    /* Also when there was nothing to convert. */
    poke_sql(f.msg, "DELETE FROM messages; DELETE FROM chats");
    job.to = STORE_TIME_INTEGER;
    OK(store_time_convert(&job, &result));
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_INTEGER);
    fixture_free(&f);
}

/* A row as version 1 of the file had it; raw: NULL where there is none. */
static void put_old(struct fixture *f, const char *id, const char *kind, const char *content,
                    struct buf *raw, const char *edited)
{
    char sql[2048], hex[1024] = "";
    size_t n = raw ? raw->n : 0;

    assert_true(n * 2 < sizeof hex);
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw->p[i]);
    snprintf(
        sql, sizeof sql,
        "INSERT INTO messages (id, chat_jid, sender, timestamp, is_from_me, kind, content, raw,"
        " edited_at) VALUES ('%s', '" GROUP "', '27820000009', 1790000000, 0, %s, '%s',"
        " %s%s%s, %s)",
        id, kind, content, n ? "x'" : "", n ? hex : "NULL", n ? "'" : "", edited);
    poke_sql(f->msg, sql);
}

static void descriptions_of_an_older_version_leave_content(void **state)
{
    (void)state;
    struct fixture f;
    struct store_tidy t = {0};
    struct content_media m = {.present = true,
                              .mimetype = SPAN_LIT("application/pdf"),
                              .file_name = SPAN_LIT("plan.pdf"),
                              .url = SPAN_LIT("https://example.invalid/x")};
    struct buf bare = buf_new(4096), captioned = buf_new(4096), poll = buf_new(4096);
    const struct span option = SPAN_LIT("Pizza");
    const uint8_t secret[32] = {1};
    OK(content_encode_media(CONTENT_DOCUMENT, &m, SPAN_NULL, NULL, &bare));
    OK(content_encode_media(CONTENT_DOCUMENT, &m, SPAN_LIT("[document] plan.pdf"), NULL,
                            &captioned));
    OK(content_encode_poll(SPAN_LIT("Lunch?"), &option, 1, 1, SPAN_ARRAY(secret), &poll));
    fixture_ready(&f);
    fixture_close(&f);
    poke_sql(f.msg, "DROP TRIGGER bridge_messages_update; DROP TABLE bridge_format;"
                    "ALTER TABLE messages DROP COLUMN summary; PRAGMA user_version = 1");
    put_old(&f, "D1", "'document'", "[document] plan.pdf", &bare, "NULL");
    put_old(&f, "D2", "'document'", "[document] plan.pdf", &captioned, "NULL"); /* his words */
    put_old(&f, "D3", "'document'", "[new words]", &bare, "1790000001");
    put_old(&f, "E1", "'unknown'", "[empty message]", NULL, "NULL");
    put_old(&f, "E2", "'unreadable'", "[unreadable message]", &poll, "NULL");
    put_old(&f, "event 1", "'event'", "Security code with A changed", NULL, "NULL");
    put_old(&f, "G1", "NULL", "[document] of Go", NULL, "NULL");
    put_old(&f, "P1", "'poll'", "[poll] Lunch?: Pizza", &poll, "NULL");
    put_old(&f, "T1", "'text'", "[document] plan.pdf", NULL, "NULL");
    fixture_open(&f);
    assert_true(f.info.taken_over);
    tidy(&f, &t);
    assert_int_equal(t.summaries, 5);
    assert_string_equal(
        look(&f, "SELECT group_concat(id || '=' || content || '/' || coalesce(summary, '-'), ';')"
                 " FROM (SELECT * FROM messages ORDER BY id)"),
        "D1=/[document] plan.pdf;D2=[document] plan.pdf/-;D3=[new words]/-;E1=/[empty message];"
        "E2=/[unreadable message];G1=[document] of Go/-;P1=/[poll] Lunch?: Pizza;"
        "T1=[document] plan.pdf/-;event 1=/Security code with A changed");
    assert_string_equal(look(&f, "SELECT max(change_seq) = max(CASE id WHEN 'P1' THEN change_seq"
                                 " END) FROM messages"),
                        "1");
    fixture_close(&f); /* once is enough */
    poke_sql(f.msg, "UPDATE messages SET content = summary, summary = NULL WHERE id = 'P1'");
    fixture_open(&f);
    t = (struct store_tidy){0};
    tidy(&f, &t);
    assert_int_equal(t.summaries, 0);
    buf_free(&bare);
    buf_free(&captioned);
    buf_free(&poll);
    fixture_free(&f);
}

/* Rows that stay as they are cost one look each, not one for every slice behind them. */
static void texts_that_are_no_times_are_looked_at_once(void **state)
{
    (void)state;
    struct fixture f;
    struct store_tidy t = {0};
    fixture_ready(&f);
    put(&f, "A1");
    poke_sql(f.msg,
             "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me)"
             " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
             " SELECT 'N' || i, '" GROUP "', '1', 'x', CASE WHEN i % 2 THEN '0 no time' WHEN i % 4"
             " THEN printf('1%0100d', i) ELSE '2026-09-21 17:13:20+02:00' END, 0 FROM n;"
             "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me) VALUES"
             " ('B', '" GROUP "', '1', 'x', x'3230', 0)");
    const size_t slices = tidy(&f, &t);
    assert_int_equal(t.times, 500);
    /* 1000 of one text, which are four slices, and one of those with a common beginning, which take
     * some more; then the times, and what comes behind the messages. */
    assert_in_range(slices, 6, 13);
    t = (struct store_tidy){0};
    tidy(&f, &t);
    assert_int_equal(t.times, 0);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_are_no_times_are_looked_at_once),
        cmocka_unit_test(a_file_of_ours_keeps_numbers_after_go_wrote_in_it),
        cmocka_unit_test(a_file_of_go_keeps_text),
        cmocka_unit_test(many_rows_take_many_slices),
        cmocka_unit_test(the_setting_decides_and_is_remembered),
        cmocka_unit_test(a_conversion_is_remembered),
        cmocka_unit_test(descriptions_of_an_older_version_leave_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
