/* Sending, from a caller's request to the ack: with a real store and devices that decrypt. */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/people/mex.h"
#include "bridge/people/phash.h"
#include "bridge/people/tctoken.h"
#include "store/messages/contacts.h"
#include "store/session/retry.h"
#include "store/session/tokens.h"

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

/* The message would be the newest one for ever. */
static void an_ack_of_the_far_future_is_of_now(void **state)
{
    (void)state;
    bridge_server_time(&w.r.b, fixture_time);
    send_text(0, CONTACT, "now");
    ack_at(wire_id(0), 0, NULL, 9000000000000000000);
    assert_int_equal(w.answers[0].result, CMD_OK);
    assert_int_equal(w.answers[0].timestamp, fixture_time);
    assert_string_equal(peek_sql(w.r.f.msg, "SELECT timestamp FROM messages"), "1790000000");
    send_text(1, CONTACT, "in milliseconds");
    ack_at(wire_id(1), 0, NULL, 1790000123000);
    assert_int_equal(w.answers[1].timestamp, 1790000123);
}

/* P-SD-43: the timer of the chat, noted when the other side spoke of it. */
static void disappearing_private_messages_say_so(void **state)
{
    struct jid lid = J("222000011@lid");
    struct content c;

    (void)state;
    OK(store_chat_timer_put(w.r.f.s, &lid, 86400, 1790000010, fixture_time));
    send_text(0, CONTACT, "gone soon");
    c = read_as("222000011@lid", wire_node(0));
    assert_int_equal(c.kind, CONTENT_EXTENDED_TEXT);
    assert_true(c.context.has_expiration);
    assert_int_equal(c.context.expiration, 86400);
    assert_int_equal(c.context.ephemeral_setting_timestamp, 1790000010);
    ack(wire_id(0));
    OK(store_chat_timer_put(w.r.f.s, &lid, 0, 1790000020, fixture_time));
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

/* ---- acks ---- */

static void refusals(void **state)
{
    struct jid lid = J("222000011@lid");

    (void)state;
    send_text(0, CONTACT, "x");
    ack_with(wire_id(0), 463, NULL);
    assert_int_equal(w.answers[0].result, CMD_REFUSED);
    assert_int_equal(w.answers[0].code, 463);
    assert_int_equal(niqs, 2); /* are we restricted? and our token, for the next time */
    assert_non_null(strstr(last_iq, "trusted_contact"));
    assert_non_null(strstr(last_iq, "222000011@lid"));
    OK(time_lock_told(w.r.b.time_lock, &(struct mex_time_lock){.active = false}));
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
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(first_private_message),
        T(second_private_message_needs_no_questions_about_keys),
        T(an_ack_of_the_far_future_is_of_now),
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
        T(refusals),
        T(tokens_go_along),
        T(our_token_is_given_once_a_week),
        T(the_server_knows_other_devices),
        T(cstoken_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
