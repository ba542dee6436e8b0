/* Sends and the room in the socket: which wait for room, in which order they go on, what a slow
 * line is spared. */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/send/out_wire.h"
#include "store/core/state.h"

static struct send_request queued(const char *recipient, const char *key)
{
    struct send_request q = keyed(recipient, key, key);

    q.wait_s = 0;
    return q;
}

static void room_again(void)
{
    w.full = false;
    out_wire_room(&w.r.b);
    run();
}

static void nothing_is_sealed_without_room(void **state)
{
    struct send_request q = queued(CONTACT, "first"), q2 = queued(CONTACT, "second");

    (void)state;
    w.full = true;
    send_with(0, &q);
    send_with(1, &q2);
    assert_int_equal(w.nwire, 0);
    assert_look_wa(&w.r, "SELECT group_concat(state) FROM bridge_outbox", "0,0");
    room_again();
    assert_int_equal(w.nwire, 2);
    assert_span(read_as("222000011@lid", wire_node(0)).text, "first");
    assert_span(read_as("222000011@lid", wire_node(1)).text, "second");
}

/* Those from before first, the same bytes; then what was written meanwhile. */
static void sending_again_waits_for_room(void **state)
{
    struct send_request q = queued(CONTACT, "first"), q2 = queued(CONTACT, "second"),
                        q3 = queued(CONTACT, "third");

    (void)state;
    send_with(0, &q);
    send_with(1, &q2);
    assert_int_equal(w.nwire, 2);
    go_offline();
    w.full = true;
    go_online();
    send_with(2, &q3);
    pass(1000);
    assert_int_equal(w.nwire, 2);
    room_again();
    assert_int_equal(w.nwire, 5);
    assert_true(span_eq(buf_span(&w.wire[0]), buf_span(&w.wire[2])));
    assert_true(span_eq(buf_span(&w.wire[1]), buf_span(&w.wire[3])));
    assert_span(read_as("222000011@lid", wire_node(4)).text, "third");
}

/* Acked while it waited to be sent again: it does not leave a second time. */
static void an_ack_meanwhile_is_enough(void **state)
{
    struct send_request q = queued(CONTACT, "first"), q2 = queued(CONTACT, "second");

    (void)state;
    send_with(0, &q);
    send_with(1, &q2);
    go_offline();
    w.full = true;
    go_online();
    ack(wire_id(0));
    room_again();
    assert_int_equal(w.nwire, 3);
    assert_true(span_eq(buf_span(&w.wire[1]), buf_span(&w.wire[2])));
}

/* The time for an ack begins when the message has left. */
static void what_has_not_left_is_not_sent_twice(void **state)
{
    struct send_request q = queued(CONTACT, "large");

    (void)state;
    send_with(0, &q);
    w.stuck = 1;
    pass(10 * SEND_ACK_MS);
    assert_int_equal(w.nwire, 1);
    w.stuck = 0;
    pass(SEND_LEAVING_MS);
    pass(SEND_ACK_MS - 1000);
    assert_int_equal(w.nwire, 1);
    pass(1000);
    assert_int_equal(w.nwire, 2);
    assert_true(span_eq(buf_span(&w.wire[0]), buf_span(&w.wire[1])));
    ack(wire_id(0));
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "2");
}

/* What was missed may be that somebody has left the group, who still has our sender key. */
static void a_group_waits_until_what_was_missed_is_read(void **state)
{
    struct send_request q = queued(GROUP, "to the group"), q2 = queued(CONTACT, "to one");

    (void)state;
    make_group(STORE_ADDRESSING_LID);
    send_text(2, CONTACT, "they know us");
    assert_span(read_as("222000011@lid", wire_node(0)).text, "they know us");
    ack(wire_id(0));
    go_offline();
    send_with(0, &q);
    send_with(1, &q2);
    w.behind = true;
    go_online();
    run();
    assert_int_equal(w.nwire, 2);
    assert_span(read_as("222000011@lid", wire_node(1)).text, "to one");
    assert_look_wa(&w.r, "SELECT group_concat(state) FROM bridge_outbox WHERE key = 'to the group'",
                   "0");
    w.behind = false;
    events_emit_kind(&w.r.b.events, BRIDGE_EV_OFFLINE_DONE);
    run();
    assert_int_equal(w.nwire, 3);
    assert_attr(wire_node(2), "to", GROUP);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(nothing_is_sealed_without_room),
        T(sending_again_waits_for_room),
        T(an_ack_meanwhile_is_enough),
        T(what_has_not_left_is_not_sent_twice),
        T(a_group_waits_until_what_was_missed_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
