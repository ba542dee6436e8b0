/* A backup that is put back on request: no old message is sent again, and no stored message is
 * lost. */
#include "tests/unit/store/restore_fixture.h"

#include "crypto/signal.h"
#include "store/core/meta.h"
#include "store/messages/messages.h"
#include "store/open/restore.h"
#include "store/outbox/outbox.h"
#include "store/session/prekeys.h"
#include "store/session/signal_store.h"

static struct restore_job job_for(struct fixture *f, struct set *set)
{
    return (struct restore_job){.whatsapp_path = f->wa,
                                .messages_path = f->msg,
                                .dir = set->dir,
                                .set = set->made.name,
                                .command = "test",
                                .program = "test 1.0",
                                .clock = &fixture_clock,
                                .rng = &f->rng};
}

static void restored(const struct restore_job *job, struct restore_result *r)
{
    enum wb_err err = store_restore(job, r);

    if (err != WB_OK)
        print_error("restore: %s: %s\n", wb_err_name(err), r->text);
    OK(err);
}

/* ---- what is put back cannot go on where it was ---- */

static void nothing_old_is_sent_with(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    struct account a;
    struct jid peer = J(PEER), group = J(GROUP), own = J("111000111:7@lid");
    struct signal_session *s = NULL;
    struct sender_key_record *key = NULL;
    struct store_prekey more[1];
    struct arena arena = arena_new(1 << 16);
    struct store_outbox_row row;
    enum signal_message_kind kind;
    struct buf out = buf_new(4096);
    bool can = true;
    with_backup(&f, &set);
    struct restore_job job = job_for(&f, &set);
    fixture_time += 60;
    restored(&job, &r);
    assert_true(r.whatsapp);
    assert_false(r.messages); /* the good file knows more */
    assert_int_equal(r.counts.sessions, 1);
    assert_int_equal(r.counts.sender_keys, 1);
    assert_int_equal(r.counts.sends, 2);
    assert_non_null(strstr(r.whatsapp_aside, "whatsapp.db.replaced-"));
    assert_int_equal(access(r.whatsapp_aside, F_OK), 0);
    assert_non_null(strstr(r.before, "-before-restore"));
    /* Before any program opens it: whatsmeow finds no session and no key of ours. */
    assert_string_equal(peek_sql(f.wa, "PRAGMA journal_mode"), "delete");
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "0");
    assert_string_equal(peek_sql(f.wa, "SELECT sender_id FROM whatsmeow_sender_keys"), "555_1:0");
    assert_string_equal(
        peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_pre_keys WHERE NOT uploaded"), "0");
    /* whatsmeow goes on from here. */
    assert_string_equal(peek_sql(f.wa, "SELECT max(key_id) BETWEEN 5 + 65536 AND 5 + 3 * 65536"
                                       " FROM whatsmeow_pre_keys"),
                        "1");
    fixture_open(&f);
    OK(store_account_load(f.s, NULL, &a));
    OK(store_session_has(f.s, &peer, &can));
    assert_false(can);
    OK(store_session_load(f.s, &peer, &s, NULL));
    assert_int_equal(s->narchived, 1);
    /* Even where it becomes the current one: its chain is spent. */
    s->current = s->archived[--s->narchived];
    assert_int_equal(signal_encrypt(s, SPAN_LIT("x"), &kind, &out), WB_ERR_NO_SESSION);
    signal_session_free(s);
    assert_int_equal(store_sender_key_load(f.s, &group, &own, &key), WB_ERR_NOT_FOUND);
    OK(store_prekeys_offer(f.s, &f.rng, 1, more));
    assert_true(more[0].id > 5 + 60000);
    OK(store_outbox_by_id(f.s, "Q1", &arena, &row));
    assert_int_equal(row.state, OUTBOX_FAILED);
    assert_string_equal(row.reason, "restored_unknown");
    OK(store_outbox_by_id(f.s, "Q2", &arena, &row));
    assert_int_equal(row.state, OUTBOX_FAILED);
    OK(store_outbox_by_id(f.s, "Q3", &arena, &row));
    assert_int_equal(row.state, OUTBOX_SENT);
    struct buf note = buf_new(200);
    OK(store_meta_get(f.s, STORE_META_RESTORED, &note));
    assert_non_null(strstr(buf_cstr(&note), set.made.name));
    buf_free(&note);
    buf_free(&out);
    arena_free(&arena);
    fixture_time -= 60;
    fixture_free(&f);
}

/* Rows that no program makes move with the others, twice. */
static void odd_rows_do_not_stop_a_restore(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    with_backup(&f, &set);
    poke_sql(f.wa,
             "INSERT INTO whatsmeow_sessions SELECT our_jid, printf('%.*c', 300, 'x'), session"
             " FROM whatsmeow_sessions LIMIT 1");
    poke_sql(f.wa, "INSERT INTO whatsmeow_sessions SELECT our_jid, '5' || char(0) || '6', session"
                   " FROM whatsmeow_sessions LIMIT 1");
    poke_sql(f.wa, "INSERT INTO whatsmeow_sessions SELECT our_jid, '7_1:0', zeroblob(9 << 20)"
                   " FROM whatsmeow_sessions LIMIT 1");
    for (int i = 0; i < 2; i++) {
        struct backup_job backup = {.whatsapp_path = f.wa,
                                    .messages_path = f.msg,
                                    .dir = set.dir,
                                    .reason = BACKUP_MANUAL,
                                    .clock = &fixture_clock};

        OK(store_backup_create(&backup, &set.made));
        const struct restore_job job = job_for(&f, &set);
        restored(&job, &r);
        assert_int_equal(r.counts.sessions, i == 0 ? 4 : 0);
        assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "0");
        assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_sessions_receive"), "4");
    }
    fixture_free(&f);
}

/* What was used stays used, and the server's signed prekey may be a later one than ours. */
static void base_keys_stay_and_a_signed_prekey_is_due(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    with_backup(&f, &set);
    poke_sql(f.wa,
             "INSERT INTO bridge_base_keys SELECT jid, 1, zeroblob(32) FROM whatsmeow_device");
    poke_sql(f.wa, "INSERT OR REPLACE INTO bridge_signed_prekeys SELECT jid, 1, signed_pre_key,"
                   " signed_pre_key_sig, 1789000000, 0 FROM whatsmeow_device");
    struct backup_job backup = {.whatsapp_path = f.wa,
                                .messages_path = f.msg,
                                .dir = set.dir,
                                .reason = BACKUP_MANUAL,
                                .clock = &fixture_clock};
    OK(store_backup_create(&backup, &set.made));
    const struct restore_job job = job_for(&f, &set);
    restored(&job, &r);
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_base_keys"), "1");
    assert_string_equal(peek_sql(f.wa, "SELECT id || ' ' || made_at || ' ' || replaced_at"
                                       " FROM bridge_signed_prekeys"),
                        "1 0 0");
    assert_string_equal(
        peek_sql(f.wa, "SELECT value > 100 FROM bridge_meta WHERE name = 'signed_prekey_high'"),
        "1");
    fixture_free(&f);
}

/* Each of them uploads prekeys, and no id may come with two keys. */
static void restores_of_one_copy_go_on_far_apart(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    long high[2];
    with_backup(&f, &set);
    const struct restore_job job = job_for(&f, &set);
    for (size_t i = 0; i < 2; i++) {
        restored(&job, &r);
        high[i] = strtol(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'prekey_high'"),
                         NULL, 10);
    }
    assert_true(labs(high[0] - high[1]) > 1000);
    fixture_free(&f);
}

static void prekeys_stop_before_their_end(void **state)
{
    (void)state;
    struct fixture f;
    int64_t high = 0;
    fixture_ready(&f);
    OK(store_meta_put_int(f.s, "prekey_high", PREKEY_ID_MAX - 100));
    OK(store_prekeys_skip(f.s, &f.rng, 65536));
    OK(store_meta_get_int(f.s, "prekey_high", &high));
    assert_int_equal(high, PREKEY_ID_MAX - 50);
    fixture_free(&f);
}

static void a_dry_run_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    with_backup(&f, &set);
    run_command("cd %s && sha256sum whatsapp.db messages.db > sums && ls -R backups > names", f.dir,
                "");
    struct restore_job job = job_for(&f, &set);
    job.dry_run = true;
    job.messages = RESTORE_MESSAGES_ALWAYS;
    restored(&job, &r);
    assert_true(r.whatsapp && r.messages);
    run_command(
        "cd %s && sha256sum -c --quiet sums && ls -R backups | diff - names && ! ls -d *.restor*"
        " *.replaced-* 2>/dev/null",
        f.dir, "");
    fixture_free(&f);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct fixture f, other;
    struct set set, theirs;
    struct restore_result r;
    with_backup(&f, &set);
    struct restore_job job = job_for(&f, &set);
    job.set = "20200101T000000Z-manual";
    assert_int_equal(store_restore(&job, &r), WB_ERR_NOT_FOUND);
    job.set = set.made.name;
    fixture_open(&f);
    assert_int_equal(store_restore(&job, &r), WB_ERR_LOCKED);
    assert_non_null(strstr(r.text, "stop it first"));
    fixture_close(&f);
    /* Another number's set, from elsewhere. */
    with_backup(&other, &theirs);
    poke_sql(f.wa, "UPDATE whatsmeow_device SET jid = '27820000002:7@s.whatsapp.net'");
    char path[400];
    snprintf(path, sizeof path, "%s/%s", theirs.dir, theirs.made.name);
    job.set = path;
    assert_int_equal(store_restore(&job, &r), WB_ERR_EXISTS);
    job.phone_user = "27820000001"; /* said so */
    restored(&job, &r);
    job.keep_whatsapp = true;
    job.messages = RESTORE_MESSAGES_ALWAYS;
    snprintf(path, sizeof path, "%s/%s/messages.db", theirs.dir, theirs.made.name);
    poke_sql(path, "DELETE FROM messages");
    snprintf(path, sizeof path, "%s/%s", theirs.dir, theirs.made.name);
    assert_int_equal(store_restore(&job, &r), WB_ERR_DB_CORRUPT);
    fixture_free(&other);
    fixture_free(&f);
}

static void messages_are_put_back_when_asked(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    with_backup(&f, &set);
    struct restore_job job = job_for(&f, &set);
    job.messages = RESTORE_MESSAGES_ALWAYS;
    job.keep_whatsapp = true;
    fixture_time += 100;
    restored(&job, &r);
    assert_string_equal(peek_sql(f.msg, "SELECT group_concat(id) FROM messages"), "A1");
    assert_string_equal(peek_sql(r.messages_aside, "SELECT count(*) FROM messages"), "2");
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "1790000000 1790000100");
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "1");
    /* An earlier gap that no bridge has taken over since. */
    poke_sql(f.wa, "UPDATE bridge_meta SET value = '1780000000 1780000500' WHERE name = 'gap'");
    restored(&job, &r);
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "1780000000 1790000100");
    poke_sql(f.wa, "DELETE FROM bridge_meta WHERE name = 'gap'");
    fixture_time -= 200; /* the clock was set back behind the backup */
    restored(&job, &r);
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "1790000000 1790000001");
    fixture_time += 100;
    fixture_free(&f);
}

/* Not with the time of the backup, when the clock was ahead then. */
static void a_gap_begins_with_the_newest_message(void **state)
{
    (void)state;
    enum { YEAR = 365 * 86400 };
    struct fixture f;
    struct set set;
    struct restore_result r;
    with_backup(&f, &set);
    struct backup_job job = {.whatsapp_path = f.wa,
                             .messages_path = f.msg,
                             .dir = set.dir,
                             .reason = BACKUP_SCHEDULED,
                             .clock = &fixture_clock};
    fixture_time += YEAR;
    OK(store_backup_create(&job, &set.made));
    fixture_time -= YEAR - 500;
    struct restore_job restore = job_for(&f, &set);
    restore.messages = RESTORE_MESSAGES_ALWAYS;
    restored(&restore, &r);
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "1790000000 1790000500");
    fixture_time -= 500;
    fixture_free(&f);
}

static void both_files_bring_the_gap_with_them(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    with_backup(&f, &set);
    struct restore_job job = job_for(&f, &set);
    job.messages = RESTORE_MESSAGES_ALWAYS;
    fixture_time += 100;
    restored(&job, &r);
    assert_true(r.whatsapp && r.messages);
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "1790000000 1790000100");
    assert_string_equal(peek_sql(f.wa, "PRAGMA journal_mode"), "delete");
    fixture_time -= 100;
    fixture_free(&f);
}

#define NO_NOTE                                                                                    \
    "CREATE TRIGGER no_note BEFORE INSERT ON bridge_meta WHEN new.name = 'gap'"                    \
    " BEGIN SELECT RAISE(FAIL, 'no'); END"

/* As they were: both messages, the session that may send, no note, nothing left beside them. */
static void assert_untouched(struct fixture *f, const char *gap)
{
    assert_string_equal(peek_sql(f->msg, "SELECT count(*) FROM messages"), "2");
    assert_string_equal(peek_sql(f->wa, "SELECT count(*) FROM whatsmeow_sessions"), "1");
    assert_string_equal(peek_sql(f->wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"), gap);
    run_command("cd %s && ! ls -d *.restoring* *.replaced-* 2>/dev/null", f->dir, "");
}

static void without_a_note_nothing_is_replaced(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    for (int only = 0; only < 2; only++) {
        with_backup(&f, &set);
        struct restore_job job = job_for(&f, &set);
        /* In the files, and in the set made of them. */
        poke_sql(f.wa, NO_NOTE);
        struct backup_job again = {.whatsapp_path = f.wa,
                                   .messages_path = f.msg,
                                   .dir = set.dir,
                                   .reason = BACKUP_SCHEDULED,
                                   .clock = &fixture_clock};
        OK(store_backup_create(&again, &set.made));
        job.messages = RESTORE_MESSAGES_ALWAYS;
        job.keep_whatsapp = only == 1;
        assert_int_not_equal(store_restore(&job, &r), WB_OK);
        assert_untouched(&f, "");
        poke_sql(f.wa, "DROP TRIGGER no_note");
        fixture_free(&f);
    }
}

static void what_cannot_be_copied_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct restore_result r;
    with_backup(&f, &set);
    struct restore_job job = job_for(&f, &set);
    job.messages = RESTORE_MESSAGES_ALWAYS;
    poke_sql(f.wa, "INSERT INTO bridge_meta VALUES ('gap', '1780000000 1780000500')");
    run_command("mkdir -p %s.restoring/x", f.msg, ""); /* where its copy would go */
    for (int only = 0; only < 2; only++) {
        job.keep_whatsapp = only == 1;
        assert_int_equal(store_restore(&job, &r), WB_ERR_EXISTS);
        run_command("rm -r %s.restoring && test ! -e %s.restoring", f.msg, f.wa);
        assert_untouched(&f, "1780000000 1780000500");
        run_command("mkdir -p %s.restoring/x", f.msg, "");
    }
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_old_is_sent_with),
        cmocka_unit_test(odd_rows_do_not_stop_a_restore),
        cmocka_unit_test(base_keys_stay_and_a_signed_prekey_is_due),
        cmocka_unit_test(restores_of_one_copy_go_on_far_apart),
        cmocka_unit_test(prekeys_stop_before_their_end),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(messages_are_put_back_when_asked),
        cmocka_unit_test(both_files_bring_the_gap_with_them),
        cmocka_unit_test(a_gap_begins_with_the_newest_message),
        cmocka_unit_test(without_a_note_nothing_is_replaced),
        cmocka_unit_test(what_cannot_be_copied_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
