/* A store goes to a program that knows no LIDs, and comes back. */
#include "tests/unit/store/store_fixture.h"

#include <time.h>

#include "crypto/signal.h"
#include "store/files/lock.h"
#include "store/open/handback_job.h"
#include "store/outbox/outbox.h"
#include "store/session/lid_map.h"
#include "store/session/signal_store.h"

static const char group_text[] = "123456789@g.us";

/* A session that looks like one in use; tag tells it from others. */
static void put_session(struct fixture *f, const char *jid, uint32_t tag)
{
    struct jid j = J(jid);
    struct signal_session *s = signal_session_new();
    struct x25519_pair pair;

    s->current = signal_state_new();
    x25519_generate(&f->rng, &pair);
    memcpy(s->current->base_key, pair.pub, sizeof pair.pub);
    memset(s->current->remote_identity, (int)tag, X25519_KEY_BYTES);
    s->current->remote_registration_id = tag;
    s->current->has_sender_chain = true;
    s->current->sender_chain.ratchet = pair;
    s->current->sender_chain.chain_key.index = tag;
    OK(store_session_save(f->s, &j, s));
}

static void put_identity(struct fixture *f, const char *jid, uint8_t tag)
{
    struct jid j = J(jid);
    uint8_t key[X25519_KEY_BYTES];

    memset(key, tag, sizeof key);
    OK(store_identity_put(f->s, &j, key));
}

static void put_sender_key(struct fixture *f, const char *jid)
{
    struct jid j = J(jid), group = J(group_text);
    struct sender_key_record *r = sender_key_record_new();

    OK(sender_key_create(r, &f->rng));
    OK(store_sender_key_save(f->s, &group, &j, r));
}

static uint32_t sender_key_of(struct fixture *f, const char *jid)
{
    struct jid j = J(jid), group = J(group_text);
    struct sender_key_record *r = NULL;

    if (store_sender_key_load(f->s, &group, &j, &r) == WB_ERR_NOT_FOUND)
        return 0;
    uint32_t id = r->states[0]->key_id;
    sender_key_record_free(r);
    return id;
}

/* The counter of the current state's sending chain; 0: no session. */
static uint32_t counter_of(struct fixture *f, const char *jid)
{
    struct jid j = J(jid);
    struct signal_session *s = NULL;

    if (store_session_load(f->s, &j, &s, NULL) == WB_ERR_NOT_FOUND)
        return 0;
    assert_non_null(s->current);
    uint32_t index = s->current->sender_chain.chain_key.index;
    signal_session_free(s);
    return index;
}

static uint8_t identity_of(struct fixture *f, const char *jid)
{
    struct jid j = J(jid);
    uint8_t key[X25519_KEY_BYTES];

    return store_identity_get(f->s, &j, key) == WB_OK ? key[0] : 0;
}

/* As our bridge keeps it: everything under LIDs, 888 is 27820000009; ours are 27820000001:7 and
 * 111000111:7. */
static void with_people(struct fixture *f)
{
    struct jid lid = J("888@lid"), pn = J("27820000009@s.whatsapp.net");
    struct jid own_lid = J("111000111@lid"), own_pn = J("27820000001@s.whatsapp.net");

    OK(store_lid_put(f->s, &lid, &pn, NULL));
    OK(store_lid_put(f->s, &own_lid, &own_pn, NULL));
    put_session(f, "888:0@lid", 10);
    put_session(f, "888:3@lid", 13);
    put_identity(f, "888:0@lid", 10);
    put_identity(f, "888:3@lid", 13);
    put_identity(f, "888:4@lid", 14); /* without a session */
    put_sender_key(f, "888:3@lid");
    put_sender_key(f, "111000111:7@lid");
    OK(store_commit(f->s));
}

static void reopen(struct fixture *f)
{
    struct account a;

    fixture_close(f);
    fixture_open(f);
    OK(store_account_load(f->s, NULL, &a));
}

static void hand_back(struct fixture *f, struct handback_counts *n)
{
    OK(store_handback(f->s, &f->rng, n));
    OK(store_commit(f->s));
    reopen(f);
}

static void records_are_found_under_numbers(void **state)
{
    (void)state;
    struct fixture f;
    struct handback_counts n;
    bool handed = true;

    fixture_ready(&f);
    with_people(&f);
    put_session(&f, "777:0@lid", 20); /* nobody knows whose LID that is */
    OK(store_commit(f.s));
    OK(store_handed_back(f.s, &handed));
    assert_false(handed);
    uint32_t theirs = sender_key_of(&f, "888:3@lid"), own = sender_key_of(&f, "111000111:7@lid");
    hand_back(&f, &n);
    assert_int_equal(n.sessions, 2);
    assert_int_equal(n.identities, 3);
    assert_int_equal(n.sender_keys, 2);
    assert_int_equal(n.no_number, 1);
    assert_int_equal(n.unreadable, 0);
    assert_int_equal(counter_of(&f, "27820000009:0@s.whatsapp.net"), 10);
    assert_int_equal(counter_of(&f, "27820000009:3@s.whatsapp.net"), 13);
    assert_int_equal(identity_of(&f, "27820000009:4@s.whatsapp.net"), 14);
    assert_int_equal(sender_key_of(&f, "27820000009:3@s.whatsapp.net"), theirs);
    assert_int_equal(sender_key_of(&f, "27820000001:7@s.whatsapp.net"), own);
    /* What stays under the LID reads and does not send; our own sender key is in one place. */
    assert_int_equal(counter_of(&f, "888:3@lid"), SIGNAL_CHAIN_SPENT);
    assert_int_equal(sender_key_of(&f, "888:3@lid"), theirs);
    assert_int_equal(sender_key_of(&f, "111000111:7@lid"), 0);
    assert_int_equal(counter_of(&f, "777:0@lid"), 20);
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_lid_map"), "2");
    OK(store_handed_back(f.s, &handed));
    assert_true(handed);
    fixture_free(&f);
}

static void assert_as_before(struct fixture *f, uint32_t theirs, uint32_t own)
{
    assert_int_equal(counter_of(f, "888:0@lid"), 10);
    assert_int_equal(counter_of(f, "888:3@lid"), 13);
    assert_int_equal(identity_of(f, "888:3@lid"), 13);
    assert_int_equal(identity_of(f, "888:4@lid"), 14);
    assert_int_equal(sender_key_of(f, "888:3@lid"), theirs);
    assert_int_equal(sender_key_of(f, "111000111:7@lid"), own);
    assert_string_equal(
        peek_sql(f->wa,
                 "SELECT (SELECT count(*) FROM whatsmeow_sessions WHERE their_id LIKE '2782%')"
                 " + (SELECT count(*) FROM whatsmeow_identity_keys WHERE their_id LIKE '2782%')"
                 " + (SELECT count(*) FROM whatsmeow_sender_keys WHERE sender_id LIKE '2782%')"
                 " + (SELECT count(*) FROM bridge_identities_gone)"
                 " + (SELECT count(*) FROM bridge_meta WHERE name = 'handed_back')"),
        "0");
}

static void there_and_back_is_as_before(void **state)
{
    (void)state;
    struct fixture f;
    struct handback_counts n;
    size_t moved = 0;

    fixture_ready(&f);
    with_people(&f);
    uint32_t theirs = sender_key_of(&f, "888:3@lid"), own = sender_key_of(&f, "111000111:7@lid");
    for (int times = 1; times <= 3; times++) {
        for (int i = 0; i < times; i++) /* also twice without a return */
            hand_back(&f, &n);
        assert_int_equal(n.sessions, 2);
        OK(store_take_again(f.s, &moved));
        assert_true(moved >= 7);
        reopen(&f);
        assert_as_before(&f, theirs, own);
    }
    fixture_free(&f);
}

/* The other program met a new installation of the person. */
static void the_identity_of_the_newer_session_counts(void **state)
{
    (void)state;
    struct fixture f;
    struct handback_counts n;
    struct jid device = J("27820000009:3@s.whatsapp.net");
    struct signal_session *s = NULL;
    size_t moved = 0;

    fixture_ready(&f);
    with_people(&f);
    hand_back(&f, &n);
    OK(store_session_load(f.s, &device, &s, NULL));
    signal_session_archive_current(s);
    s->current = signal_state_new();
    s->current->base_key[0] = 1;
    s->current->has_sender_chain = true;
    s->current->sender_chain.chain_key.index = 5;
    memset(s->current->remote_identity, 99, X25519_KEY_BYTES);
    OK(store_session_save(f.s, &device, s));
    put_identity(&f, "27820000009:3@s.whatsapp.net", 99);
    OK(store_commit(f.s));
    OK(store_take_again(f.s, &moved));
    reopen(&f);
    assert_int_equal(counter_of(&f, "888:3@lid"), 5);
    assert_int_equal(identity_of(&f, "888:3@lid"), 99);
    assert_int_equal(identity_of(&f, "888:0@lid"), 10);
    fixture_free(&f);
}

/* The other program gave the session up and has not begun another: none is better than one that
 * cannot send. */
static void a_copy_alone_is_not_filed(void **state)
{
    (void)state;
    struct fixture f;
    struct handback_counts n;
    struct jid device = J("27820000009:3@s.whatsapp.net");

    fixture_ready(&f);
    with_people(&f);
    hand_back(&f, &n);
    OK(store_session_delete(f.s, &device));
    OK(store_commit(f.s));
    hand_back(&f, &n);
    assert_int_equal(n.sessions, 1);
    assert_int_equal(counter_of(&f, "27820000009:3@s.whatsapp.net"), 0);
    fixture_free(&f);
}

/* More than a page of everything. With WB_TEST_FULL as many as a busy number has, and how long it
 * takes: the bridge does the way back at its start. */
static void many_people(void **state)
{
    (void)state;
    struct fixture f;
    struct handback_counts n;
    size_t moved = 0;
    const unsigned people = getenv("WB_TEST_FULL") ? 20000 : 300;
    struct timespec t[4];

    fixture_ready(&f);
    for (unsigned i = 0; i < people; i++) {
        char lid[40], pn[40];

        snprintf(lid, sizeof lid, "%u@lid", 5000 + i);
        snprintf(pn, sizeof pn, "2783%07u@s.whatsapp.net", i);
        struct jid l = J(lid), p = J(pn);
        OK(store_lid_put(f.s, &l, &p, NULL));
        put_session(&f, lid, 1 + i % 200);
        put_identity(&f, lid, (uint8_t)(1 + i % 200));
        put_sender_key(&f, lid);
    }
    OK(store_commit(f.s));
    clock_gettime(CLOCK_MONOTONIC, &t[0]);
    hand_back(&f, &n);
    clock_gettime(CLOCK_MONOTONIC, &t[1]);
    assert_int_equal(n.sessions, people);
    assert_int_equal(n.identities, people);
    assert_int_equal(n.sender_keys, people);
    assert_int_equal(counter_of(&f, "27830000299@s.whatsapp.net"), 100);
    clock_gettime(CLOCK_MONOTONIC, &t[2]);
    OK(store_take_again(f.s, &moved));
    clock_gettime(CLOCK_MONOTONIC, &t[3]);
    assert_int_equal(moved, 3 * people);
    for (int i = 0; i < 4 && people > 300; i += 2)
        print_message("%s of %u people: %ld ms\n", i ? "return" : "hand-back", people,
                      (t[i + 1].tv_sec - t[i].tv_sec) * 1000 +
                          (t[i + 1].tv_nsec - t[i].tv_nsec) / 1000000);
    assert_int_equal(counter_of(&f, "5299@lid"), 100);
    fixture_free(&f);
}

/* ---- the job ---- */

struct stage {
    struct fixture f;
    char backups[160];
    struct handback_job job;
    struct handback_result r;
};

static void stage_set(struct stage *s)
{
    fixture_ready(&s->f);
    with_people(&s->f);
    snprintf(s->backups, sizeof s->backups, "%s/backups", s->f.dir);
    s->job = (struct handback_job){.whatsapp_path = s->f.wa,
                                   .messages_path = s->f.msg,
                                   .backups_dir = s->backups,
                                   .command = "bridge-handback",
                                   .clock = &fixture_clock,
                                   .rng = &s->f.rng};
}

static const char handed_sql[] =
    "SELECT count(*) FROM whatsmeow_sessions WHERE their_id LIKE '2782%'";

static void a_store_in_use_is_refused(void **state)
{
    (void)state;
    struct stage s;

    stage_set(&s);
    assert_int_equal(store_handback_job(&s.job, &s.r), WB_ERR_LOCKED);
    assert_non_null(strstr(s.r.text, "whatsapp.db is held by process"));
    assert_int_equal(access(s.backups, F_OK), -1);
    fixture_close(&s.f);
    fixture_free(&s.f);
}

static void it_is_done_after_a_backup(void **state)
{
    (void)state;
    struct stage s;
    char set[400];

    stage_set(&s);
    fixture_close(&s.f);
    s.job.dry_run = true;
    OK(store_handback_job(&s.job, &s.r));
    assert_int_equal(s.r.counts.sessions, 2);
    assert_string_equal(s.r.backup, "");
    assert_int_equal(access(s.backups, F_OK), -1);
    assert_string_equal(peek_sql(s.f.wa, handed_sql), "0");
    s.job.dry_run = false;
    OK(store_handback_job(&s.job, &s.r));
    assert_int_equal(s.r.devices, 1);
    assert_int_equal(s.r.counts.sessions, 2);
    assert_string_equal(peek_sql(s.f.wa, handed_sql), "2");
    assert_string_equal(peek_sql(s.f.wa, "PRAGMA journal_mode"), "delete");
    assert_non_null(strstr(s.r.backup, "-before-handback"));
    snprintf(set, sizeof set, "%s/%s/whatsapp.db", s.backups, s.r.backup);
    assert_string_equal(peek_sql(set, handed_sql), "0");
    fixture_open(&s.f);
    fixture_free(&s.f);
}

static void what_is_not_ours_is_refused(void **state)
{
    (void)state;
    struct stage s;

    stage_set(&s);
    fixture_close(&s.f);
    poke_sql(s.f.wa, "UPDATE whatsmeow_version SET version = 6");
    assert_int_equal(store_handback_job(&s.job, &s.r), WB_ERR_STATE);
    assert_non_null(strstr(s.r.text, "nothing to hand back"));
    assert_string_equal(peek_sql(s.f.wa, "SELECT version FROM whatsmeow_version"), "6");
    poke_sql(s.f.wa, "UPDATE whatsmeow_version SET version = 15; DELETE FROM whatsmeow_device");
    assert_int_equal(store_handback_job(&s.job, &s.r), WB_ERR_STATE);
    assert_non_null(strstr(s.r.text, "is not linked"));
    assert_int_equal(unlink(s.f.msg), 0);
    assert_int_equal(store_handback_job(&s.job, &s.r), WB_ERR_NOT_FOUND);
    assert_non_null(strstr(s.r.text, "messages.db"));
    assert_int_equal(access(s.f.msg, F_OK), -1);
    fixture_open(&s.f);
    fixture_free(&s.f);
}

/* What a start of the bridge does first is none of a look's business, nor of the way back. */
static void what_a_start_would_change_is_refused(void **state)
{
    static const char *const changes[] = {
        "PRAGMA user_version = 1",
        /* An index that knows of no row. */
        "CREATE TABLE extra (a, b); INSERT INTO extra VALUES (1, 2); PRAGMA writable_schema = ON;"
        "CREATE TABLE empty (a, b); CREATE INDEX extra_a ON empty (a); UPDATE sqlite_master SET"
        " tbl_name = 'extra', sql = 'CREATE INDEX extra_a ON extra (a)' WHERE name = 'extra_a'",
    };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct stage s;
        char command[300];

        stage_set(&s);
        fixture_close(&s.f);
        poke_sql(s.f.msg, changes[i / 2]);
        s.job.dry_run = i % 2 == 0;
        snprintf(command, sizeof command, "cd %s && sha256sum *.db > sums", s.f.dir);
        assert_int_equal(system(command), 0);
        assert_int_equal(store_handback_job(&s.job, &s.r), WB_ERR_STATE);
        assert_non_null(strstr(s.r.text, "start whatsapp-bridge with it once"));
        assert_false(s.r.changed);
        assert_int_equal(access(s.backups, F_OK), -1);
        snprintf(command, sizeof command,
                 "cd %s && sha256sum --quiet -c sums && ! ls *.damaged-* 2> /dev/null", s.f.dir);
        assert_int_equal(system(command), 0);
        fixture_free(&s.f);
    }
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_dry_run_changes_no_mode(void **state)
{
    (void)state;
    struct stage s;
    stage_set(&s);
    fixture_close(&s.f);
    assert_int_equal(chmod(s.f.dir, 0755) | chmod(s.f.wa, 0644) | chmod(s.f.msg, 0644), 0);
    s.job.dry_run = true;
    OK(store_handback_job(&s.job, &s.r));
    assert_string_equal(s.r.tightened, "");
    assert_int_equal(mode_of(s.f.dir), 0755);
    assert_int_equal(mode_of(s.f.wa), 0644);
    assert_int_equal(mode_of(s.f.msg), 0644);
    s.job.dry_run = false;
    OK(store_handback_job(&s.job, &s.r));
    assert_int_equal(mode_of(s.f.wa), 0600);
    fixture_free(&s.f);
}

static void more_devices_than_it_takes_are_refused(void **state)
{
    (void)state;
    struct stage s;
    stage_set(&s);
    fixture_close(&s.f);
    poke_sql(s.f.wa,
             "CREATE TEMP TABLE d AS SELECT * FROM whatsmeow_device;"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16)"
             " INSERT INTO whatsmeow_device SELECT '2782000' || (1000 + i) ||"
             " ':1@s.whatsapp.net', '', facebook_uuid, registration_id, noise_key,"
             " identity_key, signed_pre_key, signed_pre_key_id, signed_pre_key_sig, adv_key,"
             " adv_details, adv_account_sig, adv_account_sig_key, adv_device_sig, platform,"
             " business_name, push_name, lid_migration_ts, companion_meta_nonce FROM d, n");
    assert_int_equal(store_handback_job(&s.job, &s.r), WB_ERR_STATE);
    assert_non_null(strstr(s.r.text, "has 17 devices"));
    assert_string_equal(peek_sql(s.f.wa, handed_sql), "0");
    fixture_free(&s.f);
}

/* A reader that comes in the middle, so that the files cannot be closed as they should. */
struct reader {
    struct rng under;
    const char *path;
    sqlite3 *db;
};

static void fill_and_read(void *ctx, uint8_t *out, size_t n)
{
    struct reader *r = ctx;

    if (!r->db) {
        assert_int_equal(sqlite3_open(r->path, &r->db), SQLITE_OK);
        assert_int_equal(
            sqlite3_exec(r->db, "BEGIN; SELECT count(*) FROM sqlite_master", NULL, NULL, NULL),
            SQLITE_OK);
    }
    rng_fill(&r->under, out, n);
}

static void a_failure_behind_the_commit_says_that_it_is_done(void **state)
{
    (void)state;
    struct stage s;
    stage_set(&s);
    fixture_close(&s.f);
    struct reader reader = {.under = s.f.rng, .path = s.f.wa};
    const struct rng rng = {fill_and_read, &reader};
    s.job.rng = &rng;
    assert_int_equal(store_handback_job(&s.job, &s.r), WB_ERR_LOCKED);
    assert_non_null(reader.db);
    assert_true(s.r.changed);
    sqlite3_close(reader.db);
    assert_string_equal(peek_sql(s.f.wa, handed_sql), "2");
    fixture_free(&s.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_start_would_change_is_refused),
        cmocka_unit_test(a_dry_run_changes_no_mode),
        cmocka_unit_test(more_devices_than_it_takes_are_refused),
        cmocka_unit_test(a_failure_behind_the_commit_says_that_it_is_done),
        cmocka_unit_test(records_are_found_under_numbers),
        cmocka_unit_test(there_and_back_is_as_before),
        cmocka_unit_test(the_identity_of_the_newer_session_counts),
        cmocka_unit_test(a_copy_alone_is_not_filed),
        cmocka_unit_test(many_people),
        cmocka_unit_test(a_store_in_use_is_refused),
        cmocka_unit_test(it_is_done_after_a_backup),
        cmocka_unit_test(what_is_not_ours_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
