/* The address by which people are written to, what the server says of numbers, and messages that
 * are sealed once more. */
#include "tests/unit/store/store_fixture.h"

#include "store/core/state.h"
#include "store/outbox/outbox.h"
#include "store/session/private_address.h"

enum { NOW = 1790000000 };

static int setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    struct account a;

    fixture_time = NOW;
    fixture_new(f);
    fixture_open(f);
    a = fixture_account(f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
    OK(device_keys_generate(&f->rng, &a.keys));
    OK(store_account_save(f->s, &a));
    OK(store_commit(f->s));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    free(*state);
    return 0;
}

static void assert_by(struct fixture *f, int64_t now, enum store_private_by wanted)
{
    enum store_private_by by;

    OK(store_private_by_get(f->s, now, &by));
    assert_int_equal(by, wanted);
}

static void what_is_said_last_holds(void **state)
{
    struct fixture *f = *state;
    const int64_t late = NOW + 1000L * STORE_PRIVATE_DOUBT_S;

    assert_by(f, NOW, STORE_PRIVATE_UNKNOWN);
    OK(store_private_by_server(f->s, STORE_PRIVATE_BY_NUMBER, NOW)); /* it refuses LIDs */
    assert_by(f, late, STORE_PRIVATE_BY_NUMBER);
    OK(store_private_by_server(f->s, STORE_PRIVATE_UNKNOWN, NOW));
    assert_by(f, NOW, STORE_PRIVATE_UNKNOWN);
    OK(store_private_by_phone(f->s, STORE_PRIVATE_BY_NUMBER, NOW));
    assert_by(f, late, STORE_PRIVATE_BY_NUMBER);
    OK(store_private_by_server(f->s, STORE_PRIVATE_BY_LID,
                               NOW)); /* moved, and we did not hear it */
    assert_by(f, late, STORE_PRIVATE_BY_LID);
    OK(store_private_by_server(f->s, STORE_PRIVATE_UNKNOWN, NOW));
    assert_by(f, NOW, STORE_PRIVATE_BY_NUMBER);
    OK(store_account_lid_migration(f->s, NOW)); /* the phone has moved its chats */
    assert_by(f, NOW, STORE_PRIVATE_BY_LID);
}

/* One message may be refused for a reason of its own: it must not cost LIDs for ever. */
static void against_the_phones_word_a_refusal_holds_for_a_day(void **state)
{
    struct fixture *f = *state;

    OK(store_private_by_phone(f->s, STORE_PRIVATE_BY_LID, NOW));
    OK(store_private_by_server(f->s, STORE_PRIVATE_BY_NUMBER, NOW));
    assert_by(f, NOW + STORE_PRIVATE_DOUBT_S, STORE_PRIVATE_BY_NUMBER);
    assert_by(f, NOW + STORE_PRIVATE_DOUBT_S + 1, STORE_PRIVATE_BY_LID);
}

/* A Go bridge has noted the phone's word alone. */
static void the_time_of_the_migration_is_the_phones_word(void **state)
{
    struct fixture *f = *state;

    OK(store_account_lid_migration(f->s, NOW));
    OK(db_exec(&f->s->wa, "DELETE FROM bridge_private_address"));
    assert_by(f, NOW, STORE_PRIVATE_BY_LID);
    OK(store_private_by_server(f->s, STORE_PRIVATE_BY_NUMBER, NOW));
    assert_by(f, NOW, STORE_PRIVATE_BY_NUMBER);
    assert_by(f, NOW + STORE_PRIVATE_DOUBT_S + 1, STORE_PRIVATE_BY_LID);
}

static void numbers_that_lead_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct jid typed, named, got;
    int64_t at = 0;

    OK(jid_parse_cstr("5511987654321@s.whatsapp.net", &typed));
    OK(jid_parse_cstr("551187654321@s.whatsapp.net", &named));
    assert_int_equal(store_number_get(f->s, &typed, &got, NULL), WB_ERR_NOT_FOUND);
    OK(store_number_put(f->s, &typed, &named, NOW));
    OK(store_number_get(f->s, &typed, &got, &at));
    assert_true(jid_eq(&got, &named));
    assert_int_equal(at, NOW);
    OK(store_number_put(f->s, &typed, &typed, NOW + 1));
    OK(store_number_get(f->s, &typed, &got, &at));
    assert_true(jid_eq(&got, &typed));
    OK(store_number_drop(f->s, &typed));
    OK(store_number_drop(f->s, &typed));
    assert_int_equal(store_number_get(f->s, &typed, &got, NULL), WB_ERR_NOT_FOUND);
    OK(jid_parse_cstr("111000222@lid", &named));
    assert_int_equal(store_number_put(f->s, &typed, &named, NOW), WB_ERR_INVALID);
}

static void a_refused_row_is_sealed_once_more(void **state)
{
    struct fixture *f = *state;
    struct arena a = arena_new(1 << 20);
    struct store_outbox_row r = {
        .message_id = "M1", .request = SPAN_LIT("request"), .created_at = NOW};

    OK(jid_parse_cstr("27820001000@s.whatsapp.net", &r.chat));
    OK(store_outbox_add(f->s, &r, NULL));
    assert_int_equal(store_outbox_reopen(f->s, "M1", OUTBOX_REOPENED),
                     WB_ERR_STATE); /* nothing was sealed */
    OK(store_outbox_seal(f->s, "M1", SPAN_LIT("bytes"), 1, NOW));
    OK(store_outbox_reopen(f->s, "M1", OUTBOX_REOPENED));
    OK(store_outbox_by_id(f->s, "M1", &a, &r));
    assert_int_equal(r.state, OUTBOX_QUEUED);
    assert_true(span_eq_cstr(r.request, "request"));
    assert_null(r.sealed.p);
    OK(store_outbox_seal(f->s, "M1", SPAN_LIT("other bytes"), 1, NOW));
    assert_int_equal(store_outbox_reopen(f->s, "M1", OUTBOX_REOPENED), WB_ERR_STATE); /* once */
    OK(store_outbox_acked(f->s, "M1", NOW, NOW));
    OK(store_outbox_by_id(f->s, "M1", &a, &r));
    assert_int_equal(r.state, OUTBOX_SENT);
    assert_null(r.request.p);
    arena_free(&a);
}

static void old_answers_about_numbers_go(void **state)
{
    struct jid old = J("27820000002@s.whatsapp.net"), young = J("27820000003@s.whatsapp.net");
    struct fixture *f = *state;
    struct jid named;
    bool more = true;

    OK(store_number_put(f->s, &old, &young, 100));
    OK(store_number_put(f->s, &young, &young, 200));
    OK(store_number_prune(f->s, 200, &more));
    assert_false(more);
    assert_int_equal(store_number_get(f->s, &old, &named, NULL), WB_ERR_NOT_FOUND);
    OK(store_number_get(f->s, &young, &named, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_said_last_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(against_the_phones_word_a_refusal_holds_for_a_day, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_time_of_the_migration_is_the_phones_word, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(numbers_that_lead_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(old_answers_about_numbers_go, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_row_is_sealed_once_more, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
