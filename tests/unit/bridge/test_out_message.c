/* Sending, from a caller's request to the ack: with a real store and devices that decrypt. */
#include "send_fixture.h"

#include "bridge/phash.h"
#include "bridge/tctoken.h"
#include "store/contacts.h"
#include "store/retry.h"
#include "store/state.h"
#include "store/tokens.h"

#define CONTACT "27820000011"
#define GROUP   "120363000000000001@g.us"

static int setup(void **state)
{
    (void)state;
    world_init();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_free();
    return 0;
}

static struct content read_as(const char *device, const struct node *message)
{
    struct jid j = J(device);
    const struct node *enc = enc_for(message, device);
    struct content c;

    assert_non_null(enc);
    OK(peer_read(peer_of(&j), enc, &c));
    return c;
}

/* ---- 1:1 ---- */

static void first_private_message(void **state)
{
    const struct node *m;
    struct content c;

    (void)state;
    send_text(0, "+27 82 000 0011", "hello");
    assert_int_equal(w.nwire, 1);
    assert_false(w.answers[0].given);
    m = wire_node(0);
    assert_true(node_is(m, "message"));
    assert_attr(m, "type", "text");
    assert_attr(m, "to", "222000011@lid");
    assert_attr(m, "peer_recipient_pn", "27820000011@s.whatsapp.net");
    assert_false(node_has_attr(m, "phash"));
    assert_int_equal(recipients(m), 4);
    assert_true(node_is(m->first, "participants"));
    assert_true(node_is(m->first->next, "device-identity"));
    assert_null(m->first->next->next);
    assert_attr(enc_for(m, "222000011@lid"), "type", "pkmsg");
    assert_attr(enc_for(m, "222000011@lid"), "v", "2");
    for (int i = 0; i < 2; i++) {
        c = read_as(i ? "222000011:3@lid" : "222000011@lid", m);
        assert_int_equal(c.kind, CONTENT_TEXT);
        assert_span(c.text, "hello");
        assert_false(c.device_sent);
        c = read_as(i ? "111000111:9@lid" : "111000111@lid", m);
        assert_true(c.device_sent);
        assert_span(c.destination, "222000011@lid");
        assert_span(c.text, "hello");
    }
    ack(wire_id(0));
    assert_int_equal(w.answers[0].calls, 1);
    assert_int_equal(w.answers[0].result, CMD_OK);
    assert_int_equal(w.answers[0].timestamp, 1790000123);
    assert_string_equal(w.answers[0].id, wire_id(0));
    assert_string_equal(w.answers[0].recipient, "27820000011@s.whatsapp.net");
    assert_look(&w.r,
                "SELECT chat_jid||' '||sender||' '||content||' '||is_from_me||' '||timestamp"
                " FROM messages",
                "27820000011@s.whatsapp.net 27820000001 hello 1 1790000123");
    assert_look_wa(&w.r, "SELECT state||' '||(sealed IS NULL) FROM bridge_outbox", "2 1");
    assert_non_null(strstr(w.r.events[0], "27820000011@s.whatsapp.net 3EB0"));
}

static void second_private_message_needs_no_questions_about_keys(void **state)
{
    const struct node *m;

    (void)state;
    send_text(0, CONTACT, "one");
    ack(wire_id(0));
    assert_int_equal(w.asked[ASKED_LIDS], 1);
    read_as("222000011@lid", wire_node(0));
    send_text(1, "222000011@lid", "two");
    assert_int_equal(w.asked[ASKED_LIDS], 1);
    m = wire_node(1);
    /* Until the device has answered, its messages carry the prekey part. */
    assert_attr(enc_for(m, "222000011@lid"), "type", "pkmsg");
    assert_attr(m, "peer_recipient_pn", "27820000011@s.whatsapp.net");
    assert_span(read_as("222000011@lid", m).text, "two");
    ack(wire_id(1));
    assert_int_equal(w.answers[1].result, CMD_OK);
    assert_string_equal(w.answers[1].recipient, "222000011@lid");
    /* One chat in messages.db, under the phone number. */
    assert_look(&w.r, "SELECT count(DISTINCT chat_jid)||' '||count(*) FROM messages", "1 2");
}

/* As it is copied out of a log. */
static void a_devices_jid_means_the_person(void **state)
{
    (void)state;
    send_text(0, "27820000011:7@s.whatsapp.net", "one");
    assert_attr(wire_node(0), "to", "222000011@lid");
    ack(wire_id(0));
    assert_string_equal(w.answers[0].recipient, "27820000011@s.whatsapp.net");
    send_text(1, "222000011:3@lid", "two");
    assert_attr(wire_node(1), "to", "222000011@lid");
}

/* P-SD-43: the timer of the chat, noted when the other side spoke of it. */
static void disappearing_private_messages_say_so(void **state)
{
    struct jid lid = J("222000011@lid");
    struct content c;

    (void)state;
    OK(store_chat_timer_put(w.r.f.s, &lid, 86400, 1790000010));
    send_text(0, CONTACT, "gone soon");
    c = read_as("222000011@lid", wire_node(0));
    assert_int_equal(c.kind, CONTENT_EXTENDED_TEXT);
    assert_true(c.context.has_expiration);
    assert_int_equal(c.context.expiration, 86400);
    assert_int_equal(c.context.ephemeral_setting_timestamp, 1790000010);
    ack(wire_id(0));
    OK(store_chat_timer_put(w.r.f.s, &lid, 0, 1790000020));
    send_text(1, CONTACT, "to stay");
    c = read_as("222000011@lid", wire_node(1));
    assert_int_equal(c.kind, CONTENT_TEXT);
}

static void devices_without_keys_are_left_out(void **state)
{
    (void)state;
    w.peers[1].no_keys = w.peers[3].no_keys = true;
    send_text(0, CONTACT, "hello");
    assert_int_equal(recipients(wire_node(0)), 2);
    assert_null(enc_for(wire_node(0), "222000011:3@lid"));
    ack(wire_id(0));
    assert_int_equal(w.answers[0].result, CMD_OK);
}

static void nobody_to_encrypt_for(void **state)
{
    (void)state;
    w.peers[0].no_keys = w.peers[1].no_keys = true;
    send_text(0, CONTACT, "hello");
    assert_int_equal(w.nwire, 0);
    assert_false(w.answers[0].given);
    pass(31 * 1000);
    assert_int_equal(w.answers[0].result, CMD_NOT_SENT);
    assert_string_equal(w.answers[0].id, "");
    assert_non_null(strstr(w.answers[0].text, "no session"));
    /* Nothing comes later. */
    w.peers[0].no_keys = false;
    pass(600 * 1000);
    assert_int_equal(w.nwire, 0);
}

/* Our own devices were encrypted for when it turned out that the recipient's cannot be: their
 * ratchets must be where they were. */
static void half_a_message_moves_no_ratchet(void **state)
{
    static const char piece[] =
        "SELECT substr(session, %d, 900) FROM whatsmeow_sessions WHERE their_id = '111000111_1:0'";
    char before[4][1000], sql[200];

    (void)state;
    w.peers[0].no_keys = w.peers[1].no_keys = true;
    send_text(0, CONTACT, "hello");
    OK(batch_commit(&w.r.b));
    for (int i = 0; i < 4; i++) {
        snprintf(sql, sizeof sql, piece, 1 + 900 * i);
        snprintf(before[i], sizeof before[i], "%s", look_wa(&w.r, sql));
    }
    assert_string_not_equal(before[0], "");
    pass(2000);
    assert_int_equal(w.asked[ASKED_SESSIONS], 2);
    OK(batch_commit(&w.r.b));
    for (int i = 0; i < 4; i++) {
        snprintf(sql, sizeof sql, piece, 1 + 900 * i);
        assert_look_wa(&w.r, sql, before[i]);
    }
}

static void not_on_whatsapp(void **state)
{
    (void)state;
    send_text(0, "27831112222", "hello");
    assert_int_equal(w.answers[0].result, CMD_NOT_ON_WHATSAPP);
    send_text(1, "999888777@lid", "hello");
    assert_int_equal(w.answers[1].result, CMD_NOT_ON_WHATSAPP);
    assert_int_equal(w.nwire, 0);
}

static void to_ourselves(void **state)
{
    const struct node *m;
    struct jid lid = J("111000111@lid"), pn = J("27820000001@s.whatsapp.net");

    (void)state;
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    send_text(0, "27820000001", "note");
    m = wire_node(0);
    assert_attr(m, "to", "111000111@lid");
    assert_int_equal(recipients(m), 2);
    assert_true(read_as("111000111@lid", m).device_sent);
}

/* What our phone is asked for is no send, but its ack counts: without one it is asked again. */
static void acks_of_requests_to_the_phone_are_noted(void **state)
{
    struct store_retry_owed o = {.id = "A1",
                                 .chat = J("222000011@lid"),
                                 .sender = J("222000011@lid"),
                                 .stanza_from = J("222000011@lid"),
                                 .count = 4,
                                 .timestamp = fixture_time,
                                 .enc_type = "msg",
                                 .reason = "BAD_MAC"};
    struct jid lid = J("111000111@lid"), pn = J("27820000001@s.whatsapp.net");
    const char *id;

    (void)state;
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    send_text(0, "27820000001", "so that there is a session");
    ack(wire_id(0));
    OK(store_retry_owed_put(w.r.f.s, &o));
    OK(batch_commit(&w.r.b));
    nsent = 0;
    events_emit_kind(&w.r.b.events, BRIDGE_EV_OFFLINE_DONE);
    OK(batch_commit(&w.r.b));
    assert_int_equal(nsent, 1);
    assert_non_null(strstr(sent[0], "category=\"peer\""));
    assert_look_wa(&w.r, "SELECT phone_asked FROM bridge_retry_owed", "1");
    id = strstr(sent[0], " id=\"");
    assert_non_null(id);
    ack(arena_cstr(&w.r.arena, SPAN(id + 5, strcspn(id + 5, "\""))));
    assert_look_wa(&w.r, "SELECT phone_asked FROM bridge_retry_owed", "2");
    nsent = 0;
    go_offline();
    go_online();
    events_emit_kind(&w.r.b.events, BRIDGE_EV_OFFLINE_DONE);
    OK(batch_commit(&w.r.b));
    assert_int_equal(nsent, 0);
}

/* ---- validation ---- */

static void bad_requests_have_no_effect(void **state)
{
    static const struct {
        const char *recipient, *text;
        enum cmd_result result;
    } rows[] = {
        {"", "x", CMD_BAD_RECIPIENT},
        {"bob", "x", CMD_BAD_RECIPIENT},
        {"0821234567", "x", CMD_BAD_RECIPIENT},
        {"123", "x", CMD_BAD_RECIPIENT},
        {"0821234567@s.whatsapp.net", "x", CMD_BAD_RECIPIENT},
        {"a@lid", "x", CMD_BAD_RECIPIENT},
        {"group@g.us", "x", CMD_BAD_RECIPIENT},
        {"status@broadcast", "x", CMD_BAD_RECIPIENT},
        {"1@newsletter", "x", CMD_BAD_RECIPIENT},
        {"27820000011@", "x", CMD_BAD_RECIPIENT},
        {CONTACT, "", CMD_BAD_REQUEST},
        {CONTACT, "bad \xff utf8", CMD_BAD_REQUEST},
    };
    struct send_request q;
    struct span bad = SPAN_LIT("nobody");

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        send_text(0, rows[i].recipient, rows[i].text);
        assert_int_equal(w.answers[0].calls, 1);
        assert_int_equal(w.answers[0].result, rows[i].result);
    }
    q = request(CONTACT, "x");
    q.media_path = SPAN_LIT("/tmp/x.jpg");
    send_with(0, &q);
    assert_int_equal(w.answers[0].result, CMD_NOT_YET);
    q = request(CONTACT, "x");
    q.mentions = &bad;
    q.nmentions = 1;
    send_with(0, &q);
    assert_int_equal(w.answers[0].result, CMD_BAD_REQUEST);
    assert_non_null(strstr(w.answers[0].text, "'nobody'"));
    q = request(CONTACT, "x");
    q.mention_all = true;
    send_with(0, &q);
    assert_int_equal(w.answers[0].result, CMD_BAD_REQUEST);
    q = request(CONTACT, "x");
    q.reply_to = SPAN_LIT("NOSUCH");
    send_with(0, &q);
    assert_int_equal(w.answers[0].result, CMD_NOT_FOUND);
    assert_int_equal(w.nwire, 0);
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_outbox", "0");
}

static void unlinked_bridge_says_so(void **state)
{
    (void)state;
    w.r.b.own_pn = (struct jid){0};
    send_text(0, CONTACT, "x");
    assert_int_equal(w.answers[0].result, CMD_NOT_CONNECTED);
}

/* ---- keys ---- */

static struct send_request keyed(const char *key, const char *text)
{
    struct send_request q = request(CONTACT, text);

    q.key = span_cstr(key);
    return q;
}

static void same_key_same_answer(void **state)
{
    struct send_request q = keyed("order-1", "hello"), other = keyed("order-1", "else");

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
    struct send_request q = keyed("order-2", "hello");

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
    struct send_request q = keyed("k", "with a key"), now = request(CONTACT, "not waiting");

    (void)state;
    go_offline();
    now.wait_s = 0;
    send_text(0, CONTACT, "no key");
    send_with(1, &q);
    send_with(2, &now);
    assert_int_equal(w.answers[2].result, CMD_ACCEPTED);
    assert_false(w.answers[0].given || w.answers[1].given);
    pass(31 * 1000);
    assert_int_equal(w.answers[0].result, CMD_NOT_CONNECTED);
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
    struct send_request q = keyed("k", "late");

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
    struct send_request q = keyed("k", "stays");
    uint64_t ticket;

    (void)state;
    go_offline();
    ticket = send_text(0, CONTACT, "gone");
    w.r.b.ops.send_abandon(&w.r.b, ticket);
    ticket = send_with(1, &q);
    w.r.b.ops.send_abandon(&w.r.b, ticket);
    w.r.b.ops.send_abandon(&w.r.b, 123456);
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
    OK(out_message_delivered(&w.r.b, span_cstr(id), 1700000123));
    OK(out_message_delivered(&w.r.b, SPAN_LIT("UNKNOWN"), 1));
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
    struct send_request q = keyed("k", "once");

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
    struct send_request q = keyed("old", "x");

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
    struct send_request q = keyed("jump", "x");

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
    struct send_request q = keyed("a", "first"), short_lived = keyed("b", "second");
    struct send_request last = keyed("c", "third");

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
    struct send_request q = keyed("k", "x");

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
    struct send_request q = keyed("k", "kept");

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

/* ---- acks ---- */

static void refusals(void **state)
{
    struct jid lid = J("222000011@lid");

    (void)state;
    send_text(0, CONTACT, "x");
    ack_with(wire_id(0), 463, NULL);
    assert_int_equal(w.answers[0].result, CMD_REFUSED);
    assert_int_equal(w.answers[0].code, 463);
    assert_int_equal(niqs, 1); /* our token, for the next time */
    assert_non_null(strstr(last_iq, "trusted_contact"));
    assert_non_null(strstr(last_iq, "222000011@lid"));
    OK(store_devices_put(w.r.f.s, &lid, &(struct store_device_list){0}));
    send_text(1, CONTACT, "y");
    ack_with(wire_id(1), 479, NULL);
    assert_int_equal(w.answers[1].code, 479);
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_devices", "0");
    assert_look(&w.r, "SELECT count(*) FROM messages", "0");
    /* The next one goes out. */
    send_text(2, CONTACT, "z");
    ack(wire_id(2));
    assert_int_equal(w.answers[2].result, CMD_OK);
    ack("3EB0NOTOURS"); /* not ours: passed over */
}

static void tokens_go_along(void **state)
{
    struct jid lid = J("222000011@lid");
    const struct node *m, *last;
    uint8_t want[32];

    (void)state;
    OK(store_nct_salt_put(w.r.f.s, SPAN_LIT("0123456789abcdef0123456789abcdef")));
    send_text(0, CONTACT, "x");
    m = wire_node(0);
    last = m->last;
    assert_true(node_is(last, "cstoken"));
    cstoken_make(SPAN_LIT("0123456789abcdef0123456789abcdef"), &lid, want);
    assert_true(span_eq(node_content_bytes(last), SPAN_ARRAY(want)));
    ack(wire_id(0));
    assert_int_equal(niqs, 1);
    OK(store_token_put(w.r.f.s, &lid, SPAN_LIT("theirs"), fixture_time));
    send_text(1, CONTACT, "y");
    last = wire_node(1)->last;
    assert_true(node_is(last, "tctoken"));
    assert_span(node_content_bytes(last), "theirs");
    ack(wire_id(1));
    assert_int_equal(niqs, 1); /* on its way already */
}

/* Once in each bucket of a week, and never to ourselves (P-SD-30). */
static void our_token_is_given_once_a_week(void **state)
{
    struct jid lid = J("222000011@lid"), own = J("111000111@lid");
    struct jid own_pn = J("27820000001@s.whatsapp.net");
    size_t sent_before = w.nwire;

    (void)state;
    OK(store_token_issued_put(w.r.f.s, &lid, fixture_time));
    send_text(0, CONTACT, "x");
    ack(wire_id(sent_before));
    assert_int_equal(niqs, 0);
    OK(store_token_issued_put(w.r.f.s, &lid, fixture_time - 8 * 86400));
    send_text(1, CONTACT, "y");
    ack(wire_id(sent_before + 1));
    assert_int_equal(niqs, 1);
    assert_non_null(strstr(last_iq, "222000011@lid"));
    OK(store_lid_put(w.r.f.s, &own, &own_pn, NULL));
    send_text(2, "27820000001", "note");
    ack(wire_id(sent_before + 2));
    assert_int_equal(niqs, 1);
}

/* Another hash in the ack: it was accepted, but the devices are asked for anew (P-SD-23). */
static void the_server_knows_other_devices(void **state)
{
    struct jid lid = J("222000011@lid"), own = J("111000111@lid"), other = J("333000001@lid");
    struct store_device one = {0};
    struct store_device_list list = {.devices = &one, .n = 1, .checked_at = fixture_time};
    static const char *const devices[] = {"222000011@lid", "222000011:3@lid", "111000111@lid",
                                          "111000111:9@lid", "111000111:7@lid"};
    struct jid all[5];
    char hash[PHASH_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        all[i] = J(devices[i]);
    OK(phash_of(all, 5, hash));
    OK(store_devices_put(w.r.f.s, &lid, &list));
    OK(store_devices_put(w.r.f.s, &own, &list));
    OK(store_devices_put(w.r.f.s, &other, &list));
    send_text(0, CONTACT, "x");
    ack_with(wire_id(0), 0, hash);
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_devices", "3");
    send_text(1, CONTACT, "y");
    ack_with(wire_id(1), 0, "2:AAAAAAAA");
    assert_int_equal(w.answers[1].result, CMD_OK);
    assert_look_wa(&w.r, "SELECT group_concat(user) FROM bridge_devices", "333000001@lid");
}

/* P-TV-15; salt K of the vectors is the bytes 00..1f. */
static void cstoken_vector(void **state)
{
    static const char want[] = "ef812e1c98edaffe65252e145b2b092d5ee37b1096a52fcaeeb492be743c0828";
    struct jid lid = J("15550001:3@lid");
    uint8_t salt[32], out[32];
    char hex[65];

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        salt[i] = (uint8_t)i;
    cstoken_make(SPAN_ARRAY(salt), &lid, out);
    for (unsigned i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
    assert_string_equal(hex, want);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(first_private_message),
        T(second_private_message_needs_no_questions_about_keys),
        T(disappearing_private_messages_say_so),
        T(devices_without_keys_are_left_out),
        T(nobody_to_encrypt_for),
        T(a_devices_jid_means_the_person),
        T(acks_of_requests_to_the_phone_are_noted),
        T(half_a_message_moves_no_ratchet),
        T(not_on_whatsapp),
        T(to_ourselves),
        T(bad_requests_have_no_effect),
        T(unlinked_bridge_says_so),
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
        T(refusals),
        T(tokens_go_along),
        T(our_token_is_given_once_a_week),
        T(the_server_knows_other_devices),
        T(cstoken_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
