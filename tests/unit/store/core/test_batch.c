/* A batch is visible after its commit and not before, in both files; what fails leaves nothing
 * behind. */
#include "tests/unit/store/store_fixture.h"

#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/messages/messages.h"
#include "store/outbox/outbox.h"
#include "store/session/signal_store.h"

#define GROUP "120363000000000001@g.us"

static enum wb_err put(struct fixture *f, const char *id, struct span text)
{
    enum store_message_outcome outcome;
    struct store_message m = {.id = span_cstr(id),
                              .chat = J(GROUP),
                              .sender = J("27820000009@s.whatsapp.net"),
                              .timestamp = fixture_time,
                              .content = text,
                              .kind = "text"};

    return store_message_put(f->s, &m, &outcome);
}

static void save_session(struct fixture *f, uint32_t tag)
{
    struct jid j = J("555:0@lid");
    struct signal_session *s = signal_session_new();

    s->current = signal_state_new();
    s->current->has_sender_chain = true;
    s->current->remote_registration_id = tag;
    OK(store_session_save(f->s, &j, s));
}

static uint32_t session_tag(struct fixture *f)
{
    struct jid j = J("555:0@lid");
    struct signal_session *s = NULL;

    if (store_session_load(f->s, &j, &s, NULL) != WB_OK)
        return 0;
    uint32_t tag = s->current->remote_registration_id;
    signal_session_free(s);
    return tag;
}

static void nothing_is_visible_before_the_commit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    assert_false(store_batch_open(f.s));
    OK(put(&f, "A1", SPAN_LIT("x")));
    save_session(&f, 1);
    /* A reader is not blocked by the open batch, and does not see it. */
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "0");
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "0");
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "1");
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "1");
    OK(store_commit(f.s));
    fixture_free(&f);
}

static void reader_in_a_transaction_does_not_block_writes(void **state)
{
    (void)state;
    struct fixture f;
    sqlite3 *db = NULL;
    fixture_ready(&f);
    OK(put(&f, "A1", SPAN_LIT("x")));
    OK(store_commit(f.s));
    assert_int_equal(sqlite3_open_v2(f.msg, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM messages", NULL, NULL, NULL),
                     SQLITE_OK);
    OK(put(&f, "A2", SPAN_LIT("y")));
    OK(store_commit(f.s));
    sqlite3_close(db);
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "2");
    fixture_free(&f);
}

/* A full disk, at the message: nothing of the batch stays, the caches are forgotten. */
static void full_messages_db_rolls_everything_back(void **state)
{
    (void)state;
    struct fixture f;
    int64_t pages = 0;
    char sql[64];
    static uint8_t big[100000];
    fixture_ready(&f);
    save_session(&f, 1);
    OK(store_commit(f.s));
    OK(db_query_int(&f.s->msg, "PRAGMA page_count", &pages));
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)pages + 3);
    OK(db_exec(&f.s->msg, sql));
    save_session(&f, 2);
    OK(put(&f, "A1", SPAN_LIT("fits")));
    memset(big, 'x', sizeof big);
    assert_int_equal(put(&f, "A2", SPAN_ARRAY(big)), WB_ERR_NO_SPACE);
    store_rollback(f.s);
    assert_true(strstr(store_error_text(f.s), "full") != NULL);
    assert_int_equal(session_tag(&f), 1);
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "0");
    OK(db_exec(&f.s->msg, "PRAGMA max_page_count = 1000000"));
    OK(put(&f, "A2", SPAN_ARRAY(big)));
    OK(store_commit(f.s));
    fixture_free(&f);
}

/* A full disk between the two commits: the message is kept, the ratchet has not moved, so that the
 * server's redelivery finds both as they should be. */
static void full_whatsapp_db_keeps_the_ratchet_behind_the_message(void **state)
{
    (void)state;
    struct fixture f;
    int64_t pages = 0;
    char sql[64];
    fixture_ready(&f);
    save_session(&f, 1);
    OK(store_commit(f.s));
    OK(db_query_int(&f.s->wa, "PRAGMA page_count", &pages));
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)pages);
    OK(db_exec(&f.s->wa, sql));
    OK(put(&f, "A1", SPAN_LIT("kept")));
    struct jid j = J("555:0@lid");
    struct signal_session *s = signal_session_new();
    s->current = signal_state_new();
    s->current->has_sender_chain = true;
    s->current->remote_registration_id = 2;
    s->current->sender_chain.keys = calloc(1000, sizeof *s->current->sender_chain.keys);
    s->current->sender_chain.nkeys = 1000; /* far more than a free page holds */
    OK(store_session_save(f.s, &j, s));
    assert_int_equal(store_commit(f.s), WB_ERR_NO_SPACE);
    assert_false(store_batch_open(f.s));
    assert_int_equal(session_tag(&f), 1);
    assert_string_equal(peek_sql(f.msg, "SELECT content FROM messages"), "kept");
    OK(db_exec(&f.s->wa, "PRAGMA max_page_count = 1000000"));
    save_session(&f, 3);
    OK(store_commit(f.s));
    assert_int_equal(session_tag(&f), 3);
    fixture_free(&f);
}

/* The marks of both files: a stanza that fails does not take the others along. */
static void mark_spans_both_files(void **state)
{
    (void)state;
    struct fixture f;
    int64_t v = 0;
    fixture_ready(&f);
    OK(put(&f, "A1", SPAN_LIT("first")));
    OK(store_mark(f.s));
    OK(put(&f, "A2", SPAN_LIT("poison")));
    OK(store_meta_put_int(f.s, "x", 1));
    OK(store_mark_undo(f.s));
    OK(store_mark(f.s));
    OK(put(&f, "A3", SPAN_LIT("third")));
    OK(store_commit(f.s)); /* keeps an open mark */
    assert_int_equal(store_mark_undo(f.s), WB_ERR_STATE);
    assert_string_equal(peek_sql(f.msg, "SELECT group_concat(id) FROM messages"), "A1,A3");
    assert_int_equal(store_meta_get_int(f.s, "x", &v), WB_ERR_NOT_FOUND);
    fixture_free(&f);
}

static void another_writer_makes_it_locked_not_corrupt(void **state)
{
    (void)state;
    struct fixture f;
    sqlite3 *db = NULL;
    fixture_ready(&f);
    sqlite3_busy_timeout(f.s->msg.h, 20);
    assert_int_equal(sqlite3_open(f.msg, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(put(&f, "A1", SPAN_LIT("x")), WB_ERR_LOCKED);
    store_rollback(f.s);
    sqlite3_close(db);
    OK(put(&f, "A1", SPAN_LIT("x")));
    OK(store_commit(f.s));
    fixture_free(&f);
}

static bool is_hurried(void)
{
    return true;
}

/* Milliseconds until a write says that another program holds messages.db. */
static int64_t refused_after_ms(struct fixture *f)
{
    const int64_t began = clock_mono_ms(&clock_system);
    enum store_file file = STORE_FILE_NONE;

    assert_int_equal(put(f, "A1", SPAN_LIT("x")), WB_ERR_LOCKED);
    assert_true(store_is_held(f->s, &file));
    assert_int_equal(file, STORE_FILE_MESSAGES);
    (void)store_error_text(f->s);
    assert_false(store_is_held(f->s, &file));
    store_rollback(f->s);
    return clock_mono_ms(&clock_system) - began;
}

static void the_wait_for_another_writer_is_as_long_as_was_said(void **state)
{
    (void)state;
    struct fixture f;
    sqlite3 *db = NULL;
    fixture_ready(&f);
    assert_int_equal(sqlite3_open(f.msg, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    store_set_wait(f.s, STORE_WAIT_NONE);
    assert_true(refused_after_ms(&f) < DB_BUSY_TIMEOUT_MS / 2);
    store_set_wait(f.s, STORE_WAIT_SHORT);
    assert_true(refused_after_ms(&f) < DB_BUSY_TIMEOUT_MS / 2);
    /* Somebody waits for our end. */
    f.s->hurried = is_hurried;
    store_set_wait(f.s, STORE_WAIT_USUAL);
    assert_true(refused_after_ms(&f) < DB_BUSY_TIMEOUT_MS / 2);
    /* It lets go in time. */
    f.s->hurried = NULL;
    store_set_wait(f.s, STORE_WAIT_USUAL);
    sqlite3_close(db);
    OK(put(&f, "A1", SPAN_LIT("x")));
    OK(store_commit(f.s));
    fixture_free(&f);
}

static void clean_close_leaves_delete_mode_and_no_log(void **state)
{
    (void)state;
    struct fixture f;
    char wal[200];
    fixture_ready(&f);
    assert_string_equal(peek_sql(f.wa, "PRAGMA journal_mode"), "wal");
    fixture_close(&f);
    snprintf(wal, sizeof wal, "%s-wal", f.wa);
    assert_int_not_equal(access(wal, F_OK), 0);
    assert_string_equal(peek_sql(f.wa, "PRAGMA journal_mode"), "delete");
    fixture_free(&f);
}

/* ---- outbox: it commits with the ratchet (rule 2) ---- */

static struct store_outbox_row a_row(const char *id, const char *key)
{
    struct store_outbox_row r = {.chat = J(GROUP), .created_at = fixture_time};

    snprintf(r.message_id, sizeof r.message_id, "%s", id);
    snprintf(r.key, sizeof r.key, "%s", key);
    r.request = SPAN_LIT("request");
    r.content = SPAN_LIT("content");
    return r;
}

static void outbox_row_goes_forward_only(void **state)
{
    (void)state;
    struct fixture f;
    bool more = true;
    struct arena a = arena_new(1 << 20);
    struct store_outbox_row r = a_row("M1", "key-1");
    const struct jid alice = J("222000011@lid");
    int64_t seq = 0;
    size_t n = 0;
    fixture_ready(&f);
    OK(store_outbox_add(f.s, &r, &seq));
    assert_true(seq > 0);
    assert_int_equal(store_outbox_add(f.s, &r, NULL), WB_ERR_EXISTS);
    r = a_row("M2", "key-1");
    assert_int_equal(store_outbox_add(f.s, &r, NULL), WB_ERR_EXISTS);
    r = a_row("M2", "");
    OK(store_outbox_add(f.s, &r, NULL));
    r = a_row("M3", "");
    OK(store_outbox_add(f.s, &r, NULL));
    OK(store_outbox_next(f.s, OUTBOX_QUEUED, seq, &a, &r));
    assert_string_equal(r.message_id, "M2");
    assert_int_equal(store_outbox_acked(f.s, "M1", 1, 2), WB_ERR_STATE);
    OK(store_outbox_receipt(f.s, "M1", &alice, OUTBOX_READ)); /* not sealed: cannot be ours */
    OK(store_outbox_seal(f.s, "M1", SPAN_LIT("bytes"), 1, fixture_time + 1));
    assert_int_equal(store_outbox_seal(f.s, "M1", SPAN_LIT("other"), 1, 2), WB_ERR_STATE);
    OK(store_outbox_by_id(f.s, "M1", &a, &r));
    assert_int_equal(r.state, OUTBOX_SEALED);
    assert_true(span_eq_cstr(r.sealed, "bytes"));
    assert_true(span_eq_cstr(r.request, "request"));
    assert_true(span_eq_cstr(r.content, "content"));
    OK(store_outbox_receipt(f.s, "M1", &alice, OUTBOX_DELIVERED)); /* overtakes the ack */
    OK(store_outbox_acked(f.s, "M1", 1790000005, fixture_time + 3));
    OK(store_outbox_acked(f.s, "M1", 7, 8));
    OK(store_outbox_by_key(f.s, "key-1", &a, &r));
    assert_int_equal(r.state, OUTBOX_DELIVERED);
    assert_int_equal(r.server_time, 1790000005);
    assert_null(r.sealed.p);
    assert_null(r.request.p);
    OK(store_outbox_receipt(f.s, "M1", &alice, OUTBOX_READ));
    OK(store_outbox_receipt(f.s, "M1", &alice, OUTBOX_DELIVERED));
    OK(store_outbox_by_id(f.s, "M1", &a, &r));
    assert_int_equal(r.state, OUTBOX_READ);
    assert_int_equal(store_outbox_fail(f.s, "M1", "x", 1), WB_ERR_STATE);
    OK(store_outbox_fail(f.s, "M2", "not_sent", fixture_time));
    OK(store_outbox_answer(f.s, "M2", SPAN_LIT("{}")));
    assert_int_equal(store_outbox_answer(f.s, "M9", SPAN_LIT("{}")), WB_ERR_NOT_FOUND);
    OK(store_outbox_by_id(f.s, "M2", &a, &r));
    assert_string_equal(r.reason, "not_sent");
    assert_true(span_eq_cstr(r.answer, "{}"));
    OK(store_outbox_count(f.s, OUTBOX_QUEUED, &n));
    assert_int_equal(n, 1);
    OK(store_outbox_prune(f.s, fixture_time + 104, 100, &more));
    assert_false(more);
    assert_int_equal(store_outbox_by_id(f.s, "M1", &a, &r), WB_ERR_NOT_FOUND);
    OK(store_outbox_by_id(f.s, "M3", &a, &r)); /* not final: stays */
    assert_int_equal(store_outbox_receipt(f.s, "M1", &alice, OUTBOX_READ), WB_ERR_NOT_FOUND);
    arena_free(&a);
    fixture_free(&f);
}

static void sealed_bytes_and_ratchet_commit_together(void **state)
{
    (void)state;
    struct fixture f, crash;
    struct account acc;
    struct arena a = arena_new(1 << 20);
    struct store_outbox_row r = a_row("M1", "");
    fixture_ready(&f);
    OK(store_outbox_add(f.s, &r, NULL));
    OK(store_commit(f.s));
    save_session(&f, 9);
    OK(store_outbox_seal(f.s, "M1", SPAN_LIT("bytes"), 1, 1));
    fixture_crash_copy(&f, &crash);
    fixture_open(&crash);
    OK(store_account_load(crash.s, NULL, &acc));
    OK(store_outbox_by_id(crash.s, "M1", &a, &r));
    assert_int_equal(r.state, OUTBOX_QUEUED);
    assert_int_equal(session_tag(&crash), 0);
    fixture_free(&crash);
    OK(store_commit(f.s));
    fixture_crash_copy(&f, &crash);
    fixture_open(&crash);
    OK(store_account_load(crash.s, NULL, &acc));
    OK(store_outbox_by_id(crash.s, "M1", &a, &r));
    assert_int_equal(r.state, OUTBOX_SEALED);
    assert_int_equal(session_tag(&crash), 9);
    fixture_free(&crash);
    arena_free(&a);
    fixture_free(&f);
}

/* Whoever does not look at an error must not leave half of something. */
static void a_failed_write_is_not_committed(void **state)
{
    (void)state;
    for (int in_messages = 0; in_messages < 2; in_messages++) {
        struct fixture f;

        fixture_ready(&f);
        OK(db_exec(&f.s->wa, "CREATE TRIGGER full BEFORE INSERT ON bridge_meta"
                             " WHEN new.name = 'two' BEGIN SELECT RAISE(ABORT, 'full'); END"));
        OK(db_exec(&f.s->msg, "CREATE TRIGGER full BEFORE INSERT ON messages"
                              " WHEN new.id = 'A2' BEGIN SELECT RAISE(ABORT, 'full'); END"));
        OK(put(&f, "A1", SPAN_LIT("x")));
        OK(store_meta_put_int(f.s, "one", 1));
        if (in_messages)
            assert_int_equal(put(&f, "A2", SPAN_LIT("x")), WB_ERR_DB);
        else
            assert_int_equal(store_meta_put_int(f.s, "two", 2), WB_ERR_DB);
        /* Nothing more is taken into that file, and none of it stays. */
        if (in_messages)
            assert_int_equal(put(&f, "A3", SPAN_LIT("x")), WB_ERR_DB);
        else
            assert_int_equal(store_meta_put_int(f.s, "three", 3), WB_ERR_DB);
        assert_int_equal(store_commit(f.s), WB_ERR_DB);
        assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "0");
        assert_string_equal(
            peek_sql(f.wa, "SELECT count(*) FROM bridge_meta WHERE name IN ('one', 'three')"), "0");
        /* It is over with the rollback. */
        OK(put(&f, "A1", SPAN_LIT("x")));
        OK(store_meta_put_int(f.s, "one", 1));
        OK(store_commit(f.s));
        assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "1");
        fixture_free(&f);
    }
}

/* Nor a batch of which a write could not even begin. */
static void a_write_that_cannot_begin(void **state)
{
    (void)state;
    struct fixture f;
    sqlite3 *other = NULL;
    fixture_ready(&f);
    sqlite3_busy_timeout(f.s->wa.h, 0);
    assert_int_equal(sqlite3_open_v2(f.wa, &other, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    OK(put(&f, "A1", SPAN_LIT("x")));
    assert_int_equal(store_meta_put_int(f.s, "one", 1), WB_ERR_LOCKED);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(store_commit(f.s), WB_ERR_LOCKED);
    assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "0");
    assert_false(store_batch_open(f.s));
    OK(put(&f, "A1", SPAN_LIT("x")));
    OK(store_meta_put_int(f.s, "one", 1));
    OK(store_commit(f.s));
    fixture_free(&f);
}

/* With a mark only what came since it goes - but for the row that is written without a savepoint.
 */
static void a_failed_write_behind_a_mark(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    OK(db_exec(&f.s->msg, "CREATE TRIGGER full BEFORE INSERT ON messages"
                          " WHEN new.id = 'A2' BEGIN SELECT RAISE(ABORT, 'full'); END"));
    OK(put(&f, "A1", SPAN_LIT("x")));
    OK(store_mark(f.s));
    OK(put(&f, "A0", SPAN_LIT("x")));
    assert_int_equal(put(&f, "A2", SPAN_LIT("x")), WB_ERR_DB);
    OK(store_mark_undo(f.s));
    OK(put(&f, "A3", SPAN_LIT("x")));
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.msg, "SELECT group_concat(id) FROM messages"), "A1,A3");
    /* Kept in spite of it: nothing stays. */
    OK(put(&f, "A4", SPAN_LIT("x")));
    OK(store_mark(f.s));
    assert_int_equal(put(&f, "A2", SPAN_LIT("x")), WB_ERR_DB);
    assert_int_equal(store_mark_keep(f.s), WB_ERR_DB);
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.msg, "SELECT group_concat(id) FROM messages"), "A1,A3");
    OK(put(&f, "A5", SPAN_LIT("x")));
    OK(store_mark(f.s));
    assert_int_equal(put(&f, "A2", SPAN_LIT("x")), WB_ERR_DB);
    assert_int_equal(store_mark_undo(f.s), WB_ERR_DB);
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.msg, "SELECT group_concat(id) FROM messages"), "A1,A3");
    fixture_free(&f);
}

/* A file that cannot be opened again has nothing to be looked after. */
static void a_closed_file_needs_no_checkpoint(void **state)
{
    (void)state;
    struct fixture f;
    struct db d;
    fixture_ready(&f);
    fixture_close(&f);
    OK(db_open(&d, f.wa));
    d.log_pages = DB_CHECKPOINT_PAGES_MAX;
    assert_true(db_checkpoint_due(&d));
    db_close(&d);
    assert_false(db_checkpoint_due(&d));
    fixture_open(&f);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_file_needs_no_checkpoint),
        cmocka_unit_test(nothing_is_visible_before_the_commit),
        cmocka_unit_test(reader_in_a_transaction_does_not_block_writes),
        cmocka_unit_test(full_messages_db_rolls_everything_back),
        cmocka_unit_test(full_whatsapp_db_keeps_the_ratchet_behind_the_message),
        cmocka_unit_test(mark_spans_both_files),
        cmocka_unit_test(a_failed_write_is_not_committed),
        cmocka_unit_test(a_write_that_cannot_begin),
        cmocka_unit_test(a_failed_write_behind_a_mark),
        cmocka_unit_test(another_writer_makes_it_locked_not_corrupt),
        cmocka_unit_test(the_wait_for_another_writer_is_as_long_as_was_said),
        cmocka_unit_test(clean_close_leaves_delete_mode_and_no_log),
        cmocka_unit_test(outbox_row_goes_forward_only),
        cmocka_unit_test(sealed_bytes_and_ratchet_commit_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
