/* Messages that the server refused for the form of their group (421): they are sent once more. */
#include "tests/unit/bridge/send_fixture.h"

/* The n-th message of the group, from a caller who does not wait. */
static void queue_text(size_t i, const char *text)
{
    struct send_request r = request(GROUP, text);

    r.wait_s = 0;
    send_with(i, &r);
}

static void refuse_with(const char *id, unsigned code)
{
    ack_with(id, code, NULL);
    run();
}

static void refuse(const char *id)
{
    refuse_with(id, 421);
}

/* The device takes the key, if the stanza has one for it, and reads the message. */
static enum wb_err reads(const char *device, size_t wire, const char *text)
{
    struct jid j = J(device);
    const struct node *message = wire_node(wire), *own = enc_for(message, device);
    struct content c;
    enum wb_err err;

    if (own)
        OK(peer_read(peer_of(&j), own, &c));
    err = peer_read(peer_of(&j), node_child(message, "enc"), &c);
    if (err == WB_OK)
        assert_span(c.text, text);
    return err;
}

static void sent_again_under_the_same_id_with_other_keys(void **state)
{
    char id[64];

    (void)state;
    send_text(0, GROUP, "one");
    snprintf(id, sizeof id, "%s", wire_id(0));
    w.group.addressing = STORE_ADDRESSING_PN;
    refuse(id);
    assert_false(w.answers[0].given);
    assert_int_equal(w.nwire, 2);
    assert_string_equal(wire_id(1), id);
    assert_attr(wire_node(0), "addressing_mode", "lid");
    assert_false(node_has_attr(wire_node(1), "addressing_mode"));
    /* Nobody got the keys that the refused stanza carried. */
    OK(reads("27820000011@s.whatsapp.net", 1, "one"));
    OK(reads("27820000012@s.whatsapp.net", 1, "one"));
    assert_false(span_eq(node_content_bytes(node_child(wire_node(0), "enc")),
                         node_content_bytes(node_child(wire_node(1), "enc"))));
    ack(id);
    assert_int_equal(w.answers[0].result, CMD_OK);
    assert_look_wa(&w.r, "SELECT state||(request IS NULL)||(sealed IS NULL) FROM bridge_outbox",
                   "211");
}

static void a_second_refusal_ends_it(void **state)
{
    (void)state;
    send_text(0, GROUP, "one");
    refuse(wire_id(0));
    refuse(wire_id(1));
    assert_int_equal(w.nwire, 2);
    assert_int_equal(w.answers[0].result, CMD_REFUSED);
    assert_int_equal(w.answers[0].code, 421);
    assert_non_null(strstr(w.answers[0].text, "addressing"));
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5refused");
}

/* Only groups have two forms to be written to. */
static void a_person_is_not_written_to_again(void **state)
{
    (void)state;
    send_text(0, CONTACT, "one");
    refuse(wire_id(0));
    assert_int_equal(w.nwire, 1);
    assert_int_equal(w.answers[0].result, CMD_REFUSED);
}

/* Messages that were accepted later wait for the messages that are made anew, also when one of
 * these is just being prepared. */
static void their_order_stays(void **state)
{
    char ids[3][64];

    (void)state;
    send_text(0, GROUP, "first");
    OK(reads("222000011@lid", 0, "first"));
    ack(wire_id(0));
    for (size_t i = 0; i < 3; i++) {
        queue_text(1 + i, "text");
        snprintf(ids[i], sizeof ids[i], "%s", wire_id(1 + i));
    }
    w.hold = true;
    queue_text(4, "last"); /* asks for the group */
    assert_int_equal(w.npending, 1);
    for (size_t i = 0; i < 3; i++)
        refuse(ids[2 - i]);
    w.hold = false;
    run();
    /* Each may wait for the ack of the one before, which brings the key. */
    for (size_t i = 0; i < 4; i++) {
        assert_true(w.nwire > 4 + i);
        if (i < 3)
            assert_string_equal(wire_id(4 + i), ids[i]);
        OK(reads("222000011@lid", 4 + i, i < 3 ? "text" : "last"));
        ack(wire_id(4 + i));
        run();
    }
    assert_int_equal(w.nwire, 8);
}

/* The refusal was not committed: the server refuses the same bytes on the next connection. */
static void a_refusal_that_was_not_committed_comes_again(void **state)
{
    (void)state;
    send_text(0, GROUP, "one");
    w.r.b.out_message->sealed->step = OUT_REOPENING;
    events_emit_kind(&w.r.b.events, BRIDGE_EV_BATCH_FAILED);
    assert_int_equal(w.r.b.out_message->sealed->step, OUT_SEALED);
    go_offline();
    go_online();
    assert_int_equal(w.nwire, 2);
    assert_true(span_eq(buf_span(&w.wire[0]), buf_span(&w.wire[1])));
}

/* What was sealed by the run before, and what had been reopened by it. */
static void a_restart_between(void **state)
{
    struct send_request r = keyed(GROUP, "key", "one");
    char id[64];

    (void)state;
    send_with(0, &r);
    snprintf(id, sizeof id, "%s", wire_id(0));
    world_restart();
    go_online();
    assert_int_equal(w.nwire, 2);
    w.hold = true;
    refuse(id);
    world_restart();
    w.hold = false;
    w.npending = 0;
    go_online();
    assert_int_equal(w.nwire, 3);
    assert_string_equal(wire_id(2), id);
    refuse(id);
    assert_int_equal(w.nwire, 3);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5refused");
}

/* The ack was late, and the same bytes went out twice: the server refuses both copies. After the
 * first answer the message is made anew; the second answer does not concern the new form. */
static void copies_of(const char *chat, unsigned code)
{
    struct send_request r = keyed(chat, "key", "one");
    char id[64];

    send_with(0, &r);
    snprintf(id, sizeof id, "%s", wire_id(0));
    pass(SEND_ACK_MS);
    assert_int_equal(w.nwire, 2);
    refuse_with(id, code);
    assert_int_equal(w.nwire, 3);
    assert_false(span_eq(buf_span(&w.wire[1]), buf_span(&w.wire[2])));
    refuse_with(id, code);
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "1");
}

static void a_copy_of_the_old_bytes_fails_nothing(void **state)
{
    (void)state;
    copies_of(GROUP, 421);
    ack(wire_id(2));
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "2");
}

static void a_copy_by_the_old_address_fails_nothing(void **state)
{
    (void)state;
    copies_of(CONTACT, 400);
    assert_attr(wire_node(2), "to", "27820000011@s.whatsapp.net");
    ack(wire_id(2));
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "2");
}

/* An answer beyond the number of copies concerns the new form. */
static void the_new_bytes_may_be_refused_behind_the_copies(void **state)
{
    (void)state;
    copies_of(GROUP, 421);
    ack_with(wire_id(2), 421, NULL);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5refused");
}

/* Copies on a connection that has ended get no answer on the next one. */
static void copies_end_with_their_connection(void **state)
{
    struct send_request r = keyed(GROUP, "key", "one");
    char id[64];

    (void)state;
    send_with(0, &r);
    snprintf(id, sizeof id, "%s", wire_id(0));
    pass(SEND_ACK_MS);
    w.hold = true;
    refuse(id);
    go_offline();
    w.hold = false;
    go_online();
    assert_int_equal(w.nwire, 3);
    refuse(id);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5refused");
}

/* Everybody has the key, from a message that was accepted. */
static void each_of_a_burst_gives_no_keys_again(void **state)
{
    char ids[4][64];

    (void)state;
    send_text(0, GROUP, "first");
    OK(reads("222000011@lid", 0, "first"));
    ack(wire_id(0));
    for (size_t i = 0; i < 4; i++) {
        queue_text(1 + i, "text");
        snprintf(ids[i], sizeof ids[i], "%s", wire_id(1 + i));
    }
    for (size_t i = 0; i < 4; i++) {
        refuse(ids[i]);
        assert_int_equal(w.nwire, 6 + i);
        assert_int_equal(recipients(wire_node(5 + i)), 0);
        OK(reads("222000011@lid", 5 + i, "text"));
        ack(ids[i]);
    }
}

/* Even when the message that is made anew should not give them the key. */
static void keys_of_the_refused_stanza_are_nobodys(void **state)
{
    (void)state;
    send_text(0, GROUP, "one");
    w.hold = true;
    refuse(wire_id(0));
    assert_look_wa(&w.r,
                   "SELECT count(*)||(SELECT count(*) FROM bridge_skdm_carriers) FROM bridge_skdm",
                   "50");
    w.hold = false;
    run();
    OK(reads("222000011@lid", 1, "one"));
    OK(reads("222000012@lid", 1, "one"));
}

/* Of those that were on their way when the addressing changed, one asks for the group. */
static void the_group_is_asked_for_once_for_all(void **state)
{
    struct jid group = J(GROUP);
    struct store_group g;

    (void)state;
    w.group.updated_at = fixture_time;
    OK(store_group_put(w.r.f.s, &w.group));
    queue_text(0, "one");
    ack(wire_id(0));
    queue_text(1, "two");
    queue_text(2, "three");
    w.hold = true;
    refuse(wire_id(1));
    OK(store_group_get_info(w.r.f.s, &group, &g));
    assert_int_equal(g.updated_at, 0);
    g.updated_at = fixture_time + 1; /* the answer */
    OK(store_group_put_info(w.r.f.s, &g));
    refuse(wire_id(2));
    OK(store_group_get_info(w.r.f.s, &group, &g));
    assert_int_equal(g.updated_at, fixture_time + 1);
}

/* By which address private messages go; nobody has said it: NULL or 0. */
static void assert_by(const char *by)
{
    assert_look_wa(&w.r, "SELECT coalesce(sum(address), 0) FROM bridge_private_address", by);
}

static void send_private(char id[64])
{
    struct send_request r = keyed(CONTACT, "key", "one");

    send_with(0, &r);
    assert_attr(wire_node(0), "to", "222000011@lid");
    snprintf(id, 64, "%s", wire_id(0));
}

/* The batch of an ack fails, and with it the connection. */
static void ack_in_vain(const char *id, unsigned code)
{
    struct node *n = node_new(&w.r.arena, "ack");
    struct stanza s = {.arena = &w.r.arena, .node = n};
    void *parsed;

    node_attr_text(&w.r.arena, n, "class", "message");
    node_attr_text(&w.r.arena, n, "id", id);
    node_attr_u64(&w.r.arena, n, "error", code);
    OK(in_ack_handler.parse(&s, &parsed));
    OK(in_ack_handler.apply(&w.r.b, &s, parsed));
    store_rollback(w.r.b.store);
    events_emit_kind(&w.r.b.events, BRIDGE_EV_BATCH_FAILED);
    go_offline();
    go_online();
}

static void a_refused_address_that_was_not_committed_is_tried_again(void **state)
{
    char id[64];

    (void)state;
    send_private(id);
    ack_in_vain(id, 400);
    assert_by("0");
    assert_int_equal(w.nwire, 2);
    refuse_with(id, 400);
    assert_int_equal(w.nwire, 3);
    assert_attr(wire_node(2), "to", "27820000011@s.whatsapp.net");
    assert_by("2");
    ack(id);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "2");
}

static void a_second_refusal_by_address_turns_back(void **state)
{
    char id[64];

    (void)state;
    send_private(id);
    refuse_with(id, 400);
    assert_by("2");
    ack_in_vain(id, 400); /* this one is forgotten, and comes again */
    assert_by("2");
    refuse_with(id, 400);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5refused");
    assert_by("0");
}

static void a_restart_between_two_refusals_by_address(void **state)
{
    char id[64];

    (void)state;
    send_private(id);
    refuse_with(id, 400);
    assert_by("2");
    world_restart();
    go_online();
    refuse_with(id, 400);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5refused");
    assert_by("0");
}

/* Its caller, who gave no key, was told long ago; the group does not answer. */
static void without_a_key_it_ends_with_the_day(void **state)
{
    (void)state;
    send_text(0, GROUP, "one");
    pass(31000);
    assert_int_equal(w.answers[0].result, CMD_OUTCOME_UNKNOWN);
    w.group_error = WB_ERR_NET;
    refuse(wire_id(0));
    go_offline();
    pass((int64_t)(SEND_RESEND_S - 60) * 1000);
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "0");
    assert_look_wa(&w.r, "SELECT expires_at - created_at FROM bridge_outbox", "0");
    pass(60 * 1000);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5not_sent");
    w.group_error = WB_OK;
    go_online();
    assert_int_equal(w.nwire, 1);
}

static void one_that_is_made_anew_after_a_restart_keeps_its_time(void **state)
{
    struct send_request r = keyed(GROUP, "key", "one");
    char id[64];

    (void)state;
    r.expires_s = 3600;
    send_with(0, &r);
    snprintf(id, sizeof id, "%s", wire_id(0));
    pass(3000 * 1000);
    world_restart();
    go_online();
    w.group_error = WB_ERR_NET;
    refuse(id);
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "0");
    go_offline();
    pass(590 * 1000);
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "0");
    pass(20 * 1000);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5expired");
}

static int setup(void **state)
{
    (void)state;
    world_init();
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    add_peer("27820000011@s.whatsapp.net");
    add_peer("27820000012@s.whatsapp.net");
    return 0;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(sent_again_under_the_same_id_with_other_keys),
        T(a_second_refusal_ends_it),
        T(a_person_is_not_written_to_again),
        T(their_order_stays),
        T(a_refusal_that_was_not_committed_comes_again),
        T(a_restart_between),
        T(a_copy_of_the_old_bytes_fails_nothing),
        T(a_copy_by_the_old_address_fails_nothing),
        T(the_new_bytes_may_be_refused_behind_the_copies),
        T(copies_end_with_their_connection),
        T(each_of_a_burst_gives_no_keys_again),
        T(keys_of_the_refused_stanza_are_nobodys),
        T(the_group_is_asked_for_once_for_all),
        T(without_a_key_it_ends_with_the_day),
        T(one_that_is_made_anew_after_a_restart_keeps_its_time),
        T(a_refused_address_that_was_not_committed_is_tried_again),
        T(a_second_refusal_by_address_turns_back),
        T(a_restart_between_two_refusals_by_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
