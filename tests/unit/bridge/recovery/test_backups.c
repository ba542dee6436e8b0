/* A backup is made before a session is set aside. A worker makes it; the tests show what may happen
 * meanwhile. The whole bridge runs, with a real store; a test says when the worker
 * works. */
#include "tests/unit/bridge/phone_fixture.h"

#include <glob.h>

#include "bridge/calls/health.h"
#include "bridge/recovery/backups.h"
#include "store/backup/backup.h"
#include "store/messages/history_gaps.h"

enum { TIME_LIMIT_MS = 20 * 1000 };

static size_t files_like(struct line *t, const char *pattern)
{
    char path[256];
    glob_t found;
    size_t n = 0;

    snprintf(path, sizeof path, "%s/%s", t->f.dir, pattern);
    if (glob(path, 0, NULL, &found) == 0)
        n = found.gl_pathc;
    globfree(&found);
    return n;
}

static size_t backups_like(struct line *t, const char *reason)
{
    char pattern[128];

    snprintf(pattern, sizeof pattern, "backups/*-%s/manifest.json", reason);
    return files_like(t, pattern);
}

static struct line *online(void)
{
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    return t;
}

struct told {
    unsigned times;
    enum cmd_result result;
};

static void note(void *ctx, enum cmd_result r, const char *text)
{
    struct told *told = ctx;

    assert_true(text[0]);
    told->times++;
    told->result = r;
}

/* Until WhatsApp has confirmed. */
static void unlink_confirmed(struct line *t, struct told *told)
{
    *told = (struct told){0};
    bridge_unlink(t->b, note, told);
    turn(t);
    answer(t, hear(t, "<remove-companion-device"), NULL);
}

/* What was sent and not answered may have been done; what was refused was not. */
static void unlink_that_is_not_confirmed(void **state)
{
    (void)state;
    for (int refused = 0; refused < 2; refused++) {
        struct line *t = online();
        struct told told = {0};
        struct node *n;

        bridge_unlink(t->b, note, &told);
        turn(t);
        n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
                 el(t, "error", "code", "500", NULL));
        node_copy_attr(&t->server.arena, n, hear(t, "<remove-companion-device")->n, "id");
        if (refused)
            server_send(t, n);
        else
            line_pass(t, 10 * 1000);
        assert_int_equal(told.times, 1);
        assert_int_equal(told.result, refused ? CMD_REFUSED : CMD_OUTCOME_UNKNOWN);
        assert_string_equal(stored_devices(t), "1");
        assert_int_equal(files_like(t, "whatsapp.db.unlinked-*"), 0);
        line_free(t);
    }
}

/* The worker does its job, and whatever follows. */
static void let_work(struct line *t)
{
    jobs_held = false;
    turn(t);
}

static void unlink_waits_for_the_backup(void **state)
{
    (void)state;
    struct line *t = online();
    struct told told, second = {0};

    jobs_held = true;
    unlink_confirmed(t, &told);
    assert_int_equal(told.times, 0);
    assert_int_equal(state_of(t), CONN_STOPPED);
    assert_int_equal(why_of(t), CONN_WHY_LOGGED_OUT);
    assert_string_equal(stored_devices(t), "1");
    assert_non_null(t->b->account);
    /* Nothing else that touches the session in between. */
    bridge_unlink(t->b, note, &second);
    assert_true(second.times == 1 && second.result == CMD_CONFLICT);
    bridge_pair(t->b, note, &second);
    assert_true(second.times == 2 && second.result == CMD_CONFLICT);
    bridge_reconnect(t->b, note, &second);
    assert_true(second.times == 3 && second.result == CMD_CONFLICT);
    assert_int_equal(backups_like(t, "before-unlink"), 0);
    let_work(t);
    assert_true(told.times == 1 && told.result == CMD_OK);
    assert_int_equal(backups_like(t, "before-unlink"), 1);
    assert_int_equal(files_like(t, "whatsapp.db.unlinked-*"), 1);
    assert_string_equal(stored_devices(t), "0");
    assert_null(t->b->account);
    assert_int_equal(t->events[BRIDGE_EV_LOGGED_OUT], 1);
    /* And none of the empty file that is in its place now. */
    line_pass(t, 3600 * 1000);
    assert_int_equal(files_like(t, "backups/*/manifest.json"), 1);
    bridge_pair(t->b, note, &second);
    assert_true(second.times == 4 && second.result == CMD_OK);
    line_free(t);
}

/* Nothing is set aside any more; the next start knows that the session is over. */
static void stopped_before_the_backup(void **state)
{
    (void)state;
    for (int ended = 0; ended < 2; ended++) {
        struct line *t = online();
        struct told told;

        jobs_held = true;
        unlink_confirmed(t, &told);
        if (ended) { /* without a shutdown: the loop has failed */
            bridge_free(t->b);
            t->b = NULL;
        } else {
            bridge_shutdown(t->b);
            assert_true(the_loop.stopped);
        }
        assert_true(told.times == 1 && told.result == CMD_INTERNAL);
        assert_int_equal(files_like(t, "whatsapp.db.unlinked-*"), 0);
        line_restart(t);
        jobs_held = false;
        bridge_start(t->b);
        assert_int_equal(dials, 0);
        assert_int_equal(why_of(t), CONN_WHY_LOGGED_OUT);
        assert_string_equal(stored_devices(t), "1");
        assert_int_equal(told.times, 1);
        line_free(t);
    }
}

/* A disk that is slow as never: the caller is not left waiting, and the file itself is kept. */
static void the_backup_takes_too_long(void **state)
{
    (void)state;
    struct line *t = online();
    struct told told;

    jobs_held = true;
    unlink_confirmed(t, &told);
    line_pass(t, TIME_LIMIT_MS - 1);
    assert_int_equal(told.times, 0);
    line_pass(t, 1);
    assert_true(told.times == 1 && told.result == CMD_OK);
    assert_int_equal(files_like(t, "whatsapp.db.unlinked-*"), 1);
    let_work(t); /* what it finds is cancelled */
    assert_int_equal(told.times, 1);
    assert_int_equal(files_like(t, "backups/*/manifest.json"), 0);
    line_free(t);
}

static void the_backup_fails(void **state)
{
    (void)state;
    struct line *t = online();
    struct told told;
    struct backups_state k;
    FILE *in_the_way = fopen(backups_dir, "w");

    assert_non_null(in_the_way);
    fclose(in_the_way);
    unlink_confirmed(t, &told);
    assert_true(told.times == 1 && told.result == CMD_OK);
    assert_int_equal(files_like(t, "whatsapp.db.unlinked-*"), 1);
    backups_state(t->b->backups, &k);
    assert_string_equal(k.name, "");
    line_free(t);
}

/* The commit that notes it fails, which ends the connection in its own way: still unlinked. */
static void the_commit_before_fails(void **state)
{
    (void)state;
    struct line *t = online();
    struct told told;

    poke_sql(t->f.wa, "UPDATE whatsmeow_device SET push_name = 'x'"); /* another program writes */
    unlink_confirmed(t, &told);
    assert_true(told.times == 1 && told.result == CMD_OK);
    assert_int_equal(why_of(t), CONN_WHY_LOGGED_OUT);
    assert_int_equal(state_of(t), CONN_STOPPED);
    assert_int_equal(files_like(t, "whatsapp.db.unlinked-*"), 1);
    assert_int_equal(backups_like(t, "before-unlink"), 1);
    line_free(t);
}

/* One that is being made is given up for it, and made again afterwards if it was asked for. */
static void another_backup_is_being_made(void **state)
{
    (void)state;
    static const char *const reasons[] = {BACKUP_LOGOUT, BACKUP_DAMAGE};

    for (size_t i = 0; i < 2; i++) {
        struct line *t = online();
        struct told told;

        jobs_held = true;
        backups_request(t->b->backups, reasons[i]);
        line_pass(t, 0);
        assert_non_null(the_jobs.work);
        unlink_confirmed(t, &told);
        assert_int_equal(told.times, 0);
        let_work(t);
        assert_true(told.times == 1 && told.result == CMD_OK);
        assert_int_equal(backups_like(t, "before-unlink"), 1);
        assert_int_equal(backups_like(t, reasons[i]), 0);
        line_pass(t, 3600 * 1000);
        assert_int_equal(backups_like(t, BACKUP_LOGOUT), 0);
        assert_int_equal(backups_like(t, "before-unlink"), 1);
        line_free(t);
    }
}

/* ---- another session comes in its place ---- */

/* Logged out, its backup made; a QR is shown, and a phone has scanned it. */
static struct line *scanned(struct phone *p)
{
    struct line *t = online();
    struct told told = {0};

    server_send(t, with(el(t, "stream:error", "code", "401", NULL),
                        el(t, "conflict", "type", "device_removed", NULL)));
    line_pass(t, 0);
    assert_int_equal(backups_like(t, BACKUP_LOGOUT), 1);
    bridge_pair(t->b, note, &told);
    assert_true(told.times == 1 && told.result == CMD_OK);
    server_accept(t);
    server_send(t, pair_device(t, "s.whatsapp.net"));
    *p = a_phone(t);
    deaf(t);
    jobs_held = true;
    server_send(t, pair_success(t, phone_identity(t, p)));
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_STORE);
    assert_null(maybe_hear(t, "<iq"));
    return t;
}

static void pairing_waits_for_the_backup(void **state)
{
    (void)state;
    struct phone p;
    struct line *t = scanned(&p);
    struct qr_current qr;
    struct arena a = arena_new(1 << 20);
    struct health h;

    assert_false(bridge_qr(t->b, &qr));
    OK(bridge_health(t->b, &a, &h));
    assert_int_equal(h.status, HEALTH_PAIRING);
    arena_free(&a);
    /* The server says it again, and offers other refs: answered, but nothing begins anew. */
    server_send(t, pair_success(t, phone_identity(t, &p)));
    server_send(t, pair_device(t, "s.whatsapp.net"));
    hear(t, "id=\"P1\" type=\"result\"");
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_STORE);
    line_pass(t, TIME_LIMIT_MS - 1); /* no QR time runs out */
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_STORE);
    let_work(t);
    assert_non_null(hear(t, "<pair-device-sign><device-identity key-index=\"3\">"));
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_RESTART);
    assert_int_equal(t->events[BRIDGE_EV_PAIRED], 1);
    assert_int_equal(backups_like(t, "before-unlink"), 1);
    assert_int_equal(files_like(t, "whatsapp.db.re-paired-*"), 1);
    assert_string_equal(stored_devices(t), "1");
    assert_memory_equal(t->b->account->adv_account_sig_key, p.account.pub, 32);
    phone_free(&p);
    line_free(t);
}

/* The phone was not answered, so it has linked nothing: the session before stays where it is. */
static void connection_ends_before_the_backup(void **state)
{
    (void)state;
    struct phone p;
    struct line *t = scanned(&p);
    uint8_t companion[32];

    memcpy(companion, t->b->conn->account->keys.identity.pub, 32);
    server_end(t, WS_END_CLOSED);
    let_work(t);
    assert_int_equal(t->events[BRIDGE_EV_PAIRED], 0);
    assert_int_equal(files_like(t, "whatsapp.db.re-paired-*"), 0);
    assert_string_equal(stored_devices(t), "1");
    assert_null(t->b->account);
    /* A second try, with other keys. */
    line_pass(t, 60 * 1000);
    server_accept(t);
    server_send(t, pair_device(t, "s.whatsapp.net"));
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
    assert_memory_not_equal(companion, t->b->conn->account->keys.identity.pub, 32);
    phone_free(&p);
    p = a_phone(t);
    server_send(t, pair_success(t, phone_identity(t, &p)));
    hear(t, "<pair-device-sign>");
    assert_int_equal(files_like(t, "whatsapp.db.re-paired-*"), 1);
    phone_free(&p);
    line_free(t);
}

static void stopped_while_pairing(void **state)
{
    (void)state;
    struct phone p;
    struct line *t = scanned(&p);

    bridge_shutdown(t->b);
    turn(t);
    assert_true(the_loop.stopped);
    assert_null(maybe_hear(t, "<pair-device-sign>"));
    assert_int_equal(files_like(t, "whatsapp.db.re-paired-*"), 0);
    line_restart(t);
    bridge_start(t->b);
    assert_int_equal(why_of(t), CONN_WHY_LOGGED_OUT);
    phone_free(&p);
    line_free(t);
}

/* It waits for the first one's connection to be gone and for its backup, then has its own. */
static void a_second_phone_while_the_first_backup_runs(void **state)
{
    (void)state;
    struct phone p;
    struct line *t = scanned(&p);

    server_end(t, WS_END_CLOSED);
    line_pass(t, 10 * 1000);
    server_accept(t);
    server_send(t, pair_device(t, "s.whatsapp.net"));
    phone_free(&p);
    p = a_phone(t);
    server_send(t, pair_success(t, phone_identity(t, &p)));
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_STORE);
    let_work(t);
    hear(t, "<pair-device-sign>");
    assert_int_equal(files_like(t, "whatsapp.db.re-paired-*"), 1);
    assert_true(backups_like(t, "before-unlink") >= 1);
    phone_free(&p);
    line_free(t);
}

/* The keys of a link that is made while a backup runs are perhaps not in it, and in no other. */
static void a_link_made_while_a_backup_runs_is_backed_up_soon(void **state)
{
    (void)state;
    struct line *t = online();

    t->b->config->backup_every_s = DAY_S;
    jobs_held = true;
    backups_request(t->b->backups, BACKUP_LOGOUT);
    line_pass(t, 0);
    events_emit_kind(&t->b->events, BRIDGE_EV_PAIRED);
    let_work(t);
    assert_int_equal(backups_like(t, BACKUP_LOGOUT), 1);
    assert_int_equal(backups_like(t, BACKUP_SCHEDULED), 0);
    line_pass(t, 61 * 1000);
    assert_int_equal(backups_like(t, BACKUP_SCHEDULED), 1);
    line_free(t);
}

/* A restore under a clock that was ahead: the server tells what time it is. */
static void a_gap_ends_before_now(void **state)
{
    (void)state;
    struct store_history_gaps gaps;
    struct line *t = line_new(true);

    OK(store_history_gap_all(t->f.s, START_S - DAY_S, START_S + 365LL * DAY_S));
    OK(store_commit(t->f.s));
    bridge_start(t->b);
    OK(store_history_gaps_sum(t->f.s, &gaps));
    assert_int_equal(gaps.until, START_S + 365LL * DAY_S);
    log_in(t);
    OK(store_history_gaps_sum(t->f.s, &gaps));
    assert_true(gaps.all);
    assert_int_equal(gaps.since, START_S - DAY_S);
    assert_in_range(gaps.until, START_S + 1000, START_S + 1010);
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlink_waits_for_the_backup),
        cmocka_unit_test(unlink_that_is_not_confirmed),
        cmocka_unit_test(stopped_before_the_backup),
        cmocka_unit_test(the_backup_takes_too_long),
        cmocka_unit_test(the_backup_fails),
        cmocka_unit_test(the_commit_before_fails),
        cmocka_unit_test(another_backup_is_being_made),
        cmocka_unit_test(pairing_waits_for_the_backup),
        cmocka_unit_test(connection_ends_before_the_backup),
        cmocka_unit_test(stopped_while_pairing),
        cmocka_unit_test(a_second_phone_while_the_first_backup_runs),
        cmocka_unit_test(a_link_made_while_a_backup_runs_is_backed_up_soon),
        cmocka_unit_test(a_gap_ends_before_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
