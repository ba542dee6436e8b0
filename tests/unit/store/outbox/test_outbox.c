/* How the outbox is read, cleaned up, and treated after a restore. */
#include "tests/unit/store/store_fixture.h"

#include "store/core/state.h"
#include "store/outbox/outbox.h"
#include "store/session/group_limits.h"
#include "store/session/identity_log.h"
#include "store/session/lid_map.h"
#include "store/session/retry.h"

#define GROUP     "120363000000000001@g.us"
#define ALICE     "27820000011@s.whatsapp.net"
#define ALICE_LID "222000011@lid"

struct world {
    struct fixture f;
    struct arena a;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    fixture_ready(&w->f);
    w->a = arena_new(16 << 20);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    arena_free(&w->a);
    fixture_free(&w->f);
    free(w);
    return 0;
}

static void add(struct world *w, const char *id, const char *chat)
{
    struct store_outbox_row r = {.chat = J(chat), .created_at = fixture_time};

    snprintf(r.message_id, sizeof r.message_id, "%s", id);
    snprintf(r.key, sizeof r.key, "key of %s", id);
    r.request = SPAN_LIT("request");
    OK(store_outbox_add(w->f.s, &r, NULL));
}

static void seal(struct world *w, const char *id, uint32_t people)
{
    OK(store_outbox_seal(w->f.s, id, SPAN_LIT("bytes"), people, fixture_time));
}

/* The ids of a page, "A B C". */
static const char *page(struct world *w, struct store_outbox_filter f)
{
    static char text[200];
    struct store_outbox_row *rows = NULL;
    size_t n = 0;

    if (f.limit == 0)
        f.limit = 100;
    OK(store_outbox_list(w->f.s, &f, &w->a, &rows, &n));
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(text);

        snprintf(text + at, sizeof text - at, "%s%s", at ? " " : "", rows[i].message_id);
        assert_true(!rows[i].request.p && !rows[i].sealed.p && !rows[i].content.p);
    }
    return text;
}

static void pages_and_filters(void **state)
{
    struct world *w = *state;
    const struct jid alice = J(ALICE), alice_lid = J(ALICE_LID), group = J(GROUP);
    struct store_outbox_row r, *rows;
    struct store_outbox_filter bad = {.state = OUTBOX_ANY_STATE, .limit = OUTBOX_LIST_MAX + 1};
    size_t n = 0;

    add(w, "A", ALICE);
    add(w, "B", GROUP);
    add(w, "C", ALICE_LID);
    add(w, "D", GROUP);
    seal(w, "B", 1);
#define LIST(...) page(w, (struct store_outbox_filter){__VA_ARGS__})
    assert_string_equal(LIST(.state = OUTBOX_ANY_STATE), "D C B A");
    assert_string_equal(LIST(.state = OUTBOX_ANY_STATE, .oldest_first = true), "A B C D");
    assert_string_equal(LIST(.state = OUTBOX_QUEUED), "D C A");
    assert_string_equal(LIST(.state = OUTBOX_QUEUED, .oldest_first = true), "A C D");
    assert_string_equal(LIST(.state = OUTBOX_SEALED, .chat = &group), "B");
    assert_string_equal(LIST(.state = OUTBOX_READ), "");
    OK(store_outbox_by_id(w->f.s, "B", &w->a, &r));
    assert_string_equal(LIST(.state = OUTBOX_ANY_STATE, .beyond = r.seq), "A");
    assert_string_equal(
        LIST(.state = OUTBOX_ANY_STATE, .beyond = r.seq, .oldest_first = true, .limit = 1), "C");
    assert_string_equal(LIST(.state = OUTBOX_QUEUED, .beyond = r.seq, .oldest_first = true), "C D");
    assert_string_equal(LIST(.state = OUTBOX_QUEUED, .limit = 2), "D C");
    assert_string_equal(LIST(.state = OUTBOX_ANY_STATE, .chat = &alice), "A");
    OK(store_lid_put(w->f.s, &alice_lid, &alice, NULL));
    assert_string_equal(LIST(.state = OUTBOX_ANY_STATE, .chat = &alice), "C A");
    assert_string_equal(LIST(.state = OUTBOX_QUEUED, .chat = &alice_lid), "C A");
#undef LIST
    assert_int_equal(store_outbox_list(w->f.s, &bad, &w->a, &rows, &n), WB_ERR_INVALID);
}

static void receipts_are_counted(void **state)
{
    struct world *w = *state;
    const struct jid alice = J(ALICE_LID), bob = J("222000012:3@lid"), group = J(GROUP);
    struct store_outbox_row r;

    add(w, "A", GROUP);
    seal(w, "A", 2);
    OK(store_outbox_receipt(w->f.s, "A", &alice, OUTBOX_READ));
    OK(store_outbox_by_id(w->f.s, "A", &w->a, &r));
    assert_int_equal(r.state, OUTBOX_SEALED);
    assert_int_equal(r.recipients * 100 + r.delivered * 10 + r.read, 211);
    OK(store_outbox_receipt(w->f.s, "A", &bob, OUTBOX_DELIVERED));
    OK(store_outbox_receipt(w->f.s, "A", &alice, OUTBOX_DELIVERED));
    OK(store_outbox_by_id(w->f.s, "A", &w->a, &r));
    assert_int_equal(r.state, OUTBOX_DELIVERED);
    assert_int_equal(r.delivered * 10 + r.read, 21);
    assert_int_equal(store_outbox_receipt(w->f.s, "A", &group, OUTBOX_READ), WB_ERR_INVALID);
    assert_int_equal(store_outbox_receipt(w->f.s, "A", &bob, OUTBOX_SENT), WB_ERR_INVALID);
    /* Sealed by an older bridge, which did not count: the first is enough. */
    add(w, "B", GROUP);
    seal(w, "B", 0);
    OK(store_outbox_receipt(w->f.s, "B", &bob, OUTBOX_DELIVERED));
    OK(store_outbox_by_id(w->f.s, "B", &w->a, &r));
    assert_int_equal(r.state, OUTBOX_DELIVERED);
    /* What failed stays so. */
    add(w, "C", GROUP);
    seal(w, "C", 1);
    OK(store_outbox_fail(w->f.s, "C", "refused", fixture_time));
    OK(store_outbox_receipt(w->f.s, "C", &bob, OUTBOX_READ));
    OK(store_outbox_by_id(w->f.s, "C", &w->a, &r));
    assert_int_equal(r.state, OUTBOX_FAILED);
}

/* Kept from the day it is final: a message that was queued for a week is known for another. */
static void pruned_by_when_it_became_final(void **state)
{
    struct world *w = *state;
    const struct jid alice = J(ALICE_LID);
    struct store_outbox_row r;
    bool more = true;

    add(w, "OLD", ALICE);
    add(w, "LATE", ALICE);
    add(w, "OPEN", ALICE);
    seal(w, "OLD", 1);
    OK(store_outbox_acked(w->f.s, "OLD", 1, fixture_time));
    OK(store_outbox_receipt(w->f.s, "OLD", &alice, OUTBOX_READ));
    OK(store_outbox_fail(w->f.s, "LATE", "expired", fixture_time + 100));
    OK(store_outbox_prune(w->f.s, fixture_time + 150, 100, &more));
    assert_false(more);
    OK(store_commit(w->f.s));
    assert_int_equal(store_outbox_by_id(w->f.s, "OLD", &w->a, &r), WB_ERR_NOT_FOUND);
    OK(store_outbox_by_id(w->f.s, "LATE", &w->a, &r));
    OK(store_outbox_by_id(w->f.s, "OPEN", &w->a, &r));
    assert_string_equal(peek_sql(w->f.wa, "SELECT count(*) FROM bridge_outbox_receipts"), "0");
}

/* What a week's absence has left does not stall the bridge: some rows at a time, the oldest first,
 * each with its receipts. */
static void pruned_in_steps(void **state)
{
    struct world *w = *state;
    const struct jid alice = J(ALICE_LID);

    enum { MANY = 2 * STORE_PRUNE_ROWS + 10 };
    char id[16], want[16];
    bool more;

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "M%u", i);
        add(w, id, ALICE);
        seal(w, id, 1);
        OK(store_outbox_acked(w->f.s, id, 1, fixture_time + i));
        OK(store_outbox_receipt(w->f.s, id, &alice, OUTBOX_READ));
        OK(store_retry_sent_put(w->f.s, &alice, span_cstr(id), SPAN_LIT("text"), 1000 + i));
    }
    for (unsigned left = MANY - STORE_PRUNE_ROWS;; left -= STORE_PRUNE_ROWS) {
        OK(store_outbox_prune(w->f.s, fixture_time + MANY + 100, 100, &more));
        assert_true(more);
        OK(store_retry_sent_prune(w->f.s, 1000 + MANY, &more));
        assert_true(more);
        OK(store_commit(w->f.s));
        snprintf(want, sizeof want, "%u", left);
        assert_string_equal(peek_sql(w->f.wa, "SELECT count(*) FROM bridge_outbox"), want);
        assert_string_equal(peek_sql(w->f.wa, "SELECT count(*) FROM bridge_outbox_receipts"), want);
        assert_string_equal(peek_sql(w->f.wa, "SELECT count(*) FROM whatsmeow_retry_buffer"), want);
        snprintf(want, sizeof want, "M%u", MANY - left);
        assert_string_equal(
            peek_sql(w->f.wa, "SELECT message_id FROM bridge_outbox ORDER BY seq LIMIT 1"), want);
        if (left < STORE_PRUNE_ROWS)
            break;
    }
    OK(store_outbox_prune(w->f.s, fixture_time + MANY + 100, 100, &more));
    assert_false(more);
    OK(store_retry_sent_prune(w->f.s, 1000 + MANY, &more));
    assert_false(more);
    OK(store_commit(w->f.s));
    assert_string_equal(peek_sql(w->f.wa, "SELECT count(*) FROM bridge_outbox"), "0");
}

static void restored_rows_are_never_sent(void **state)
{
    struct world *w = *state;
    struct db d = {0};
    size_t n = 0;
    char path[160];

    add(w, "Q", ALICE);
    add(w, "S", ALICE);
    add(w, "DONE", ALICE);
    seal(w, "S", 1);
    seal(w, "DONE", 1);
    OK(store_outbox_acked(w->f.s, "DONE", 1, fixture_time));
    OK(store_commit(w->f.s));
    fixture_close(&w->f);
    poke_sql(w->f.wa, "UPDATE bridge_outbox SET our_jid = 'another' WHERE message_id = 'Q'");
    OK(db_open(&d, w->f.wa));
    OK(store_outbox_restored(&d, fixture_time, &n));
    OK(db_commit(&d));
    db_close(&d);
    assert_int_equal(n, 2);
    assert_string_equal(peek_sql(w->f.wa, "SELECT group_concat(state || reason, ' ') FROM"
                                          " (SELECT * FROM bridge_outbox ORDER BY seq)"),
                        "5restored_unknown 5restored_unknown 2");
    assert_string_equal(
        peek_sql(w->f.wa, "SELECT count(*) FROM bridge_outbox"
                          " WHERE sealed IS NOT NULL OR (request IS NOT NULL AND state = 5)"),
        "0");
    /* A file of the Go bridge has no outbox. */
    snprintf(path, sizeof path, "%s/other.db", w->f.dir);
    poke_sql(path, "CREATE TABLE whatsmeow_version (version INTEGER, compat INTEGER)");
    OK(db_open(&d, path));
    OK(store_outbox_restored(&d, fixture_time, &n));
    assert_int_equal(n, 0);
    db_close(&d);
}

/* A file of a bridge that did not count receipts. */
static void a_refused_row_is_opened_once(void **state)
{
    struct world *w = *state;
    struct store_outbox_row r;

    add(w, "A", ALICE);
    assert_int_equal(store_outbox_reopen(w->f.s, "A", OUTBOX_REOPENED),
                     WB_ERR_STATE); /* not sealed */
    assert_int_equal(store_outbox_reopen(w->f.s, "B", OUTBOX_REOPENED), WB_ERR_STATE);
    seal(w, "A", 3);
    OK(store_outbox_reopen(w->f.s, "A", OUTBOX_REOPENED));
    OK(store_outbox_by_id(w->f.s, "A", &w->a, &r));
    assert_int_equal(r.state, OUTBOX_QUEUED);
    assert_null(r.sealed.p);
    assert_int_equal(r.sealed_at, 0);
    assert_int_equal(r.recipients, 0);
    assert_true(r.request.n > 0);
    seal(w, "A", 2);
    assert_int_equal(store_outbox_reopen(w->f.s, "A", OUTBOX_REOPENED), WB_ERR_STATE);
    OK(store_outbox_by_id(w->f.s, "A", &w->a, &r));
    assert_int_equal(r.state, OUTBOX_SEALED);
    assert_int_equal(r.recipients, 2);
    /* Sealed by a bridge that did not keep what was asked for. */
    add(w, "C", ALICE);
    seal(w, "C", 1);
    OK(store_commit(w->f.s));
    poke_sql(w->f.wa, "UPDATE bridge_outbox SET request = NULL WHERE message_id = 'C'");
    assert_int_equal(store_outbox_reopen(w->f.s, "C", OUTBOX_REOPENED), WB_ERR_STATE);
}

static void an_older_outbox_is_extended(void **state)
{
    struct world *w = *state;
    struct account acc;
    struct store_outbox_row r;
    struct store_identity_change change;

    add(w, "A", ALICE);
    OK(store_commit(w->f.s));
    fixture_close(&w->f);
    poke_sql(w->f.wa, "ALTER TABLE bridge_outbox DROP COLUMN recipients;"
                      "ALTER TABLE bridge_outbox DROP COLUMN reopened;"
                      "DROP TABLE bridge_group_limits;"
                      "ALTER TABLE bridge_identity_changes DROP COLUMN phone_at;"
                      "DROP TABLE bridge_outbox_receipts;"
                      "UPDATE bridge_meta SET value = 1 WHERE name = 'schema'");
    fixture_open(&w->f);
    OK(store_account_load(w->f.s, NULL, &acc));
    OK(store_outbox_by_id(w->f.s, "A", &w->a, &r));
    seal(w, "A", 3);
    OK(store_outbox_by_id(w->f.s, "A", &w->a, &r));
    assert_int_equal(r.recipients, 3);
    OK(store_outbox_reopen(w->f.s, "A", OUTBOX_REOPENED));
    OK(store_group_limits_put(w->f.s, &r.chat, &(struct store_group_limits){.mode_at = 7}));
    OK(store_identity_change_get(w->f.s, &r.chat, &change));
    assert_string_equal(peek_sql(w->f.wa, "SELECT value FROM bridge_meta WHERE name = 'schema'"),
                        "4");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_refused_row_is_opened_once),   T(pages_and_filters), T(receipts_are_counted),
        T(pruned_by_when_it_became_final), T(pruned_in_steps),   T(restored_rows_are_never_sent),
        T(an_older_outbox_is_extended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
