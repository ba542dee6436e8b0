/* Stretches of missing messages: opened for one chat, or after a restore for all chats; joined;
 * closed. */
#include "tests/unit/store/store_fixture.h"

#include "store/messages/history_gaps.h"
#include "store/messages/messages.h"
#include "store/session/lid_map.h"

static const char *const GROUP = "120363000000000001@g.us";

static void a_gap_is_opened_once_and_made_wider(void **state)
{
    struct fixture f;
    struct store_history_gap g;
    struct jid group = J(GROUP);

    (void)state;
    fixture_ready(&f);
    assert_int_equal(store_history_gap_get(f.s, &group, &g), WB_ERR_NOT_FOUND);
    OK(store_history_gap_open(f.s, &group, 2000, 3000, "old_counter"));
    OK(store_history_gap_get(f.s, &group, &g));
    g.pages = 1;
    g.filled = 4;
    snprintf(g.request_id, sizeof g.request_id, "3EB0AA");
    OK(store_history_gap_put(f.s, &g));
    OK(store_history_gap_of_request(f.s, SPAN_LIT("3EB0AA"), &g));
    assert_int_equal(g.pages, 1);
    OK(store_history_gap_open(f.s, &group, 2500, 4000, "old_counter"));
    OK(store_history_gap_get(f.s, &group, &g));
    assert_int_equal(g.since, 2000);
    assert_int_equal(g.until, 4000);
    assert_int_equal(g.pages, 0);
    assert_int_equal(g.filled, 4);
    assert_string_equal(g.request_id, "");
    assert_int_equal(store_history_gap_of_request(f.s, SPAN_LIT("3EB0AA"), &g), WB_ERR_NOT_FOUND);
    assert_int_equal(store_history_gap_open(f.s, &group, 5000, 100, "x"), WB_ERR_INVALID);
    fixture_free(&f);
}

static void after_a_restore_every_chat_has_one_until_it_is_closed(void **state)
{
    struct fixture f;
    struct store_history_gap g;
    struct store_history_gaps sum;
    struct jid group = J(GROUP);
    char cursor[JID_TEXT_MAX] = "";

    (void)state;
    fixture_new(&f);
    fixture_open(&f);
    OK(store_history_gap_all(f.s, 1000, 2000)); /* by a tool: no account is selected */
    struct account a = fixture_account(&f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
    OK(store_account_save(f.s, &a));
    OK(store_history_gap_get(f.s, &group, &g));
    assert_int_equal(g.since, 1000);
    assert_int_equal(g.until, 2000);
    assert_string_equal(g.reason, "restored");
    assert_int_equal(store_history_gap_next(f.s, cursor, &g), WB_ERR_NOT_FOUND);
    OK(store_history_gap_get(f.s, &group, &g));
    OK(store_history_gap_put(f.s, &g));
    OK(store_history_gaps_sum(f.s, &sum));
    assert_int_equal(sum.open, 1);
    assert_true(sum.all);
    OK(store_history_gap_next(f.s, cursor, &g));
    assert_int_equal(store_history_gap_next(f.s, cursor, &g), WB_ERR_NOT_FOUND);
    g.closed = true;
    g.filled = 3;
    OK(store_history_gap_put(f.s, &g));
    assert_int_equal(store_history_gap_get(f.s, &group, &g), WB_ERR_NOT_FOUND);
    OK(store_history_gaps_sum(f.s, &sum));
    assert_int_equal(sum.open, 0);
    assert_int_equal(sum.filled, 3);
    /* A second restore: the closed row is of the first one. */
    OK(store_history_gap_all(f.s, 1500, 5000));
    OK(store_history_gap_get(f.s, &group, &g));
    assert_int_equal(g.since, 1000);
    assert_int_equal(g.until, 5000);
    assert_int_equal(g.filled, 3);
    fixture_free(&f);
}

static void a_lids_gap_joins_that_of_its_number(void **state)
{
    struct fixture f;
    struct store_history_gap g;
    struct store_history_gaps sum;
    struct jid lid = J("555000555@lid"), pn = J("27820000005@s.whatsapp.net");
    char cursor[JID_TEXT_MAX] = "";
    bool changed;

    (void)state;
    fixture_ready(&f);
    OK(store_history_gap_open(f.s, &lid, 2000, 3000, "old_counter"));
    OK(store_lid_put(f.s, &lid, &pn, &changed));
    OK(store_history_gap_open(f.s, &pn, 5000, 6000, "old_counter"));
    OK(store_history_gaps_sum(f.s, &sum));
    assert_int_equal(sum.open, 2);
    OK(store_history_gap_next(f.s, cursor, &g));
    if (!jid_eq(&g.chat, &pn) || g.since != 2000)
        OK(store_history_gap_next(f.s, cursor, &g));
    assert_true(jid_eq(&g.chat, &pn));
    assert_int_equal(g.since, 2000);
    assert_int_equal(g.until, 6000);
    g.closed = true;
    OK(store_history_gap_put(f.s, &g));
    OK(store_history_gaps_sum(f.s, &sum));
    assert_int_equal(sum.open, 0);
    fixture_free(&f);
}

static void put(struct fixture *f, const char *id, int64_t t, bool from_me)
{
    enum store_message_outcome outcome;
    struct store_message m = {.id = span_cstr(id),
                              .chat = J(GROUP),
                              .sender = J("27820000005@s.whatsapp.net"),
                              .from_me = from_me,
                              .timestamp = t,
                              .received_at = t,
                              .kind = "text",
                              .content = SPAN_LIT("x")};

    OK(store_message_put(f->s, &m, &outcome));
}

static void quiet_chats_are_counted(void **state)
{
    static const enum store_time_format formats[] = {STORE_TIME_INTEGER, STORE_TIME_TEXT};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct store_history_gaps sum;

        fixture_new(&f);
        f.config.time_format = formats[i];
        fixture_open(&f);
        struct account a = fixture_account(&f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
        OK(store_account_save(f.s, &a));
        put(&f, "A", fixture_time - 2000, false);
        OK(store_history_gaps_sum(f.s, &sum));
        assert_int_equal(sum.quiet, 0); /* no gap */
        OK(store_history_gap_all(f.s, fixture_time - 1000, fixture_time - 500));
        OK(store_history_gaps_sum(f.s, &sum));
        assert_int_equal(sum.quiet, 1);
        put(&f, "B", fixture_time - 499, true);
        OK(store_history_gaps_sum(f.s, &sum));
        assert_int_equal(sum.quiet, 0);
        fixture_free(&f);
    }
}

static void asking_begins_at_the_oldest_message_behind_the_gap(void **state)
{
    static const enum store_time_format formats[] = {STORE_TIME_INTEGER, STORE_TIME_TEXT};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct store_history_anchor a;
        struct jid group = J(GROUP), other = J("27820000009@s.whatsapp.net");

        fixture_new(&f);
        f.config.time_format = formats[i];
        fixture_open(&f);
        struct account account =
            fixture_account(&f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
        OK(store_account_save(f.s, &account));
        put(&f, "OLD", 1700000000, false);
        put(&f, "NEWEST", 1700000900, false);
        put(&f, "FIRST", 1700000600, true);
        OK(store_history_anchor(f.s, &group, 1700000500, &a));
        assert_string_equal(a.id, "FIRST");
        assert_int_equal(a.timestamp, 1700000600);
        assert_true(a.from_me);
        assert_int_equal(store_history_anchor(f.s, &group, 1700001000, &a), WB_ERR_NOT_FOUND);
        assert_int_equal(store_history_anchor(f.s, &other, 0, &a), WB_ERR_NOT_FOUND);
        fixture_free(&f);
    }
}

static void a_chat_has_one_gap_under_both_forms(void **state)
{
    struct fixture f;
    struct store_history_gap g;
    struct jid lid = J("555000555@lid"), pn = J("27820000005@s.whatsapp.net");

    (void)state;
    fixture_ready(&f);
    OK(store_lid_put(f.s, &lid, &pn, NULL));
    OK(store_history_gap_open(f.s, &lid, 10, 20, "old_counter"));
    OK(store_history_gap_get(f.s, &pn, &g));
    assert_true(jid_eq(&g.chat, &pn));
    fixture_free(&f);
}

static void a_placeholder_in_a_gap_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        enum store_message_outcome outcome;
        struct store_history_gap g = {.chat = J(GROUP), .since = 1790000000, .until = 1790000100};
        struct store_message m = {.id = SPAN_LIT("W1"),
                                  .chat = J(GROUP),
                                  .sender = J("27820000005@s.whatsapp.net"),
                                  .timestamp = 1790000100,
                                  .received_at = 1790000100};
        bool waiting = true;

        fixture_new(&f);
        f.config.time_format = i ? STORE_TIME_TEXT : STORE_TIME_INTEGER;
        fixture_open(&f);
        struct account a = fixture_account(&f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
        OK(store_account_save(f.s, &a));
        put(&f, "A1", 1790000050, false);
        OK(store_history_waiting(f.s, &g, &waiting));
        assert_false(waiting);
        OK(store_message_placeholder(f.s, &m, &outcome));
        OK(store_history_waiting(f.s, &g, &waiting));
        assert_true(waiting);
        g.until--;
        OK(store_history_waiting(f.s, &g, &waiting));
        assert_false(waiting);
        fixture_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_opened_once_and_made_wider),
        cmocka_unit_test(a_lids_gap_joins_that_of_its_number),
        cmocka_unit_test(after_a_restore_every_chat_has_one_until_it_is_closed),
        cmocka_unit_test(quiet_chats_are_counted),
        cmocka_unit_test(asking_begins_at_the_oldest_message_behind_the_gap),
        cmocka_unit_test(a_chat_has_one_gap_under_both_forms),
        cmocka_unit_test(a_placeholder_in_a_gap_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
