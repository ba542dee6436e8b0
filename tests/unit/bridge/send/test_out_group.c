/* Sending to groups: sender keys and who is given them, addressing, mentions, membership. */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/people/phash.h"
#include "store/messages/messages.h"

#define GROUP "120363000000000001@g.us"

static int setup(void **state)
{
    (void)state;
    world_init();
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    return 0;
}

static const struct node *group_enc(const struct node *message)
{
    const struct node *enc = node_child(message, "enc");

    assert_non_null(enc);
    assert_attr(enc, "type", "skmsg");
    assert_attr(enc, "v", "2");
    return enc;
}

/* The device takes the key, if the stanza has one for it, and reads the message. */
static enum wb_err reads(const char *device, const struct node *message, const char *text)
{
    struct jid j = J(device);
    const struct node *own = enc_for(message, device);
    struct content c;
    enum wb_err err;

    if (own) {
        OK(peer_read(peer_of(&j), own, &c));
        assert_span(c.skdm_group, GROUP);
    }
    err = peer_read(peer_of(&j), group_enc(message), &c);
    if (err == WB_OK)
        assert_span(c.text, text);
    return err;
}

static void assert_phash(const struct node *m, const char *const *devices, size_t n)
{
    struct jid all[8];
    char text[PHASH_TEXT_BYTES];

    for (size_t i = 0; i < n; i++)
        all[i] = J(devices[i]);
    OK(phash_of(all, n, text));
    assert_attr(m, "phash", text);
}

static void first_and_second_message(void **state)
{
    static const char *const everybody[] = {"222000011@lid", "222000011:3@lid",
                                            "111000111@lid", "111000111:9@lid",
                                            "222000012@lid", "111000111:7@lid"};
    const struct node *m;

    (void)state;
    send_text(0, GROUP, "hello all");
    m = wire_node(0);
    assert_attr(m, "to", GROUP);
    assert_attr(m, "type", "text");
    assert_attr(m, "addressing_mode", "lid");
    assert_phash(m, everybody, 6);
    assert_int_equal(recipients(m), 5);
    assert_true(node_is(m->first, "participants"));
    assert_true(node_is(m->first->next, "device-identity"));
    assert_true(node_is(m->last, "enc"));
    for (size_t i = 0; i < 5; i++)
        OK(reads(everybody[i], m, "hello all"));
    ack(wire_id(0));
    assert_int_equal(w.answers[0].result, CMD_OK);
    assert_look(&w.r, "SELECT chat_jid||content||addressing FROM messages", GROUP "hello alllid");

    send_text(1, GROUP, "again");
    m = wire_node(1);
    assert_null(node_child(m, "participants"));
    assert_null(node_child(m, "device-identity"));
    assert_phash(m, everybody, 6);
    for (size_t i = 0; i < 5; i++)
        OK(reads(everybody[i], m, "again"));
    assert_int_equal(w.asked[ASKED_SESSIONS], 1);
    assert_int_equal(niqs, 0); /* no privacy tokens in groups */
}

static void a_newcomer_gets_the_key(void **state)
{
    const struct node *m;

    (void)state;
    send_text(0, GROUP, "one");
    ack(wire_id(0));
    add_member("222000014@lid", NULL);
    add_peer("222000014@lid");
    add_peer("222000012:2@lid"); /* and somebody linked a device */
    send_text(1, GROUP, "two");
    m = wire_node(1);
    assert_int_equal(recipients(m), 2);
    OK(reads("222000014@lid", m, "two"));
    OK(reads("222000012:2@lid", m, "two"));
    /* From now on, not what was before (P-SG-30). */
    assert_int_equal(reads("222000014@lid", wire_node(0), ""), WB_ERR_OLD_COUNTER);
}

static void after_somebody_left_the_key_is_another(void **state)
{
    const struct node *m;

    (void)state;
    send_text(0, GROUP, "one");
    OK(reads("222000012@lid", wire_node(0), "one"));
    ack(wire_id(0));
    w.group.nmembers--; /* 222000012 */
    send_text(1, GROUP, "two");
    m = wire_node(1);
    assert_int_equal(recipients(m), 4);
    assert_null(enc_for(m, "222000012@lid"));
    OK(reads("222000011@lid", m, "two"));
    assert_int_equal(reads("222000012@lid", m, "two"), WB_ERR_BAD_KEY_ID);
    ack(wire_id(1));
    send_text(2, GROUP, "three");
    assert_int_equal(recipients(wire_node(2)), 0);
}

static void skipped_devices_get_the_key_next_time(void **state)
{
    struct jid late = J("222000012@lid");

    (void)state;
    peer_of(&late)->no_keys = true;
    send_text(0, GROUP, "one");
    assert_int_equal(recipients(wire_node(0)), 4);
    ack(wire_id(0));
    peer_of(&late)->no_keys = false;
    send_text(1, GROUP, "two");
    assert_int_equal(recipients(wire_node(1)), 1);
    OK(reads("222000012@lid", wire_node(1), "two"));
}

/* Nobody could read it: it waits until the server tells the devices. */
static void no_devices_are_told(void **state)
{
    (void)state;
    w.device_error = WB_ERR_REFUSED;
    send_text(0, GROUP, "one");
    assert_int_equal(w.nwire, 0);
    w.device_error = WB_OK;
    pass(SEND_RETRY_FIRST_MS);
    assert_int_equal(recipients(wire_node(0)), 5);
    OK(reads("222000012@lid", wire_node(0), "one"));
}

/* A refusal, or nonsense, says nothing about the devices of those who are not known: they are not
 * left out for it. */
static void whose_devices_are_not_told_is_not_left_out(void **state)
{
    static const enum wb_err errors[] = {WB_ERR_REFUSED, WB_ERR_PROTOCOL, WB_ERR_TIMEOUT};

    (void)state;
    w.told_all_the_same = 3; /* of five devices */
    for (size_t i = 0; i < 3; i++) {
        w.device_error = errors[i];
        send_text(i, GROUP, "one");
        assert_int_equal(w.nwire, i);
        w.device_error = WB_OK;
        pass(SEND_RETRY_FIRST_MS);
        assert_int_equal(w.nwire, i + 1);
        ack(wire_id(i));
    }
    OK(reads("222000012@lid", wire_node(0), "one"));
}

/* The group is asked for, and the devices of its members; nobody is given the key again because of
 * it (P-X2-13). */
static void the_server_knows_other_devices(void **state)
{
    (void)state;
    send_text(0, GROUP, "one");
    assert_int_equal(w.asked[ASKED_DEVICES], 1);
    ack_with(wire_id(0), 0, "2:AAAAAAAA");
    assert_int_equal(w.answers[0].result, CMD_OK); /* it was accepted */
    run();
    assert_int_equal(w.asked[ASKED_GROUP], 2);
    assert_int_equal(w.asked[ASKED_DEVICES], 2);
    send_text(1, GROUP, "two");
    assert_int_equal(recipients(wire_node(1)), 0);
}

/* The server's word that members differ, or a request to send again, is no reason to forget who has
 * the key: it changes when they have left. */
static void doubts_do_not_keep_a_key(void **state)
{
    (void)state;
    send_text(0, GROUP, "one");
    OK(reads("222000012@lid", wire_node(0), "one"));
    ack_with(wire_id(0), 0, "2:AAAAAAAA");
    w.group.nmembers--; /* 222000012 had left: that was the difference */
    send_text(1, GROUP, "two");
    assert_int_equal(recipients(wire_node(1)), 4);
    OK(reads("222000011@lid", wire_node(1), "two"));
    assert_int_equal(reads("222000012@lid", wire_node(1), "two"), WB_ERR_BAD_KEY_ID);
}

static void the_same_hash_changes_nothing(void **state)
{
    (void)state;
    send_text(0, GROUP, "one");
    ack_with(wire_id(0), 0,
             arena_cstr(&w.r.arena, node_attr_str(wire_node(0), "phash", &w.r.arena)));
    send_text(1, GROUP, "two");
    assert_int_equal(recipients(wire_node(1)), 0);
}

static void group_by_phone_number(void **state)
{
    static const char *const everybody[] = {
        "27820000011@s.whatsapp.net", "27820000012@s.whatsapp.net", "27820000001:7@s.whatsapp.net"};
    struct jid lid = J("222000011@lid"), pn = J("27820000011@s.whatsapp.net");
    const struct node *m;

    (void)state;
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    make_group(STORE_ADDRESSING_PN);
    add_peer("27820000011@s.whatsapp.net");
    add_peer("27820000012@s.whatsapp.net");
    add_peer("27820000012:99@hosted"); /* no group keys for Meta's devices */
    send_text(0, GROUP, "hi");
    m = wire_node(0);
    assert_false(node_has_attr(m, "addressing_mode"));
    assert_phash(m, everybody, 3);
    assert_int_equal(recipients(m), 2);
    OK(reads("27820000011@s.whatsapp.net", m, "hi"));
    OK(reads("27820000012@s.whatsapp.net", m, "hi"));
    /* Kept under the LID where it is known, and our key under our LID. */
    assert_look_wa(&w.r,
                   "SELECT group_concat(their_id) FROM (SELECT their_id FROM "
                   "whatsmeow_sessions ORDER BY their_id)",
                   "222000011_1:0,27820000012:0");
    assert_look_wa(&w.r, "SELECT sender_id FROM whatsmeow_sender_keys", "111000111_1:7");
}

/* ---- may we? ---- */

static void not_a_member(void **state)
{
    (void)state;
    memmove(w.members, w.members + 1, 2 * sizeof w.members[0]);
    w.group.nmembers = 2;
    send_text(0, GROUP, "x");
    assert_int_equal(w.answers[0].result, CMD_REFUSED);
    assert_non_null(strstr(w.answers[0].text, "not a member"));
    assert_int_equal(w.asked[ASKED_GROUP], 2); /* what was cached was looked up afresh */
    w.group_error = WB_ERR_REFUSED;
    w.group_code = 403;
    send_text(0, GROUP, "x");
    assert_int_equal(w.answers[0].result, CMD_REFUSED);
    assert_int_equal(w.answers[0].code, 403);
    w.group_error = WB_ERR_NOT_FOUND;
    send_text(0, GROUP, "x");
    assert_int_equal(w.answers[0].result, CMD_NOT_FOUND);
    assert_int_equal(w.nwire, 0);
}

static void only_admins_write(void **state)
{
    (void)state;
    w.group.announce = true;
    send_text(0, GROUP, "x");
    assert_int_equal(w.answers[0].result, CMD_REFUSED);
    assert_non_null(strstr(w.answers[0].text, "admins"));
    w.members[0].rank = STORE_ADMIN;
    send_text(1, GROUP, "x");
    assert_int_equal(w.nwire, 1);
}

static void disappearing_messages_say_so(void **state)
{
    struct content c;
    struct jid j = J("222000011@lid");

    (void)state;
    w.group.ephemeral_s = 604800;
    send_text(0, GROUP, "gone soon");
    OK(peer_read(peer_of(&j), enc_for(wire_node(0), "222000011@lid"), &c));
    OK(peer_read(peer_of(&j), group_enc(wire_node(0)), &c));
    assert_int_equal(c.kind, CONTENT_EXTENDED_TEXT);
    assert_true(c.context.has_expiration);
    assert_int_equal(c.context.expiration, 604800);
}

/* ---- mentions and replies ---- */

static struct content content_at(const char *device, size_t i)
{
    struct jid j = J(device);
    const struct node *m = wire_node(i);
    struct content c;

    if (enc_for(m, device))
        OK(peer_read(peer_of(&j), enc_for(m, device), &c));
    OK(peer_read(peer_of(&j), group_enc(m), &c));
    return c;
}

static void mentions(void **state)
{
    struct send_request q = request(GROUP, "please correct @27820000012");
    struct span who[2] = {SPAN_LIT("27820000012"), SPAN_LIT("27820000099")};
    struct content c;

    (void)state;
    q.mentions = who;
    q.nmentions = 1;
    send_with(0, &q);
    c = content_at("222000012@lid", 0);
    assert_span(c.text, "please correct @222000012");
    assert_int_equal(c.context.nmentioned, 1);
    assert_span(c.context.mentioned[0], "222000012@lid");
    ack(wire_id(0));
    assert_look(&w.r, "SELECT content||' '||mentions FROM messages",
                "please correct @222000012 [\"222000012@lid\"]");
    q.nmentions = 2;
    send_with(1, &q);
    assert_int_equal(w.answers[1].result, CMD_ABSENT_MENTION);
    assert_non_null(strstr(w.answers[1].text, "27820000099@s.whatsapp.net"));
    assert_int_equal(w.nwire, 1);
    q.allow_absent_mentions = true;
    send_with(2, &q);
    c = content_at("222000012@lid", 1);
    assert_span(c.text, "@27820000099 please correct @222000012");
    assert_int_equal(c.context.nmentioned, 2);
}

/* A member of whom the group tells the LID alone is found by asking for the number's LID. */
static void a_hidden_member_is_found(void **state)
{
    struct send_request q = request(GROUP, "you");
    struct span who = SPAN_LIT("27820000013");

    (void)state;
    add_member("222000013@lid", NULL);
    add_peer("222000013@lid");
    q.mentions = &who;
    q.nmentions = 1;
    send_with(0, &q);
    assert_span(content_at("222000013@lid", 0).text, "@222000013 you");
}

/* Somebody who joined just now is no stranger. */
static void absent_only_after_a_fresh_look(void **state)
{
    struct send_request q = request(GROUP, "welcome");
    struct span who = SPAN_LIT("222000014@lid");
    struct pending p;

    (void)state;
    q.mentions = &who;
    q.nmentions = 1;
    w.hold = true;
    send_with(0, &q);
    p = w.pending[0];
    assert_int_equal(p.how, GROUP_INFO_CACHED);
    w.npending = 0;
    answer_group(&p);
    add_member("222000014@lid", NULL);
    add_peer("222000014@lid");
    assert_int_equal(w.pending[0].how, GROUP_INFO_FRESH);
    w.hold = false;
    run();
    assert_span(content_at("222000014@lid", 0).text, "@222000014 welcome");
}

static void everybody_is_mentioned(void **state)
{
    struct send_request q = request(GROUP, "all of you");
    struct content c;

    (void)state;
    q.mention_all = true;
    w.hold = true;
    send_with(0, &q);
    assert_int_equal(w.pending[0].how, GROUP_INFO_FRESH);
    w.hold = false;
    run();
    c = content_at("222000011@lid", 0);
    assert_span(c.text, "all of you");
    assert_true(c.context.mentions_all);
    assert_int_equal(c.context.nmentioned, 2);
}

static void replies(void **state)
{
    struct store_message row = {.id = SPAN_LIT("ASKED1"),
                                .chat = J(GROUP),
                                .sender = J("222000012:1@lid"),
                                .sender_alt = J("27820000012:1@s.whatsapp.net"),
                                .timestamp = fixture_time,
                                .content = SPAN_LIT("which one?"),
                                .kind = "text"};
    struct send_request q = request(GROUP, "the left one");
    struct jid lid = J("222000012@lid"), pn = J("27820000012@s.whatsapp.net");
    enum store_message_outcome outcome;
    struct content c, quoted;

    (void)state;
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    OK(store_message_put(w.r.f.s, &row, &outcome));
    q.reply_to = SPAN_LIT("ASKED1");
    send_with(0, &q);
    c = content_at("222000011@lid", 0);
    assert_span(c.text, "the left one");
    assert_span(c.context.stanza_id, "ASKED1");
    assert_span(c.context.participant, "222000012@lid");
    OK(content_decode(c.context.quoted, &w.r.arena, &quoted));
    assert_span(quoted.text, "which one?");
    ack(wire_id(0));
    assert_look(&w.r, "SELECT quoted_id||' '||quoted_sender FROM messages WHERE is_from_me",
                "ASKED1 27820000012@s.whatsapp.net");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(first_and_second_message),
        T(a_newcomer_gets_the_key),
        T(after_somebody_left_the_key_is_another),
        T(skipped_devices_get_the_key_next_time),
        T(no_devices_are_told),
        T(whose_devices_are_not_told_is_not_left_out),
        T(the_server_knows_other_devices),
        T(doubts_do_not_keep_a_key),
        T(the_same_hash_changes_nothing),
        T(group_by_phone_number),
        T(not_a_member),
        T(only_admins_write),
        T(disappearing_messages_say_so),
        T(mentions),
        T(a_hidden_member_is_found),
        T(absent_only_after_a_fresh_look),
        T(everybody_is_mentioned),
        T(replies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
