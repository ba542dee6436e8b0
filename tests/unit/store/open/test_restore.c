#include "tests/unit/store/store_fixture.h"

#include "crypto/signal.h"
#include "store/backup/backup_dir.h"
#include "store/core/meta.h"
#include "store/messages/messages.h"
#include "store/open/recover.h"
#include "store/open/restore.h"
#include "store/outbox/outbox.h"
#include "store/session/owner.h"
#include "store/session/prekeys.h"
#include "store/session/signal_store.h"

#define GROUP "120363000000000001@g.us"
#define PEER  "555:0@lid"

struct set {
    char dir[160];
    struct backup_result made;
};

static void put(struct fixture *f, const char *id)
{
    enum store_message_outcome outcome;
    struct store_message m = {.id = span_cstr(id),
                              .chat = J(GROUP),
                              .sender = J("27820000009@s.whatsapp.net"),
                              .timestamp = fixture_time,
                              .content = span_cstr("text"),
                              .kind = "text"};
    OK(store_message_put(f->s, &m, &outcome));
}

static void save_session(struct fixture *f, const char *jid)
{
    struct jid j = J(jid);
    struct signal_session *s = signal_session_new();
    s->current = signal_state_new();
    s->current->has_sender_chain = true;
    s->current->sender_chain.chain_key.index = 3;
    x25519_generate(&f->rng, &s->current->sender_chain.ratchet);
    rng_fill(&f->rng, s->current->sender_chain.chain_key.key, 32);
    OK(store_session_save(f->s, &j, s));
}

static void save_sender_key(struct fixture *f, const char *who)
{
    struct jid group = J(GROUP), sender = J(who);
    struct sender_key_record *r = sender_key_record_new();
    r->states[0] = sender_key_state_new();
    r->nstates = 1;
    OK(store_sender_key_save(f->s, &group, &sender, r));
}

static void queue(struct fixture *f, const char *id)
{
    struct store_outbox_row row = {
        .chat = J(GROUP), .request = SPAN_LIT("r"), .content = SPAN_LIT("c"), .created_at = 1};
    snprintf(row.message_id, sizeof row.message_id, "%s", id);
    OK(store_outbox_add(f->s, &row, NULL));
}

/* A store with a bit of everything, closed, and a backup of it. */
static void with_backup(struct fixture *f, struct set *set)
{
    struct store_prekey keys[5];
    fixture_ready(f);
    save_session(f, PEER);
    save_sender_key(f, "111000111:7@lid");
    save_sender_key(f, PEER);
    OK(store_prekeys_offer(f->s, &f->rng, 5, keys));
    queue(f, "Q1");
    queue(f, "Q2");
    OK(store_outbox_seal(f->s, "Q2", SPAN_LIT("sealed"), 1, 2));
    queue(f, "Q3");
    OK(store_outbox_seal(f->s, "Q3", SPAN_LIT("sealed"), 1, 2));
    OK(store_outbox_acked(f->s, "Q3", 3, 3));
    put(f, "A1");
    char other[JID_USER_MAX + 1];
    OK(store_messages_owner(f->s, "27820000001", other));
    OK(store_commit(f->s));
    snprintf(set->dir, sizeof set->dir, "%s/backups", f->dir);
    f->config.backups_dir = set->dir;
    struct backup_job job = {.whatsapp_path = f->wa,
                             .messages_path = f->msg,
                             .dir = set->dir,
                             .reason = BACKUP_SCHEDULED,
                             .clock = &fixture_clock};
    OK(store_backup_create(&job, &set->made));
    put(f, "A2"); /* later than the backup */
    OK(store_commit(f->s));
    fixture_close(f);
}

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

static void run(const char *fmt, const char *a, const char *b)
{
    char command[512];
    snprintf(command, sizeof command, fmt, a, b);
    assert_int_equal(system(command), 0);
}

/* ---- what is put back cannot go on where it was --------------------------------------------- */

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
    run("cd %s && sha256sum whatsapp.db messages.db > sums && ls -R backups > names", f.dir, "");
    struct restore_job job = job_for(&f, &set);
    job.dry_run = true;
    job.messages = RESTORE_MESSAGES_ALWAYS;
    restored(&job, &r);
    assert_true(r.whatsapp && r.messages);
    run("cd %s && sha256sum -c --quiet sums && ls -R backups | diff - names && ! ls -d *.restor*"
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
    run("cd %s && ! ls -d *.restoring* *.replaced-* 2>/dev/null", f->dir, "");
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
    run("mkdir -p %s.restoring/x", f.msg, ""); /* where its copy would go */
    for (int only = 0; only < 2; only++) {
        job.keep_whatsapp = only == 1;
        assert_int_equal(store_restore(&job, &r), WB_ERR_EXISTS);
        run("rm -r %s.restoring && test ! -e %s.restoring", f.msg, f.wa);
        assert_untouched(&f, "1780000000 1780000500");
        run("mkdir -p %s.restoring/x", f.msg, "");
    }
    fixture_free(&f);
}

/* ---- damage at start ------------------------------------------------------------------------ */

static enum wb_err start(struct fixture *f, struct store_recovery *done)
{
    return store_open_recovering(&f->config, "27820000001", &f->rng, &f->s, &f->info, done);
}

static void nothing_is_done_to_good_files(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct store_recovery done;
    with_backup(&f, &set);
    OK(start(&f, &done));
    assert_string_equal(done.text, "");
    assert_false(done.whatsapp || done.messages || done.new_messages);
    fixture_free(&f);
}

/* %s: the file. */
static const char *const damages[] = {
    "rm '%s'",
    ": > '%s'",
    "truncate -s 4096 '%s'",
    "truncate -s 10000 '%s'",
    "dd if=/dev/zero of='%s' bs=4096 count=1 conv=notrunc status=none",
    "dd if=/dev/zero of='%s' bs=4096 seek=3 count=8 conv=notrunc status=none",
    "head -c 20000 /dev/urandom > '%s'",
    "dd if=/dev/urandom of='%s' bs=4096 seek=2 count=9 conv=notrunc status=none",
    "yes text | head -c 50000 > '%s'",
};

static void a_damaged_session_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct fixture f;
        struct set set;
        struct store_recovery done;
        with_backup(&f, &set);
        run(damages[i], f.wa, "");
        OK(start(&f, &done));
        assert_true(done.whatsapp);
        assert_false(done.messages || done.new_messages);
        assert_non_null(strstr(done.text, set.made.name));
        struct account a;
        OK(store_account_load(f.s, "27820000001", &a));
        assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "2");
        if (i > 0)
            run("ls %s/whatsapp.db.damaged-* > /dev/null", f.dir, "");
        fixture_free(&f);
    }
}

static void damaged_messages_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct fixture f;
        struct set set;
        struct store_recovery done;
        with_backup(&f, &set);
        run(damages[i], f.msg, "");
        OK(start(&f, &done));
        assert_true(done.messages);
        assert_false(done.whatsapp || done.new_messages);
        assert_string_equal(peek_sql(f.msg, "SELECT group_concat(id) FROM messages"), "A1");
        assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "1");
        assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_meta WHERE name = 'gap'"),
                            "1");
        fixture_free(&f);
    }
}

static void both_come_back_at_one_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct fixture f;
        struct set set;
        struct store_recovery done;
        with_backup(&f, &set);
        run("rm '%s'", f.msg, "");
        run(damages[i], f.wa, "");
        OK(start(&f, &done));
        assert_true(done.messages && done.whatsapp);
        assert_string_equal(peek_sql(f.msg, "SELECT group_concat(id) FROM messages"), "A1");
        assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_meta WHERE name = 'gap'"),
                            "1");
        fixture_free(&f);
    }
}

static int64_t ten_seconds_later(void *ctx)
{
    int64_t *now_ms = ctx;
    return *now_ms += 10000;
}

static void a_backup_under_way_is_waited_for(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct store_recovery done;
    struct store_lock lock = store_lock_none();
    int64_t now_ms = fixture_time * 1000;
    const struct clock clock = {ten_seconds_later, ten_seconds_later, &now_ms};
    char tightened[STORE_TIGHTENED_MAX] = "", text[512];
    with_backup(&f, &set);
    run("head -c 9000 /dev/urandom > %s", f.msg, "");
    OK(backup_dir_lock(set.dir, false, "another", &fixture_clock, &lock, tightened, text));
    f.config.clock = &clock;
    assert_int_equal(start(&f, &done), WB_ERR_LOCKED);
    assert_non_null(strstr(f.info.text, "under way"));
    run("test -e %s && ! ls %s.damaged-* 2>/dev/null", f.msg, f.msg);
    store_lock_drop(&lock);
    OK(start(&f, &done));
    assert_true(done.messages);
    f.config.clock = &fixture_clock;
    fixture_free(&f);
}

static void without_a_good_backup(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct store_recovery done;
    with_backup(&f, &set);
    run("rm -r %s", set.dir, "");
    run("head -c 9000 /dev/urandom > %s", f.msg, "");
    OK(start(&f, &done));
    assert_true(done.new_messages);
    assert_false(done.messages);
    run("ls %s/messages.db.damaged-* > /dev/null", f.dir, "");
    fixture_close(&f);
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "0 1790000000");
    run("head -c 9000 /dev/urandom > %s", f.wa, "");
    run("cp %s %s.copy", f.wa, f.wa);
    assert_int_equal(start(&f, &done), WB_ERR_DB_CORRUPT);
    assert_int_equal(f.info.file, STORE_FILE_WHATSAPP);
    run("cmp %s %s.copy", f.wa, f.wa); /* left as it is */
    fixture_free(&f);
}

/* The only good backup has no messages: a new messages.db, and the session knows of the gap. */
static void a_new_messages_db_and_an_old_session(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct store_recovery done;
    with_backup(&f, &set);
    run("rm -r %s", set.dir, "");
    struct backup_job job = {
        .whatsapp_path = f.wa, .dir = set.dir, .reason = BACKUP_SCHEDULED, .clock = &fixture_clock};
    OK(store_backup_create(&job, &set.made));
    run("head -c 9000 /dev/urandom > %s", f.msg, "");
    poke_sql(f.wa, "UPDATE whatsmeow_device SET identity_key = randomblob(32)");
    OK(start(&f, &done));
    assert_true(done.whatsapp && done.new_messages);
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "0 1790000000");
    fixture_free(&f);
}

static void keys_that_are_no_keys(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct store_recovery done;
    with_backup(&f, &set);
    poke_sql(f.wa, "UPDATE whatsmeow_device SET identity_key = randomblob(32)");
    OK(start(&f, &done));
    assert_true(done.whatsapp);
    fixture_free(&f);
}

/* Also when the clock was set back by years since the backup before. */
static void after_an_unlinking_nothing_comes_back(void **state)
{
    (void)state;
    static const int64_t later[] = {10, -5LL * 365 * 86400};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        struct fixture f;
        struct set set;
        struct store_recovery done;
        with_backup(&f, &set);
        struct backup_job job = {.whatsapp_path = f.wa,
                                 .messages_path = NULL,
                                 .dir = set.dir,
                                 .reason = BACKUP_BEFORE_UNLINK,
                                 .clock = &fixture_clock};
        fixture_time += later[i];
        OK(store_backup_create(&job, &set.made));
        assert_false(set.made.manifest.messages.present);
        run("rm %s", f.wa, "");
        OK(start(&f, &done));
        assert_false(done.whatsapp);
        assert_true(f.info.created_whatsapp);
        fixture_time -= later[i];
        fixture_free(&f);
    }
}

static void a_repair_takes_what_was_made_last(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    struct store_recovery done;
    with_backup(&f, &set); /* the clock is five years ahead */
    struct backup_job job = {.whatsapp_path = f.wa,
                             .messages_path = f.msg,
                             .dir = set.dir,
                             .reason = BACKUP_SCHEDULED,
                             .clock = &fixture_clock};
    fixture_time -= 5LL * 365 * 86400;
    OK(store_backup_create(&job, &set.made));
    run(damages[0], f.wa, "");
    OK(start(&f, &done));
    assert_true(done.whatsapp);
    assert_non_null(strstr(done.text, set.made.name));
    fixture_time += 5LL * 365 * 86400;
    fixture_free(&f);
}

static void a_foreign_log_is_not_replayed(void **state)
{
    (void)state;
    struct fixture f, other;
    struct set set;
    struct store_recovery done;
    with_backup(&f, &set);
    fixture_ready(&other);
    struct account a = fixture_account(&other, "27820000002:1@s.whatsapp.net", "222@lid");
    OK(store_account_save(other.s, &a));
    OK(store_commit(other.s)); /* now in its log */
    run("cp %s-wal %s-wal", other.wa, f.wa);
    run("cp %s-shm %s-shm", other.wa, f.wa);
    OK(start(&f, &done));
    assert_string_equal(done.text, "");
    struct jid found[4];
    size_t n = 0;
    OK(store_account_list(f.s, found, 4, &n));
    assert_int_equal(n, 1);
    assert_string_equal(found[0].user, "27820000001");
    run("ls %s/whatsapp.db.foreign-*-wal > /dev/null", f.dir, "");
    fixture_free(&other);
    fixture_free(&f);
}

static void another_numbers_messages(void **state)
{
    (void)state;
    struct fixture f;
    struct set set;
    char other[JID_USER_MAX + 1];
    with_backup(&f, &set);
    fixture_open(&f);
    OK(store_messages_owner(f.s, "27820000001", other));
    /* A second device of the same file shares it, a number without a device there does not. */
    OK(store_messages_owner(f.s, "27820000002", other));
    fixture_close(&f);
    poke_sql(f.wa, "DELETE FROM whatsmeow_device");
    fixture_open(&f);
    assert_int_equal(store_messages_owner(f.s, "27820000002", other), WB_ERR_EXISTS);
    assert_string_equal(other, "27820000001");
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
        cmocka_unit_test(nothing_is_done_to_good_files),
        cmocka_unit_test(a_damaged_session_comes_back),
        cmocka_unit_test(damaged_messages_come_back),
        cmocka_unit_test(both_come_back_at_one_start),
        cmocka_unit_test(a_backup_under_way_is_waited_for),
        cmocka_unit_test(without_a_good_backup),
        cmocka_unit_test(a_new_messages_db_and_an_old_session),
        cmocka_unit_test(keys_that_are_no_keys),
        cmocka_unit_test(after_an_unlinking_nothing_comes_back),
        cmocka_unit_test(a_repair_takes_what_was_made_last),
        cmocka_unit_test(a_foreign_log_is_not_replayed),
        cmocka_unit_test(another_numbers_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
