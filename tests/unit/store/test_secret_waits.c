/* Secrets of messages, how many are kept, and what waits for one. */
#include "store_fixture.h"

#include "store/account.h"
#include "store/contacts.h"
#include "store/limits.h"
#include "store/secret_waits.h"
#include "store/state.h"
#include "store/stmt.h"

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

static bool put(struct fixture *f, const char *target, const char *id)
{
    const struct store_secret_wait w = a_wait(target, id);
    bool kept = false;

    OK(store_secret_wait_put(f->s, &w, &kept));
    return kept;
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

static void as_many_as_strangers_like_do_not_wait(void **state)
{
    (void)state;
    struct fixture f;
    char target[16], id[16];
    size_t kept = 0;

    fixture_ready(&f);
    for (size_t i = 0; i < STORE_SECRET_WAITS_TARGET_MAX + 5; i++) {
        snprintf(id, sizeof id, "V%zu", i);
        kept += put(&f, "POLL", id);
    }
    assert_int_equal(kept, STORE_SECRET_WAITS_TARGET_MAX);
    for (size_t i = 0; i < STORE_SECRET_WAITS_MAX; i++) {
        snprintf(target, sizeof target, "A%zu", i);
        snprintf(id, sizeof id, "E%zu", i);
        kept += put(&f, target, id);
    }
    assert_int_equal(kept, STORE_SECRET_WAITS_MAX);
    assert_false(put(&f, "ANOTHER", "E1"));
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
        cmocka_unit_test(as_many_as_strangers_like_do_not_wait),
        cmocka_unit_test(only_the_latest_secrets_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
