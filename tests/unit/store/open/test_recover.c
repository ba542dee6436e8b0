/* Damaged files at a start: what a backup brings back, what is set aside, and when nothing is
 * changed. */
#include "tests/unit/store/restore_fixture.h"

#include "crypto/signal.h"
#include "store/backup/backup_dir.h"
#include "store/messages/messages.h"
#include "store/open/recover.h"
#include "store/open/restore.h"
#include "store/outbox/outbox.h"
#include "store/session/owner.h"
#include "store/session/prekeys.h"
#include "store/session/signal_store.h"

/* ---- what is put back cannot go on where it was ---- */

/* ---- damage at start ---- */

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
        run_command(damages[i], f.wa, "");
        OK(start(&f, &done));
        assert_true(done.whatsapp);
        assert_false(done.messages || done.new_messages);
        assert_non_null(strstr(done.text, set.made.name));
        struct account a;
        OK(store_account_load(f.s, "27820000001", &a));
        assert_string_equal(peek_sql(f.msg, "SELECT count(*) FROM messages"), "2");
        if (i > 0)
            run_command("ls %s/whatsapp.db.damaged-* > /dev/null", f.dir, "");
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
        run_command(damages[i], f.msg, "");
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
        run_command("rm '%s'", f.msg, "");
        run_command(damages[i], f.wa, "");
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
    run_command("head -c 9000 /dev/urandom > %s", f.msg, "");
    OK(backup_dir_lock(set.dir, false, "another", &fixture_clock, &lock, tightened, text));
    f.config.clock = &clock;
    assert_int_equal(start(&f, &done), WB_ERR_LOCKED);
    assert_non_null(strstr(f.info.text, "under way"));
    run_command("test -e %s && ! ls %s.damaged-* 2>/dev/null", f.msg, f.msg);
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
    run_command("rm -r %s", set.dir, "");
    run_command("head -c 9000 /dev/urandom > %s", f.msg, "");
    OK(start(&f, &done));
    assert_true(done.new_messages);
    assert_false(done.messages);
    run_command("ls %s/messages.db.damaged-* > /dev/null", f.dir, "");
    fixture_close(&f);
    assert_string_equal(peek_sql(f.wa, "SELECT value FROM bridge_meta WHERE name = 'gap'"),
                        "0 1790000000");
    run_command("head -c 9000 /dev/urandom > %s", f.wa, "");
    run_command("cp %s %s.copy", f.wa, f.wa);
    assert_int_equal(start(&f, &done), WB_ERR_DB_CORRUPT);
    assert_int_equal(f.info.file, STORE_FILE_WHATSAPP);
    run_command("cmp %s %s.copy", f.wa, f.wa); /* left as it is */
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
    run_command("rm -r %s", set.dir, "");
    struct backup_job job = {
        .whatsapp_path = f.wa, .dir = set.dir, .reason = BACKUP_SCHEDULED, .clock = &fixture_clock};
    OK(store_backup_create(&job, &set.made));
    run_command("head -c 9000 /dev/urandom > %s", f.msg, "");
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
        run_command("rm %s", f.wa, "");
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
    run_command(damages[0], f.wa, "");
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
    run_command("cp %s-wal %s-wal", other.wa, f.wa);
    run_command("cp %s-shm %s-shm", other.wa, f.wa);
    OK(start(&f, &done));
    assert_string_equal(done.text, "");
    struct jid found[4];
    size_t n = 0;
    OK(store_account_list(f.s, found, 4, &n));
    assert_int_equal(n, 1);
    assert_string_equal(found[0].user, "27820000001");
    run_command("ls %s/whatsapp.db.foreign-*-wal > /dev/null", f.dir, "");
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
