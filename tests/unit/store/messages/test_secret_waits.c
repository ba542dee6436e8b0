/* Secrets of messages, how many are kept, and messages that wait for one. */
#include "tests/unit/store/store_fixture.h"

#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/messages/contacts.h"
#include "store/messages/limits.h"
#include "store/messages/secret_waits.h"
#include "store/session/account.h"
#include "store/session/lid_map.h"

static struct store_secret_wait a_wait(const char *target, const char *id)
{
    struct store_secret_wait w = {.chat = J("27820000009@s.whatsapp.net"),
                                  .sender = J("888@lid"),
                                  .sender_alt = J("27820000009@s.whatsapp.net"),
                                  .from_me = true,
                                  .lid_addressing = true,
                                  .timestamp = 7,
                                  .noted_at = 100};

    snprintf(w.id, sizeof w.id, "%s", id);
    snprintf(w.target_id, sizeof w.target_id, "%s", target);
    return w;
}

static enum store_secret_wait_outcome put_by(struct fixture *f, const char *sender,
                                             const char *target, const char *id)
{
    struct store_secret_wait w = a_wait(target, id);
    enum store_secret_wait_outcome outcome;

    w.sender = J(sender);
    OK(store_secret_wait_put(f->s, &w, &outcome));
    return outcome;
}

static bool put(struct fixture *f, const char *target, const char *id)
{
    return put_by(f, "888:3@lid", target, id) == STORE_WAIT_KEPT;
}

static bool waits(struct fixture *f, const char *target)
{
    struct store_secret_wait w;
    const enum wb_err err = store_secret_wait_next(f->s, span_cstr(target), 0, &w);

    assert_true(err == WB_OK || err == WB_ERR_NOT_FOUND);
    return err == WB_OK;
}

static void what_waits_is_found_by_what_it_waits_for(void **state)
{
    (void)state;
    struct fixture f;
    struct store_secret_wait w = {.seq = 0};
    struct account account;
    bool any = true, more = true;

    fixture_ready(&f);
    OK(store_secret_wait_any(f.s, &any));
    assert_false(any);
    assert_true(put(&f, "A1", "E1"));
    assert_true(put(&f, "A1", "E1")); /* delivered again */
    assert_true(put(&f, "A1", "E2"));
    assert_true(put(&f, "A2", "E3"));
    OK(store_commit(f.s));
    fixture_close(&f);
    fixture_open(&f);
    OK(store_account_load(f.s, NULL, &account));
    OK(store_secret_wait_any(f.s, &any));
    assert_true(any);
    OK(store_secret_wait_next(f.s, SPAN_LIT("A1"), 0, &w));
    assert_string_equal(w.id, "E1");
    assert_string_equal(w.target_id, "A1");
    assert_true(w.from_me && w.lid_addressing && w.timestamp == 7 && w.noted_at == 100);
    assert_string_equal(w.sender.user, "888");
    assert_string_equal(w.sender_alt.user, "27820000009");
    assert_string_equal(w.chat.user, "27820000009");
    OK(store_secret_wait_next(f.s, SPAN_LIT("A1"), w.seq, &w));
    assert_string_equal(w.id, "E2");
    assert_int_equal(store_secret_wait_next(f.s, SPAN_LIT("A1"), w.seq, &w), WB_ERR_NOT_FOUND);
    OK(store_secret_wait_done(f.s, w.seq));
    OK(store_secret_wait_prune(f.s, 100, &more));
    assert_false(more);
    OK(store_secret_wait_next(f.s, SPAN_LIT("A2"), 0, &w));
    OK(store_secret_wait_prune(f.s, 101, &more));
    OK(store_secret_wait_any(f.s, &any));
    assert_false(any);
    fixture_free(&f);
}

static void as_many_votes_for_one_message_as_may(void **state)
{
    (void)state;
    struct fixture f;
    char sender[32], id[16];
    size_t kept = 0;

    fixture_ready(&f);
    for (unsigned i = 0; i < STORE_SECRET_WAITS_TARGET_MAX + 5; i++) {
        snprintf(id, sizeof id, "V%u", i);
        snprintf(sender, sizeof sender, "%u@lid", 1000 + i);
        kept += put_by(&f, sender, "POLL", id) == STORE_WAIT_KEPT;
    }
    assert_int_equal(kept, STORE_SECRET_WAITS_TARGET_MAX);
    assert_int_equal(put_by(&f, "9@lid", "POLL", "X"), STORE_WAIT_REFUSED);
    fixture_free(&f);
}

/* Who names messages that never come pushes out what he said before, from whichever device, and
 * nothing of anybody else's. */
static void one_sender_pushes_out_his_own(void **state)
{
    (void)state;
    struct fixture f;
    char target[16], id[16];

    fixture_ready(&f);
    assert_int_equal(put_by(&f, "777@lid", "HERS", "E1"), STORE_WAIT_KEPT);
    for (unsigned i = 0; i < STORE_SECRET_WAITS_MAX + 100; i++) {
        snprintf(target, sizeof target, "NEVER%u", i);
        snprintf(id, sizeof id, "V%u", i);
        assert_int_equal(put_by(&f, i % 2 ? "888:3@lid" : "888@lid", target, id),
                         i < STORE_SECRET_WAITS_SENDER_MAX ? STORE_WAIT_KEPT : STORE_WAIT_INSTEAD);
    }
    assert_true(waits(&f, "HERS"));
    assert_true(waits(&f, target));
    assert_false(waits(&f, "NEVER0"));
    snprintf(target, sizeof target, "NEVER%u", STORE_SECRET_WAITS_MAX + 99 - 19);
    assert_true(waits(&f, target));
    snprintf(target, sizeof target, "NEVER%u", STORE_SECRET_WAITS_MAX + 99 - 20);
    assert_false(waits(&f, target));
    assert_int_equal(put_by(&f, "777@lid", "HERS2", "E2"), STORE_WAIT_KEPT);
    fixture_free(&f);
}

/* However many people there are: the newest wait. */
static void not_more_wait_than_may(void **state)
{
    (void)state;
    struct fixture f;
    char target[16], id[16], sender[32];
    unsigned n = 0;

    fixture_ready(&f);
    for (unsigned i = 0; i < STORE_SECRET_WAITS_MAX + 3; i++) {
        snprintf(target, sizeof target, "T%u", i);
        snprintf(id, sizeof id, "E%u", i);
        snprintf(sender, sizeof sender, "%u@lid", 1000 + i / STORE_SECRET_WAITS_SENDER_MAX);
        assert_int_equal(put_by(&f, sender, target, id), STORE_WAIT_KEPT);
    }
    for (unsigned i = 0; i < STORE_SECRET_WAITS_MAX + 3; i++) {
        snprintf(target, sizeof target, "T%u", i);
        assert_true(waits(&f, target) == (i >= 3));
        n += waits(&f, target);
    }
    assert_int_equal(n, STORE_SECRET_WAITS_MAX);
    fixture_free(&f);
}

static void a_phone_without_the_secret_is_remembered(void **state)
{
    (void)state;
    struct fixture f;
    const struct jid chat = J("120363000000000001@g.us"), pn = J("27820000009:2@s.whatsapp.net"),
                     other = J("27820000010@s.whatsapp.net"), lid = J("888@lid");
    bool known = true, more = true;

    fixture_ready(&f);
    OK(store_secret_none_known(f.s, &chat, &pn, SPAN_LIT("A1"), &known));
    assert_false(known);
    OK(store_lid_put(f.s, &lid, &(struct jid){.user = "27820000009", .server = JID_PN}, NULL));
    OK(store_secret_none_put(f.s, &chat, &pn, SPAN_LIT("A1"), 100));
    OK(store_secret_none_put(f.s, &chat, &lid, SPAN_LIT("A1"), 100)); /* answered again */
    OK(store_secret_none_known(f.s, &chat, &lid, SPAN_LIT("A1"), &known));
    assert_true(known);
    OK(store_secret_none_known(f.s, &chat, &lid, SPAN_LIT("A2"), &known));
    assert_false(known);
    OK(store_secret_none_known(f.s, &chat, &other, SPAN_LIT("A1"), &known));
    assert_false(known);
    OK(store_secret_none_prune(f.s, 100, &more));
    assert_false(more);
    OK(store_secret_none_known(f.s, &chat, &pn, SPAN_LIT("A1"), &known));
    assert_true(known);
    OK(store_secret_none_prune(f.s, 101, &more));
    OK(store_secret_none_known(f.s, &chat, &pn, SPAN_LIT("A1"), &known));
    assert_false(known);
    fixture_free(&f);
}

static size_t secrets(struct fixture *f)
{
    struct stmt q;
    size_t n;

    OK(stmt_read(&q, &f->s->wa, "SELECT count(*) FROM whatsmeow_message_secrets"));
    OK(stmt_step(&q));
    n = (size_t)stmt_col_int(&q, 0);
    stmt_end(&q);
    return n;
}

/* The table has room for STORE_SECRETS_MAX: what was there before is removed, a little at a time.
 */
static void only_the_latest_secrets_are_kept(void **state)
{
    (void)state;
    struct fixture f;
    struct jid pn = J("27820000009@s.whatsapp.net");
    uint8_t secret[MESSAGE_SECRET_BYTES] = {1}, out[MESSAGE_SECRET_BYTES];
    bool more = false;
    size_t rounds = 0;
    struct stmt q;
    char id[16];

    fixture_ready(&f);
    for (int i = 0; i < STORE_PRUNE_ROWS + 10; i++) {
        snprintf(id, sizeof id, "OLD%d", i);
        OK(store_message_secret_put(f.s, &pn, &pn, span_cstr(id), secret));
    }
    OK(store_message_secret_prune(f.s, &more));
    assert_false(more);
    assert_int_equal(secrets(&f), STORE_PRUNE_ROWS + 10);
    /* As if so many had come since. */
    OK(stmt_write(&q, &f.s->wa,
                  "UPDATE whatsmeow_message_secrets SET rowid = ? WHERE message_id = 'OLD7'"));
    stmt_int(&q, STORE_SECRETS_MAX + STORE_PRUNE_ROWS + 5);
    OK(stmt_run(&q));
    do {
        OK(store_message_secret_prune(f.s, &more));
        assert_true(++rounds < 5);
    } while (more);
    assert_int_equal(rounds, 2);
    assert_int_equal(secrets(&f), 6);
    OK(store_message_secret_get(f.s, &pn, &pn, SPAN_LIT("OLD7"), out));
    OK(store_message_secret_get(f.s, &pn, &pn, SPAN_LIT("OLD509"), out));
    assert_int_equal(store_message_secret_get(f.s, &pn, &pn, SPAN_LIT("OLD1"), out),
                     WB_ERR_NOT_FOUND);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_found_by_what_it_waits_for),
        cmocka_unit_test(as_many_votes_for_one_message_as_may),
        cmocka_unit_test(one_sender_pushes_out_his_own),
        cmocka_unit_test(not_more_wait_than_may),
        cmocka_unit_test(a_phone_without_the_secret_is_remembered),
        cmocka_unit_test(only_the_latest_secrets_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
