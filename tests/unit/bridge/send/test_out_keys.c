/* A device counts as having our sender key only once the message that gave it the key was
 * accepted. */
#include "tests/unit/bridge/send_fixture.h"

#include "store/core/state.h"

#define GROUP "120363000000000001@g.us"

enum { DEVICES = 5 /* of the group, without ours */ };

static int setup(void **state)
{
    world_setup(state);
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    return 0;
}

/* Queued without end, so that nothing is cancelled. */
static void queue(const char *text)
{
    struct send_request q = request(GROUP, text);

    q.wait_s = 0;
    send_with(0, &q);
}

static size_t given_by(size_t i)
{
    return recipients(wire_node(i));
}

static void a_refused_message_gives_nobody_the_key(void **state)
{
    static const unsigned codes[] = {403, 404, 429, 475, 500, 503};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        queue("refused");
        assert_int_equal(given_by(i), DEVICES);
        ack_with(wire_id(i), codes[i], NULL);
    }
    queue("taken");
    assert_int_equal(given_by(w.nwire - 1), DEVICES);
    ack(wire_id(w.nwire - 1));
    queue("again");
    assert_int_equal(given_by(w.nwire - 1), 0);
}

/* Of the devices that a refused message added, and of no others. */
static void only_what_it_carried(void **state)
{
    (void)state;
    queue("one");
    ack(wire_id(0));
    add_peer("222000012:2@lid");
    queue("two");
    assert_int_equal(given_by(1), 1);
    ack_with(wire_id(1), 500, NULL);
    queue("three");
    assert_int_equal(given_by(2), 1);
    ack(wire_id(2));
    queue("four");
    assert_int_equal(given_by(3), 0);
    ack_with(wire_id(3), 500, NULL); /* it carried none */
    queue("five");
    assert_int_equal(given_by(4), 0);
}

static void the_next_one_waits_for_the_ack(void **state)
{
    (void)state;
    queue("one");
    queue("two");
    queue("three");
    send_text(1, "222000011@lid", "other chats do not wait");
    assert_int_equal(w.nwire, 2);
    ack(wire_id(0));
    run();
    assert_int_equal(w.nwire, 4);
    assert_int_equal(given_by(2), 0);
    assert_int_equal(given_by(3), 0);
}

static void and_not_for_one_that_does_not_come(void **state)
{
    size_t at;

    (void)state;
    queue("one");
    queue("two");
    pass(SEND_KEYS_ACK_MS - 1);
    assert_int_equal(w.nwire, 1);
    pass(1);
    at = w.nwire - 1;
    assert_int_equal(at, 1);
    assert_int_equal(given_by(at), DEVICES);
    assert_string_not_equal(wire_id(at), wire_id(0));
    ack(wire_id(0)); /* late: those who were given it by both have it by the second at the latest */
    ack(wire_id(at));
    queue("three");
    assert_int_equal(given_by(w.nwire - 1), 0);
}

static void a_connection_or_a_run_that_ends(void **state)
{
    (void)state;
    queue("one");
    go_offline();
    go_online();
    queue("two");
    assert_int_equal(w.nwire, 2); /* the first again */
    assert_string_equal(wire_id(1), wire_id(0));
    world_restart();
    go_online();
    assert_int_equal(w.nwire, 3);
    ack_with(wire_id(0), 500, NULL);
    run();
    assert_int_equal(w.nwire, 4);
    assert_int_equal(given_by(3), DEVICES);
    world_restart();
    go_online();
    ack(wire_id(3));
    queue("three");
    assert_int_equal(given_by(w.nwire - 1), 0);
}

/* Nobody knows what became of it. */
static void one_that_is_given_up(void **state)
{
    (void)state;
    queue("one");
    go_offline();
    pass((SEND_RESEND_S + 1) * 1000LL);
    go_online();
    queue("two");
    assert_int_equal(given_by(w.nwire - 1), DEVICES);
    assert_string_not_equal(wire_id(w.nwire - 1), wire_id(0));
}

/* The message's bytes are lost, so no ack will come: its group is not kept waiting for the ack. */
static void one_that_cannot_be_sent_again(void **state)
{
    (void)state;
    queue("one");
    go_offline();
    OK(db_exec(&w.r.f.s->wa, "UPDATE bridge_outbox SET sealed = NULL"));
    go_online();
    queue("two");
    assert_int_equal(w.nwire, 2);
    assert_int_equal(given_by(1), DEVICES);
    assert_string_not_equal(wire_id(1), wire_id(0));
}

/* News of a device, while the message is on its way, counts more than the message's ack. */
static void a_doubt_since(void **state)
{
    struct jid user = J("222000011@lid");

    (void)state;
    queue("one");
    OK(store_skdm_doubt_user(w.r.f.s, &user));
    ack(wire_id(0));
    queue("two");
    assert_int_equal(given_by(w.nwire - 1), 2);
}

/* A key that may have been read is not kept when somebody leaves. */
static void who_leaves_before_the_ack(void **state)
{
    (void)state;
    queue("one");
    w.group.nmembers--; /* 222000012 */
    ack_with(wire_id(0), 500, NULL);
    queue("two");
    assert_int_equal(given_by(1), DEVICES - 1);
    assert_look_wa(&w.r, "SELECT count(DISTINCT key_id) || ' ' || count(*) FROM bridge_skdm",
                   "1 4");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refused_message_gives_nobody_the_key, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(only_what_it_carried, setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_next_one_waits_for_the_ack, setup, world_teardown),
        cmocka_unit_test_setup_teardown(and_not_for_one_that_does_not_come, setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_connection_or_a_run_that_ends, setup, world_teardown),
        cmocka_unit_test_setup_teardown(one_that_is_given_up, setup, world_teardown),
        cmocka_unit_test_setup_teardown(one_that_cannot_be_sent_again, setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_doubt_since, setup, world_teardown),
        cmocka_unit_test_setup_teardown(who_leaves_before_the_ack, setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
