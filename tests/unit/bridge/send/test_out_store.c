/* Sending while the store fails: half-written rows do not stay, nothing is acknowledged, and
 * sending goes on once the disk works. */
#include "tests/unit/bridge/send_fixture.h"

#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/session/tokens.h"

/* Every write of that kind fails from now on. */
static void break_writes(const char *what)
{
    char sql[200];

    snprintf(sql, sizeof sql,
             "CREATE TRIGGER full BEFORE %s BEGIN SELECT RAISE(ABORT, 'full'); END", what);
    OK(db_exec(&w.r.f.s->wa, sql));
}

static void mend_writes(void)
{
    OK(db_exec(&w.r.f.s->wa, "DROP TRIGGER full"));
}

/* A write and an ack of somebody else, waiting for the commit. */
static void open_batch(void)
{
    OK(store_meta_put_int(w.r.f.s, "half", 1));
    OK(outgoing_after_commit(&w.r.b, node_new(&w.r.arena, "ack")));
    nsent = 0;
}

static void assert_all_dropped(void)
{
    assert_true(w.r.b.store_failed);
    assert_false(batch_is_open(&w.r.b));
    OK(batch_commit(&w.r.b));
    assert_int_equal(nsent, 0);
    assert_string_equal(peek_sql(w.r.f.wa, "SELECT count(*) FROM bridge_meta WHERE name = 'half'"),
                        "0");
}

static void a_request(void **state)
{
    (void)state;
    break_writes("INSERT ON bridge_outbox");
    open_batch();
    send_text(0, CONTACT, "x");
    assert_true(w.answers[0].given);
    assert_int_equal(w.answers[0].result, CMD_STORE_ERROR);
    assert_all_dropped();
    mend_writes();
    send_text(0, CONTACT, "x");
    assert_int_equal(w.nwire, 1);
}

static void old_rows(void **state)
{
    (void)state;
    send_text(0, CONTACT, "x");
    ack(wire_id(0));
    break_writes("DELETE ON bridge_outbox");
    pass(SEND_KEEP_S * 1000LL);
    open_batch();
    pass(SEND_PRUNE_MS);
    assert_all_dropped();
    mend_writes();
    pass(SEND_PRUNE_MS);
    assert_string_equal(peek_sql(w.r.f.wa, "SELECT count(*) FROM bridge_outbox"), "0");
}

static const char *rows_left(void)
{
    return peek_sql(w.r.f.wa, "SELECT count(*) FROM bridge_outbox");
}

/* Others have their turn in between. */
static void many_old_rows(void **state)
{
    (void)state;
    send_text(0, CONTACT, "x");
    ack(wire_id(0));
    pass(SEND_KEEP_S * 1000LL);
    for (int i = 0; i < 1100; i++) {
        struct store_outbox_row r = {.chat = J("222000011@lid"), .created_at = 1};

        snprintf(r.message_id, sizeof r.message_id, "OLD%d", i);
        OK(store_outbox_add(w.r.b.store, &r, NULL));
        OK(store_outbox_seal(w.r.b.store, r.message_id, SPAN_LIT("s"), 1, 2));
        OK(store_outbox_acked(w.r.b.store, r.message_id, 3, 3));
    }
    OK(store_commit(w.r.b.store));
    assert_string_equal(rows_left(), "1101");
    pass(SEND_PRUNE_MS);
    assert_string_equal(rows_left(), "601");
    pass(SEND_PRUNE_MORE_MS);
    assert_string_equal(rows_left(), "101");
    pass(SEND_PRUNE_MORE_MS);
    assert_string_equal(rows_left(), "0");
}

/* The server's answer to a token of ours. */
static void a_token(void **state)
{
    struct jid lid = J("222000011@lid");
    struct node *n;
    char id[64] = "";
    int64_t issued = 0;

    (void)state;
    send_text(0, CONTACT, "x");
    ack(wire_id(0));
    assert_int_equal(niqs, 1);
    assert_int_equal(sscanf(strstr(last_iq, " id="), " id=%*1[\"']%63[^\"']", id), 1);
    n = node_new(&w.r.arena, "iq");
    node_attr_text(&w.r.arena, n, "type", "result");
    node_attr_text(&w.r.arena, n, "from", "s.whatsapp.net");
    node_attr_text(&w.r.arena, n, "id", id);
    break_writes("INSERT ON whatsmeow_privacy_tokens");
    open_batch();
    assert_true(iq_handle(&w.r.b.iq, n, &w.r.arena));
    assert_all_dropped();
    OK(store_token_issued_get(w.r.f.s, &lid, &issued));
    assert_int_equal(issued, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {T(a_request), T(old_rows), T(many_old_rows), T(a_token)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
