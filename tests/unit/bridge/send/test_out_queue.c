/* Sends in their queue: keys, callers that wait, connections that come and go, order. */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/send/out_ack.h"
#include "store/core/state.h"

/* ---- keys ---- */

static void same_key_same_answer(void **state)
{
    struct send_request q = keyed(CONTACT, "order-1", "hello"),
                        other = keyed(CONTACT, "order-1", "else");

    (void)state;
    send_with(0, &q);
    send_with(1, &q); /* in flight: waits for the same */
    assert_int_equal(w.nwire, 1);
    assert_false(w.answers[1].given);
    send_with(2, &other);
    assert_int_equal(w.answers[2].result, CMD_KEY_REUSED);
    ack(wire_id(0));
    assert_int_equal(w.answers[0].result, CMD_OK);
    assert_int_equal(w.answers[1].result, CMD_OK);
    assert_string_equal(w.answers[0].id, w.answers[1].id);
    send_with(3, &q);
    assert_int_equal(w.answers[3].result, CMD_OK);
    assert_int_equal(w.answers[3].timestamp, 1790000123);
    assert_string_equal(w.answers[3].id, w.answers[0].id);
    world_restart();
    go_online();
    send_with(4, &q);
    assert_int_equal(w.answers[4].result, CMD_OK);
    assert_string_equal(w.answers[4].id, w.answers[0].id);
    assert_int_equal(w.nwire, 1);
}

static void same_key_same_refusal(void **state)
{
    struct send_request q = keyed(CONTACT, "order-2", "hello");

    (void)state;
    send_with(0, &q);
    ack_with(wire_id(0), 463, NULL);
    assert_int_equal(w.answers[0].result, CMD_REFUSED);
    assert_int_equal(w.answers[0].code, 463);
    send_with(1, &q);
    assert_int_equal(w.answers[1].result, CMD_REFUSED);
    assert_int_equal(w.answers[1].code, 463);
    assert_string_equal(w.answers[1].text, w.answers[0].text);
    assert_int_equal(w.nwire, 1);
}

/* ---- waiting ---- */

static void disconnected_callers(void **state)
{
    struct send_request q = keyed(CONTACT, "k", "with a key"),
                        now = request(CONTACT, "not waiting");

    (void)state;
    go_offline();
    now.wait_s = 0;
    send_text(0, CONTACT, "no key");
    send_with(1, &q);
    send_with(2, &now);
    assert_int_equal(w.answers[2].result, CMD_ACCEPTED);
    assert_false(w.answers[0].given || w.answers[1].given);
    pass(31 * 1000);
    assert_int_equal(w.answers[0].result, CMD_NOT_SENT);
    assert_int_equal(w.answers[1].result, CMD_ACCEPTED);
    assert_string_not_equal(w.answers[1].id, "");
    go_online();
    assert_int_equal(w.nwire, 2);
    assert_span(read_as("222000011@lid", wire_node(0)).text, "with a key");
    assert_span(read_as("222000011@lid", wire_node(1)).text, "not waiting");
    assert_string_equal(wire_id(0), w.answers[1].id);
    assert_string_equal(wire_id(1), w.answers[2].id);
}

static void a_short_outage_is_waited_for(void **state)
{
    (void)state;
    go_offline();
    send_text(0, CONTACT, "patience");
    pass(20 * 1000);
    assert_false(w.answers[0].given);
    go_online();
    ack(wire_id(0));
    assert_int_equal(w.answers[0].result, CMD_OK);
}

static void expired_sends_never_leave(void **state)
{
    struct send_request q = keyed(CONTACT, "k", "late");

    (void)state;
    q.wait_s = 0;
    q.expires_s = 100;
    go_offline();
    send_with(0, &q);
    pass(101 * 1000);
    go_online();
    assert_int_equal(w.nwire, 0);
    send_with(1, &q);
    assert_int_equal(w.answers[1].result, CMD_EXPIRED);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5expired");
}

static void abandoned_callers(void **state)
{
    struct send_request q = keyed(CONTACT, "k", "stays");
    uint64_t ticket;

    (void)state;
    go_offline();
    ticket = send_text(0, CONTACT, "gone");
    bridge_send_abandon(&w.r.b, ticket);
    ticket = send_with(1, &q);
    bridge_send_abandon(&w.r.b, ticket);
    bridge_send_abandon(&w.r.b, 123456);
    go_online();
    assert_int_equal(w.nwire, 1);
    assert_span(read_as("222000011@lid", wire_node(0)).text, "stays");
    ack(wire_id(0));
    assert_false(w.answers[0].given || w.answers[1].given);
}

static void no_ack_is_an_unknown_outcome(void **state)
{
    (void)state;
    send_text(0, CONTACT, "hm");
    pass(31 * 1000);
    assert_int_equal(w.answers[0].result, CMD_OUTCOME_UNKNOWN);
    assert_string_equal(w.answers[0].id, wire_id(0));
    /* A late ack completes the row. */
    ack(wire_id(0));
    assert_int_equal(w.answers[0].calls, 1);
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "2");
    assert_look(&w.r, "SELECT content FROM messages", "hm");
}

/* The recipient has it: the server's word is not needed any more, nor another copy. */
static void a_receipt_before_the_ack(void **state)
{
    char id[STORE_MESSAGE_ID_MAX + 1];

    (void)state;
    send_text(0, CONTACT, "there");
    snprintf(id, sizeof id, "%s", wire_id(0));
    go_offline();
    OK(out_ack_delivered(&w.r.b, span_cstr(id), 1700000123));
    OK(out_ack_delivered(&w.r.b, SPAN_LIT("UNKNOWN"), 1));
    OK(batch_commit(&w.r.b));
    assert_int_equal(w.answers[0].result, CMD_OK);
    assert_look_wa(&w.r, "SELECT state||' '||server_time||' '||(sealed IS NULL) FROM bridge_outbox",
                   "2 1700000123 1");
    assert_look(&w.r, "SELECT content||timestamp FROM messages", "there1700000123");
    go_online();
    ack(id);
    assert_int_equal(w.nwire, 1);
    assert_int_equal(w.answers[0].calls, 1);
}

/* ---- the same bytes again ---- */

static void reconnect_sends_the_same_bytes(void **state)
{
    (void)state;
    send_text(0, CONTACT, "once");
    go_offline();
    go_online();
    assert_int_equal(w.nwire, 2);
    assert_true(span_eq(buf_span(&w.wire[0]), buf_span(&w.wire[1])));
    ack(wire_id(0));
    assert_int_equal(w.answers[0].result, CMD_OK);
    go_offline();
    go_online();
    assert_int_equal(w.nwire, 2);
}

static void restart_sends_the_same_bytes(void **state)
{
    (void)state;
    send_text(0, CONTACT, "once");
    world_restart();
    go_online();
    assert_int_equal(w.nwire, 2);
    assert_true(span_eq(buf_span(&w.wire[0]), buf_span(&w.wire[1])));
    ack(wire_id(1));
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "2");
    assert_look(&w.r, "SELECT content||is_from_me FROM messages", "once1");
}

/* The ratchet of a message is committed before its bytes leave: a crash right then does not make
 * two ciphertexts of one key. */
static void crash_after_the_wire(void **state)
{
    struct fixture copy;

    (void)state;
    send_text(0, CONTACT, "first");
    fixture_crash_copy(&w.r.f, &copy);
    assert_string_equal(peek_sql(copy.wa, "SELECT count(*) FROM whatsmeow_sessions"), "4");
    assert_string_equal(peek_sql(copy.wa, "SELECT state||(sealed IS NOT NULL) FROM bridge_outbox"),
                        "11");
    assert_string_equal(peek_sql(copy.wa, "SELECT count(*) FROM whatsmeow_retry_buffer"), "1");
    fixture_free(&copy);
}

/* The connection is fine, the ack does not come: the same bytes, a few times. */
static void a_missing_ack_on_a_good_connection(void **state)
{
    struct send_request q = keyed(CONTACT, "k", "once");

    (void)state;
    send_with(0, &q);
    for (size_t i = 1; i < SEND_WIRE_TRIES; i++) {
        pass(SEND_ACK_MS);
        assert_int_equal(w.nwire, i + 1);
        assert_true(span_eq(buf_span(&w.wire[0]), buf_span(&w.wire[i])));
    }
    pass(SEND_ACK_MS);
    pass(SEND_ACK_MS);
    assert_int_equal(w.nwire, SEND_WIRE_TRIES);
    go_offline();
    go_online();
    assert_int_equal(w.nwire, SEND_WIRE_TRIES + 1);
    pass(SEND_ACK_MS);
    assert_int_equal(w.nwire, SEND_WIRE_TRIES + 2);
    ack(wire_id(0));
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "2");
}

static void old_unconfirmed_sends_are_given_up(void **state)
{
    struct send_request q = keyed(CONTACT, "old", "x");

    (void)state;
    send_with(0, &q);
    go_offline();
    pass((int64_t)(24 * 3600 + 60) * 1000);
    go_online();
    OK(batch_commit(&w.r.b));
    assert_int_equal(w.nwire, 1);
    send_with(1, &q);
    assert_int_equal(w.answers[1].result, CMD_OUTCOME_UNKNOWN);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5outcome_unknown");
}

static void a_wall_clock_that_jumps_gives_nothing_up(void **state)
{
    struct send_request q = keyed(CONTACT, "jump", "x");

    (void)state;
    bridge_server_time(&w.r.b, fixture_time);
    send_with(0, &q);
    go_offline();
    fixture_time += (int64_t)400 * 86400;
    go_online();
    assert_int_equal(w.nwire, 2);
    assert_true(span_eq(buf_span(&w.wire[0]), buf_span(&w.wire[1])));
    ack(wire_id(0));
    assert_look_wa(&w.r, "SELECT state FROM bridge_outbox", "2");
    fixture_time -= (int64_t)400 * 86400;
}

/* ---- order ---- */

static void a_slow_chat_holds_up_nobody_else(void **state)
{
    (void)state;
    w.hold = true;
    send_text(0, CONTACT, "slow 1");
    send_text(1, CONTACT, "slow 2");
    assert_int_equal(w.npending, 1); /* of this chat, only the first is at work */
    make_group(STORE_ADDRESSING_LID);
    add_peer("222000012@lid");
    send_text(2, GROUP, "group");
    assert_int_equal(w.npending, 2);
    /* The group's answers come, the contact's do not. */
    while (w.npending > 1) {
        struct pending p = w.pending[1];

        w.npending = 1;
        if (p.kind == ASKED_GROUP)
            answer_group(&p);
        else if (p.kind == ASKED_DEVICES)
            answer_devices(&p);
        else
            answer_sessions(&p);
    }
    assert_int_equal(w.nwire, 1);
    assert_attr(wire_node(0), "to", GROUP);
    w.hold = false;
    run();
    assert_int_equal(w.nwire, 3);
    assert_span(read_as("222000011:3@lid", wire_node(1)).text, "slow 1");
    assert_span(read_as("222000011:3@lid", wire_node(2)).text, "slow 2");
}

/* The number's LID becomes known while messages wait: still one chat. */
static void order_is_kept_when_the_lid_becomes_known(void **state)
{
    struct jid lid = J("222000011@lid"), pn = J("27820000011@s.whatsapp.net");

    (void)state;
    w.hold = true;
    send_text(0, CONTACT, "one");
    send_text(1, CONTACT, "two");
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    OK(batch_commit(&w.r.b));
    send_text(2, CONTACT, "three");
    send_text(3, "222000011@lid", "four");
    assert_int_equal(w.npending, 1); /* only the first is at work */
    w.hold = false;
    run();
    assert_int_equal(w.nwire, 4);
    assert_span(read_as("222000011@lid", wire_node(0)).text, "one");
    assert_span(read_as("222000011@lid", wire_node(1)).text, "two");
    assert_span(read_as("222000011@lid", wire_node(2)).text, "three");
    assert_span(read_as("222000011@lid", wire_node(3)).text, "four");
}

/* One in the middle fails: those behind it go on, in their order. */
static void order_is_kept_over_a_failure_and_a_restart(void **state)
{
    struct send_request q = keyed(CONTACT, "a", "first"),
                        short_lived = keyed(CONTACT, "b", "second");
    struct send_request last = keyed(CONTACT, "c", "third");

    (void)state;
    go_offline();
    q.wait_s = short_lived.wait_s = last.wait_s = 0;
    short_lived.expires_s = 10;
    send_with(0, &q);
    send_with(1, &short_lived);
    send_with(2, &last);
    world_restart();
    pass(11 * 1000);
    go_online();
    assert_int_equal(w.nwire, 2);
    assert_span(read_as("222000011@lid", wire_node(0)).text, "first");
    assert_span(read_as("222000011@lid", wire_node(1)).text, "third");
    send_with(3, &short_lived);
    assert_int_equal(w.answers[3].result, CMD_EXPIRED);
}

/* The caller was cut off by our end: it cannot be told, so the message does not go out. */
static void a_restart_cancels_what_has_no_key(void **state)
{
    (void)state;
    go_offline();
    send_text(0, CONTACT, "nobody waits");
    world_restart();
    go_online();
    assert_int_equal(w.nwire, 0);
    assert_look_wa(&w.r, "SELECT state||reason FROM bridge_outbox", "5not_sent");
}

static void a_key_from_before_a_restore(void **state)
{
    struct send_request q = keyed(CONTACT, "k", "x");

    (void)state;
    go_offline();
    send_with(0, &q);
    out_queue_clear(&w.r.b, false); /* the restore happens while nothing runs */
    OK(store_outbox_restored(&w.r.f.s->wa, fixture_time, NULL));
    OK(batch_commit(&w.r.b));
    go_online();
    send_with(1, &q);
    assert_int_equal(w.answers[1].result, CMD_OUTCOME_UNKNOWN);
    assert_non_null(strstr(w.answers[1].text, "backup"));
    assert_int_equal(w.nwire, 0);
}

static void final_rows_go_after_a_week(void **state)
{
    struct send_request q = keyed(CONTACT, "k", "kept");

    (void)state;
    send_with(0, &q);
    ack(wire_id(0));
    pass((int64_t)6 * 86400 * 1000);
    send_with(1, &q);
    assert_int_equal(w.answers[1].result, CMD_OK);
    assert_string_equal(w.answers[1].id, w.answers[0].id);
    pass((int64_t)2 * 86400 * 1000);
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_outbox", "0");
}

static void trouble_that_passes(void **state)
{
    (void)state;
    w.session_error = WB_ERR_TIMEOUT;
    send_text(0, CONTACT, "again");
    assert_int_equal(w.nwire, 0);
    w.session_error = WB_OK;
    pass(2000);
    assert_int_equal(w.nwire, 1);
    ack(wire_id(0));
    assert_int_equal(w.answers[0].result, CMD_OK);
}

/* All wait for the end of the pause that the server wants, and come back one after the other. */
static void a_pause_of_the_server_is_shared(void **state)
{
    struct send_request first = keyed(CONTACT, "a", "one");
    struct send_request other = keyed("222000012@lid", "b", "two");

    (void)state;
    add_peer("222000012@lid");
    iq_pause_begin(&w.r.b.iq.pauses, IQ_KIND_USYNC, 30, clock_mono_ms(w.r.b.clock));
    w.device_error = WB_ERR_RATE_LIMITED;
    send_with(0, &first);
    send_with(1, &other);
    w.device_error = WB_OK;
    pass(29000);
    assert_int_equal(w.asked[ASKED_DEVICES], 2);
    assert_int_equal(w.nwire, 0);
    pass(1000);
    assert_int_equal(w.asked[ASKED_DEVICES], 3);
    assert_int_equal(w.nwire, 1);
    pass(SEND_AFTER_PAUSE_MS);
    assert_int_equal(w.nwire, 2);
    assert_int_equal(w.asked[ASKED_DEVICES], 4);
}

/* Without a key it is not sent, and the caller learns whose wish that is. */
static void in_a_pause_of_the_server_without_a_key(void **state)
{
    (void)state;
    iq_pause_begin(&w.r.b.iq.pauses, IQ_KIND_PREKEYS, 3600, clock_mono_ms(w.r.b.clock));
    w.session_error = WB_ERR_RATE_LIMITED;
    send_text(0, CONTACT, "soon");
    pass(30 * 1000);
    assert_int_equal(w.answers[0].result, CMD_RATE_LIMITED);
    w.session_error = WB_OK;
    pass(3600 * 1000);
    assert_int_equal(w.nwire, 0);
}

/* Nothing goes out any more: whoever waits is told, whatever the send had reached. */
static void a_logout_tells_all_who_wait(void **state)
{
    struct send_request sealed = keyed(CONTACT, "a", "on the wire");
    struct send_request queued = keyed("27820000012", "b", "in the queue");

    (void)state;
    send_with(0, &sealed);
    send_text(1, CONTACT, "also on the wire");
    assert_int_equal(w.nwire, 2);
    go_offline();
    send_with(2, &queued);
    events_emit_kind(&w.r.b.events, BRIDGE_EV_LOGGED_OUT);
    assert_int_equal(w.answers[0].result, CMD_OUTCOME_UNKNOWN);
    assert_string_equal(w.answers[0].id, wire_id(0));
    assert_int_equal(w.answers[1].result, CMD_OUTCOME_UNKNOWN);
    assert_int_equal(w.answers[2].result, CMD_NOT_CONNECTED);
    assert_int_equal(w.r.b.out_message->nopen, 0);
    pass(31 * 1000);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w.answers[i].calls, 1);
}

/* The rows are in the file that was set aside: nothing of them may be tried on the new link. */
static void a_new_link_starts_with_an_empty_queue(void **state)
{
    struct send_request queued = keyed(CONTACT, "b", "in the queue");

    (void)state;
    send_text(0, CONTACT, "on the wire");
    go_offline();
    send_with(1, &queued);
    events_emit_kind(&w.r.b.events, BRIDGE_EV_LOGGED_OUT);
    send_with(2, &queued); /* somebody asks, which looks into the outbox again */
    assert_int_equal(w.r.b.out_message->nopen, 2);
    OK(db_exec(&w.r.f.s->wa, "DELETE FROM bridge_outbox"));
    events_emit_kind(&w.r.b.events, BRIDGE_EV_PAIRED);
    assert_int_equal(w.answers[2].result, CMD_NOT_CONNECTED);
    go_online();
    pass(SEND_EXPIRES_S * INT64_C(1000) + 1000);
    assert_int_equal(w.nwire, 1);
    assert_false(w.r.dropped);
    send_text(3, CONTACT, "the first of the new link");
    assert_int_equal(w.nwire, 2);
}

/* A message waits behind one that makes no progress: this wait is not the spacing of first
 * messages. */
static void behind_a_slow_one(void **state)
{
    struct send_request slow = keyed(CONTACT, "k", "slow");

    (void)state;
    w.config.first_contact_s = 20;
    w.hold = true;
    slow.wait_s = 0;
    send_with(0, &slow);
    send_text(1, CONTACT, "behind it");
    pass(31 * 1000);
    assert_int_equal(w.answers[1].result, CMD_NOT_SENT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(same_key_same_answer),
        T(same_key_same_refusal),
        T(disconnected_callers),
        T(a_short_outage_is_waited_for),
        T(expired_sends_never_leave),
        T(abandoned_callers),
        T(no_ack_is_an_unknown_outcome),
        T(a_receipt_before_the_ack),
        T(reconnect_sends_the_same_bytes),
        T(restart_sends_the_same_bytes),
        T(crash_after_the_wire),
        T(a_missing_ack_on_a_good_connection),
        T(old_unconfirmed_sends_are_given_up),
        T(a_wall_clock_that_jumps_gives_nothing_up),
        T(a_slow_chat_holds_up_nobody_else),
        T(order_is_kept_when_the_lid_becomes_known),
        T(order_is_kept_over_a_failure_and_a_restart),
        T(a_restart_cancels_what_has_no_key),
        T(a_key_from_before_a_restore),
        T(final_rows_go_after_a_week),
        T(trouble_that_passes),
        T(a_pause_of_the_server_is_shared),
        T(in_a_pause_of_the_server_without_a_key),
        T(a_logout_tells_all_who_wait),
        T(a_new_link_starts_with_an_empty_queue),
        T(behind_a_slow_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
