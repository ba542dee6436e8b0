/* The operator's conversion of messages.db: texts to seconds and back, all or nothing. */
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/store/whatsmeow_versions.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "store/open/time_convert.h"

#define ROWS                                                                                       \
    "SELECT group_concat(id || '=' || timestamp, ' ') FROM (SELECT * FROM messages ORDER BY id)"
#define SEQS "SELECT group_concat(change_seq) FROM (SELECT * FROM messages ORDER BY id)"

/* A Go bridge's files; times in two zones, with a fraction, and one that is none. */
static const char go_rows[] =
    "CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT, last_message_time TIMESTAMP);"
    "CREATE TABLE messages (id TEXT, chat_jid TEXT, sender TEXT, content TEXT,"
    " timestamp TIMESTAMP, is_from_me BOOLEAN, media_type TEXT, filename TEXT, url TEXT,"
    " media_key BLOB, file_sha256 BLOB, file_enc_sha256 BLOB, file_length INTEGER,"
    " PRIMARY KEY (id, chat_jid), FOREIGN KEY (chat_jid) REFERENCES chats(jid));"
    "INSERT INTO chats VALUES ('1@g.us', 'North', '2026-01-02 05:04:05+02:00'), ('2@g.us', '', "
    "NULL);"
    "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me) VALUES"
    " ('A', '1@g.us', '27820000022', 'one', '2026-01-02 03:04:05.25+00:00', 0),"
    " ('B', '1@g.us', '27820000022', 'two', '2026-01-02 05:04:05+02:00', 0),"
    " ('C', '1@g.us', '27820000022', 'what', 'yesterday', 0)";

static struct time_convert_result result;

static void go_files(struct fixture *f)
{
    static char backups[128];

    setenv("TZ", "Africa/Johannesburg", 1);
    tzset();
    fixture_new(f);
    snprintf(backups, sizeof backups, "%s/backups", f->dir);
    f->config.backups_dir = backups;
    make_version(f->wa, LATEST - 1);
    poke_sql(f->msg, go_rows);
}

static enum wb_err convert(struct fixture *f, enum store_time_format to, bool dry_run)
{
    struct time_convert_job job = {.whatsapp_path = f->wa,
                                   .messages_path = f->msg,
                                   .backups_dir = f->config.backups_dir,
                                   .command = "test",
                                   .to = to,
                                   .dry_run = dry_run,
                                   .clock = &fixture_clock};

    return store_time_convert(&job, &result);
}

static void there_and_back(void **state)
{
    (void)state;
    struct fixture f;
    char backup[300], seqs[64];
    go_files(&f);
    fixture_open(&f); /* numbers the rows */
    fixture_close(&f);
    snprintf(seqs, sizeof seqs, "%s", peek_sql(f.msg, SEQS));
    OK(convert(&f, STORE_TIME_INTEGER, true));
    assert_string_equal(result.backup, "");
    assert_string_equal(
        peek_sql(f.msg, "SELECT count(*) FROM messages WHERE typeof(timestamp) = 'text'"), "3");
    OK(convert(&f, STORE_TIME_INTEGER, false));
    assert_int_equal(result.messages, 2);
    assert_int_equal(result.chats, 1);
    assert_int_equal(result.unreadable, 1);
    assert_string_equal(peek_sql(f.msg, ROWS), "A=1767323045 B=1767323045 C=yesterday");
    assert_string_equal(peek_sql(f.msg, "SELECT typeof(last_message_time) || last_message_time"
                                        " FROM chats WHERE jid = '1@g.us'"),
                        "integer1767323045");
    assert_string_equal(peek_sql(f.msg, SEQS), seqs); /* no reader has anything to do */
    snprintf(backup, sizeof backup, "%s/%s/messages.db", f.config.backups_dir, result.backup);
    assert_string_equal(peek_sql(backup, ROWS),
                        "A=2026-01-02 03:04:05.25+00:00 B=2026-01-02 05:04:05+02:00 C=yesterday");
    /* The trigger is there again. */
    poke_sql(f.msg, "UPDATE messages SET content = 'new' WHERE id = 'A'");
    assert_string_not_equal(peek_sql(f.msg, SEQS), seqs);
    OK(convert(&f, STORE_TIME_TEXT, false));
    assert_string_equal(peek_sql(f.msg, ROWS),
                        "A=2026-01-02 05:04:05+02:00 B=2026-01-02 05:04:05+02:00 C=yesterday");
    OK(convert(&f, STORE_TIME_TEXT, false)); /* nothing left to do: no further backup */
    assert_int_equal(result.messages, 0);
    assert_string_equal(result.backup, "");
    fixture_free(&f);
}

/* A file that only a Go bridge has used, without our columns and triggers. */
static void go_bridges_own_file(void **state)
{
    (void)state;
    struct fixture f;
    go_files(&f);
    OK(convert(&f, STORE_TIME_INTEGER, false));
    assert_string_equal(peek_sql(f.msg, ROWS), "A=1767323045 B=1767323045 C=yesterday");
    assert_string_equal(
        peek_sql(f.msg, "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"), "0");
    fixture_free(&f);
}

/* What is converted before our first start stays so, whatever the first row holds. */
static void a_conversion_before_the_first_start_holds(void **state)
{
    (void)state;
    static const char *const first[] = {
        "DELETE FROM messages; DELETE FROM chats",
        "UPDATE messages SET timestamp = '' WHERE id = 'A'",
        "UPDATE messages SET timestamp = '2026-03-01 10:00:00 +0000 UTC' WHERE id = 'A'",
        "DELETE FROM messages; UPDATE chats SET last_message_time = ''",
    };

    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        struct fixture f;

        go_files(&f);
        poke_sql(f.msg, first[i]);
        OK(convert(&f, STORE_TIME_INTEGER, false));
        assert_string_equal(peek_sql(f.msg, "SELECT timestamp FROM bridge_format"), "integer");
        fixture_open(&f);
        assert_int_equal(store_time_format(f.s), STORE_TIME_INTEGER);
        fixture_free(&f);
    }
}

/* Without a conversion the first row that holds a time says how the file keeps them. */
static void rows_without_a_time_say_nothing(void **state)
{
    (void)state;
    struct fixture f;
    go_files(&f);
    poke_sql(f.msg, "UPDATE messages SET timestamp = '' WHERE id = 'A';"
                    "UPDATE messages SET timestamp = 1767323045 WHERE id = 'B'");
    fixture_open(&f);
    assert_int_equal(store_time_format(f.s), STORE_TIME_INTEGER);
    fixture_free(&f);
}

/* Years of one to three digits come back; those that no text can hold stay numbers. */
static void odd_years_stay_readable(void **state)
{
    (void)state;
    struct fixture f;
    go_files(&f);
    poke_sql(f.msg, "UPDATE messages SET timestamp = -55000000000 WHERE id = 'A';"
                    "UPDATE messages SET timestamp = 300000000000 WHERE id = 'B'");
    OK(convert(&f, STORE_TIME_TEXT, false));
    assert_string_equal(peek_sql(f.msg,
                                 "SELECT strftime('%s', timestamp) || substr(timestamp, 1, 5)"
                                 " FROM messages WHERE id = 'A'"),
                        "-550000000000227-");
    assert_string_equal(peek_sql(f.msg, "SELECT typeof(timestamp) || timestamp FROM messages"
                                        " WHERE id = 'B'"),
                        "integer300000000000");
    fixture_free(&f);
}

static void nothing_is_converted_when_it_cannot_be(void **state)
{
    (void)state;
    struct fixture f;
    char before[200];
    go_files(&f);
    fixture_open(&f);
    assert_int_equal(convert(&f, STORE_TIME_INTEGER, false), WB_ERR_LOCKED);
    assert_non_null(strstr(result.text, "is held by process"));
    fixture_close(&f);
    snprintf(before, sizeof before, "%s", peek_sql(f.msg, ROWS));

    /* A Go bridge has the session open. */
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        FILE *held = fopen(f.wa, "r");
        char c = held ? 'x' : '!';

        if (write(ready[1], &c, 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    char c = 0;
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 'x');
    enum wb_err err = convert(&f, STORE_TIME_INTEGER, false);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(err, WB_ERR_LOCKED);
    assert_non_null(strstr(result.text, "is open in process"));

    f.config.backups_dir = f.wa; /* no place for a backup */
    assert_int_not_equal(convert(&f, STORE_TIME_INTEGER, false), WB_OK);
    assert_non_null(strstr(result.text, "no backup could be made"));
    assert_string_equal(peek_sql(f.msg, ROWS), before);

    poke_sql(f.msg, "ALTER TABLE messages RENAME TO letters");
    assert_int_equal(convert(&f, STORE_TIME_INTEGER, false), WB_ERR_DB_CORRUPT);
    OK(unlink(f.msg));
    assert_int_equal(convert(&f, STORE_TIME_INTEGER, false), WB_ERR_NOT_FOUND);
    assert_int_equal(convert(&f, STORE_TIME_AUTO, false), WB_ERR_INVALID);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(go_bridges_own_file),
        cmocka_unit_test(a_conversion_before_the_first_start_holds),
        cmocka_unit_test(rows_without_a_time_say_nothing),
        cmocka_unit_test(odd_years_stay_readable),
        cmocka_unit_test(nothing_is_converted_when_it_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
