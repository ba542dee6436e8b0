/* Between the server's ack and the commit of its changes, and acks of messages sealed before a
 * restart. */
#include "tests/unit/bridge/send_fixture.h"

#include "store/messages/contacts.h"

/* The ack is handled, and not committed yet. */
static void ack_comes(const char *id)
{
    struct node *n = node_new(&w.r.arena, "ack");
    struct stanza s = {.arena = &w.r.arena, .node = n};
    void *parsed;

    node_attr_text(&w.r.arena, n, "class", "message");
    node_attr_text(&w.r.arena, n, "id", id);
    node_attr_u64(&w.r.arena, n, "t", 1790000123);
    OK(in_ack_handler.parse(&s, &parsed));
    OK(in_ack_handler.apply(&w.r.b, &s, parsed));
}

/* Something else of the same connection is stored meanwhile. */
static void another_batch(void)
{
    struct jid who = J("27820000019@s.whatsapp.net");

    OK(store_contact_push_name(w.r.f.s, &who, SPAN_LIT("Bob"), NULL));
    OK(batch_commit(&w.r.b));
    events_emit_kind(&w.r.b.events, BRIDGE_EV_BATCH_DONE);
}

static void an_ack_whose_commit_fails_is_no_answer(void **state)
{
    struct send_request q = keyed(CONTACT, "order-7", "kept");
    uint64_t lines;

    (void)state;
    send_with(0, &q);
    lines = w.r.log.lines;
    w.r.log.level = LOG_INFO;
    ack_comes(wire_id(0));
    assert_int_equal(w.r.log.lines, lines); /* the log does not say "sent" yet */
    w.r.log.level = LOG_ERROR;
    batch_fail(&w.r.b, WB_ERR_NO_SPACE);
    assert_look(&w.r, "SELECT count(*) FROM messages", "0");
    another_batch();
    assert_false(w.answers[0].given);
    /* The connection was dropped; after it the server gets the same bytes and acks them again. */
    go_offline();
    go_online();
    assert_int_equal(w.nwire, 2);
    assert_true(span_eq(buf_span(&w.wire[0]), buf_span(&w.wire[1])));
    lines = w.r.log.lines;
    w.r.log.level = LOG_INFO;
    ack(wire_id(1));
    assert_int_equal(w.r.log.lines, lines + 1);
    w.r.log.level = LOG_ERROR;
    assert_int_equal(w.answers[0].calls, 1);
    assert_int_equal(w.answers[0].result, CMD_OK);
    assert_look(&w.r, "SELECT content FROM messages", "kept");
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "2");
}

static void whose_time_is_over_at_the_ack_hears_of_the_commit(void **state)
{
    (void)state;
    send_text(0, CONTACT, "just in time");
    pass(29 * 1000);
    ack_comes(wire_id(0));
    pass(1500);
    assert_false(w.answers[0].given);
    OK(batch_commit(&w.r.b));
    assert_int_equal(w.answers[0].calls, 1);
    assert_int_equal(w.answers[0].result, CMD_OK);
    assert_look(&w.r, "SELECT content FROM messages", "just in time");
}

/* What we believed of them was wrong: next time everybody is looked up and given the key. */
static void after_400_nothing_is_believed_of_the_recipients(void **state)
{
    struct jid lid = J("222000011@lid");

    (void)state;
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    OK(store_devices_put(w.r.f.s, &lid, &(struct store_device_list){0}));
    send_text(0, GROUP, "one");
    ack(wire_id(0));
    send_text(1, GROUP, "two");
    assert_null(node_child(wire_node(1), "participants"));
    ack_with(wire_id(1), 400, NULL);
    assert_int_equal(w.answers[1].result, CMD_REFUSED);
    assert_int_equal(w.answers[1].code, 400);
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_devices", "0");
    send_text(2, GROUP, "three");
    assert_int_equal(recipients(wire_node(2)), 5);
}

/* ---- sealed before a restart: its own hash is not known any more ---- */

static void send_over_a_restart(const char *to)
{
    send_text(0, to, "once");
    world_restart();
    go_online();
    assert_int_equal(w.nwire, 2);
}

/* The ack of a private message always names a hash. */
static void a_private_hash_after_a_restart_is_no_news(void **state)
{
    (void)state;
    send_over_a_restart(CONTACT);
    ack_with(wire_id(1), 0, "2:AAAAAAAA");
    run();
    assert_int_equal(w.asked[ASKED_DEVICES], 1);
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "2");
}

/* The ack of a group message names one only when it differs (P-SD-22). */
static void a_groups_hash_after_a_restart_is_news(void **state)
{
    unsigned asked;

    (void)state;
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    OK(store_commit(w.r.f.s));
    send_over_a_restart(GROUP);
    asked = w.asked[ASKED_GROUP];
    ack_with(wire_id(1), 0, "2:AAAAAAAA");
    run();
    assert_int_equal(w.asked[ASKED_GROUP], asked + 1);
}

/* ---- who needs what ---- */

/* One device that has to set up its session is enough. */
static void device_identity_goes_with_any_prekey_message(void **state)
{
    struct jid last = J("111000111:9@lid"), address;
    struct signal_session *session;
    const struct node *m;

    (void)state;
    send_text(0, CONTACT, "one");
    ack(wire_id(0));
    OK(store_canonical(w.r.f.s, &last, &address));
    OK(store_session_load(w.r.f.s, &address, &session, NULL));
    session->current->pending.present = false; /* as if that device had answered */
    OK(store_session_save(w.r.f.s, &address, session));
    OK(batch_commit(&w.r.b));
    send_text(1, CONTACT, "two");
    m = wire_node(1);
    assert_attr(enc_for(m, "222000011@lid"), "type", "pkmsg");
    assert_attr(enc_for(m, "111000111:9@lid"), "type", "msg");
    assert_non_null(node_child(m, "device-identity"));
}

/* With her new installation she has none of our keys. */
static void a_new_identity_is_given_the_groups_key_again(void **state)
{
    struct writer anew;
    const struct node *m;

    (void)state;
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    send_text(0, GROUP, "one");
    ack(wire_id(0));
    writer_init(&anew, 50);
    writer_start(&anew, &w.r);
    receive(&w.r, letter(&w.r, &anew, "222000012@lid", "L1", "my new phone"));
    send_text(1, GROUP, "two");
    m = wire_node(1);
    assert_int_equal(recipients(m), 1);
    assert_non_null(enc_for(m, "222000012@lid"));
    writer_free(&anew);
}

/* P-SD-34 */
static void hosted_devices_get_no_group_key(void **state)
{
    (void)state;
    add_peer("222000012@lid");
    add_peer("222000012:99@hosted.lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    send_text(0, GROUP, "one");
    assert_non_null(enc_for(wire_node(0), "222000012@lid"));
    assert_null(enc_for(wire_node(0), "222000012:99@hosted.lid"));
    assert_int_equal(recipients(wire_node(0)), 5);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(an_ack_whose_commit_fails_is_no_answer),
        T(whose_time_is_over_at_the_ack_hears_of_the_commit),
        T(after_400_nothing_is_believed_of_the_recipients),
        T(a_private_hash_after_a_restart_is_no_news),
        T(a_groups_hash_after_a_restart_is_news),
        T(device_identity_goes_with_any_prekey_message),
        T(a_new_identity_is_given_the_groups_key_again),
        T(hosted_devices_get_no_group_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
