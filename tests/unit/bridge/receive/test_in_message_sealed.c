/* A message that was sealed with the secret of another message (P-RC-52, P-RC-53, P-X2-19): it is
 * opened and has the effect that it would have in the clear; a message that cannot be opened says
 * what it is. */
#include "tests/unit/bridge/sealed_fixture.h"

#include "store/messages/contacts.h"
#include "store/session/lid_map.h"
#include "store/session/prekeys.h"

#define EVENT "SELECT coalesce(summary, content) FROM messages WHERE id = "

static void an_edit_changes_the_message(void **state)
{
    static const struct {
        const char *author, *sender;
    } forms[] = {{ALICE, ALICE}, {ALICE_LID, ALICE_LID}, {ALICE, ALICE_LID}, {ALICE_LID, ALICE}};
    struct receiver *r = *state;
    const struct jid lid = J(ALICE_LID), pn = J(ALICE);
    struct writer alice;

    OK(store_lid_put(r->f.s, &lid, &pn, NULL));
    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, carrying(r, &alice, stanza(r, ALICE, "A1"), text_with_secret(r, "frist")));
    assert_look(r, "SELECT content FROM messages", "frist");
    for (size_t i = 0; i < 4; i++) {
        const struct sealing s = {F_SECRET_EDIT,
                                  2,
                                  MSG_SECRET_MESSAGE_EDIT,
                                  "A1",
                                  forms[i].author,
                                  forms[i].sender,
                                  OWN_PHONE,
                                  NULL,
                                  true};
        char text[32], id[32];

        snprintf(text, sizeof text, "first, %zu", i);
        snprintf(id, sizeof id, "E%zu", i);
        fixture_time++;
        /* The stanza may come from either address. */
        receive(r, carrying(r, &alice, stanza(r, i % 2 ? ALICE_LID : ALICE, id),
                            sealed_message(r, &s, edit_of(r, "A1", text))));
        assert_look(r, "SELECT content FROM messages", text);
        assert_look(r, "SELECT count(*) FROM messages", "1");
        assert_int_equal(nsent, 1);
        has(sent[0], "<receipt");
    }
    writer_free(&alice);
}

/* Her own phone's other device: the edit comes to us as a copy. */
static void an_edit_of_our_own_phone(void **state)
{
    const struct sealing s = {
        F_SECRET_EDIT, 2, MSG_SECRET_MESSAGE_EDIT, "A1", OWN_PHONE, OWN_PHONE, ALICE, NULL, true};
    struct receiver *r = *state;
    struct writer phone;
    struct node *n;
    struct buf b = buf_new(1 << 16);

    writer_init(&phone, PHONE_NUMBER);
    writer_start(&phone, r);
    n = stanza(r, "111000111@lid", "A1");
    attr_jid(r, n, "recipient", ALICE);
    OK(content_encode_device_sent(SPAN_LIT(ALICE), text_with_secret(r, "frist"), &b));
    receive(r, carrying(r, &phone, n, keep(r, &b)));
    n = stanza(r, "111000111@lid", "E1");
    attr_jid(r, n, "recipient", ALICE);
    OK(content_encode_device_sent(SPAN_LIT(ALICE), sealed_message(r, &s, edit_of(r, "A1", "first")),
                                  &b));
    receive(r, carrying(r, &phone, n, keep(r, &b)));
    assert_look(r, "SELECT group_concat(content || is_from_me || chat_jid) FROM messages",
                "first1" ALICE);
    writer_free(&phone);
}

/* Bob has the secret too, since it went to the whole group: he may not edit with it. */
static void nobody_edits_what_another_wrote(void **state)
{
    struct receiver *r = *state;
    struct sealing s = {F_SECRET_EDIT, 2,    MSG_SECRET_MESSAGE_EDIT, "G1", ALICE, BOB, GROUP,
                        ALICE,         false};
    struct writer alice, bob;

    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_start(&alice, r);
    writer_start(&bob, r);
    receive(r, carrying(r, &alice, group_stanza(r, ALICE, "G1"), text_with_secret(r, "hers")));
    receive(r, carrying(r, &bob, group_stanza(r, BOB, "E1"),
                        sealed_message(r, &s, edit_of(r, "G1", "his"))));
    s.author = BOB;
    receive(r, carrying(r, &bob, group_stanza(r, BOB, "E2"),
                        sealed_message(r, &s, edit_of(r, "G1", "his"))));
    assert_look(r, "SELECT content FROM messages WHERE id = 'G1'", "hers");
    has(look(r, EVENT "'E1'"), "[edited] to G1 (cannot be read: ");
    has(look(r, EVENT "'E2'"), "[edited] to G1 (cannot be read: ");
    writer_free(&alice);
    writer_free(&bob);
}

static void votes_and_changes_of_a_poll(void **state)
{
    static const char *const names[] = {"Sushi", "Pizza", "Soup"};
    struct sealing s = {F_POLL_VOTE, 0,    MSG_SECRET_POLL_VOTE, "P1", ALICE_LID, BOB_LID, GROUP,
                        ALICE_LID,   false};
    struct receiver *r = *state;
    struct writer alice, bob;
    struct buf b = buf_new(1 << 12);
    size_t at, inner;

    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_start(&alice, r);
    writer_start(&bob, r);
    receive(r, carrying(r, &alice, group_stanza(r, ALICE_LID, "P1"), a_poll(r)));
    assert_look(r, EVENT "'P1'", "[poll] Lunch?: Pizza / Sushi");
    receive(r, carrying(r, &bob, group_stanza(r, BOB_LID, "V1"),
                        sealed_message(r, &s, a_vote(r, names, 2))));
    assert_look(
        r, "SELECT kind || coalesce(summary, content) || target_id FROM messages WHERE id = 'V1'",
        "poll_vote[poll vote] Sushi / Pizza to P1P1");
    receive(r, carrying(r, &bob, group_stanza(r, BOB_LID, "V2"),
                        sealed_message(r, &s, a_vote(r, names, 0))));
    assert_look(r, EVENT "'V2'", "[poll vote] taken back to P1");
    receive(r, carrying(r, &bob, group_stanza(r, BOB_LID, "V3"),
                        sealed_message(r, &s, a_vote(r, names + 2, 1))));
    assert_look(r, EVENT "'V3'", "[poll vote] an option that is not known to P1");
    /* One more option, which anybody may add: under either of the names that clients seal it by. */
    at = wire_open(&b, 121);
    inner = wire_open(&b, 2);
    wire_put_bytes(&b, 1, SPAN_LIT("Soup"));
    wire_close(&b, inner);
    wire_close(&b, at);
    s.field = F_SECRET_EDIT;
    s.type = 5;
    s.use = MSG_SECRET_POLL_ADD_OPTION;
    receive(r,
            carrying(r, &bob, group_stanza(r, BOB_LID, "O1"), sealed_message(r, &s, buf_span(&b))));
    s.use = MSG_SECRET_POLL_EDIT;
    receive(r,
            carrying(r, &bob, group_stanza(r, BOB_LID, "O2"), sealed_message(r, &s, buf_span(&b))));
    assert_look(r,
                "SELECT group_concat(kind || coalesce(summary, content)) FROM messages WHERE id IN "
                "('O1', 'O2')",
                "poll_add_option[new poll option] Soup to P1,"
                "poll_add_option[new poll option] Soup to P1");
    /* The whole a_poll, by who made it. */
    s.type = 4;
    s.sender = ALICE_LID;
    buf_clear(&b);
    OK(content_encode_poll(SPAN_LIT("Dinner?"), &(struct span){(const uint8_t *)"Pasta", 5}, 1, 1,
                           SPAN_NULL, &b));
    receive(r, carrying(r, &alice, group_stanza(r, ALICE_LID, "P2"),
                        sealed_message(r, &s, buf_span(&b))));
    assert_look(r, EVENT "'P1'", "[poll] Dinner?: Pasta");
    assert_look(r, "SELECT count(*) FROM messages WHERE id = 'P2'", "0");
    buf_free(&b);
    writer_free(&alice);
    writer_free(&bob);
}

/* In the announcement groups of communities. */
static void reactions_and_comments(void **state)
{
    struct sealing s = {F_REACTION, 0,     MSG_SECRET_REACTION, "G1", ALICE_LID,
                        BOB_LID,    GROUP, ALICE_LID,           false};
    struct receiver *r = *state;
    struct writer alice, bob;
    struct buf b = buf_new(1 << 12);

    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_start(&alice, r);
    writer_start(&bob, r);
    receive(r, carrying(r, &alice, group_stanza(r, ALICE_LID, "G1"), text_with_secret(r, "news")));
    wire_put_bytes(&b, 2, SPAN_LIT("\xf0\x9f\x91\x8d"));
    receive(r,
            carrying(r, &bob, group_stanza(r, BOB_LID, "R1"), sealed_message(r, &s, buf_span(&b))));
    assert_look(r, "SELECT reaction || message_id FROM reactions", "\xf0\x9f\x91\x8dG1");
    /* Taken back. */
    receive(r,
            carrying(r, &bob, group_stanza(r, BOB_LID, "R2"), sealed_message(r, &s, SPAN_LIT(""))));
    assert_look(r, "SELECT reaction || message_id FROM reactions", "G1");
    assert_look(r, "SELECT count(*) FROM messages", "1");
    s.field = F_COMMENT;
    s.use = MSG_SECRET_COMMENT;
    receive(r, carrying(r, &bob, group_stanza(r, BOB_LID, "C1"),
                        sealed_message(r, &s, text_message(r, "good news"))));
    assert_look(
        r, "SELECT kind || coalesce(summary, content) || target_id FROM messages WHERE id = 'C1'",
        "comment[comment] to G1 good newsG1");
    buf_free(&b);
    writer_free(&alice);
    writer_free(&bob);
}

static struct span event(struct receiver *r, const char *name)
{
    const struct content_extras extras = {.secret = SPAN_ARRAY(the_secret)};
    struct buf b = buf_new(1 << 12), text = buf_new(1 << 12);
    size_t at = wire_open(&b, 75);

    wire_put_bytes(&b, 3, span_cstr(name));
    wire_close(&b, at);
    OK(content_encode_text(SPAN_LIT(""), &extras, &text));
    buf_append(&b, span_skip(buf_span(&text), 2)); /* messageContextInfo alone */
    buf_free(&text);
    return keep(r, &b);
}

static void answers_to_an_event_and_its_changes(void **state)
{
    static const char *const words[] = {"unknown answer", "going", "not going", "maybe"};
    struct sealing s = {F_ANSWER, 0,    MSG_SECRET_EVENT_RESPONSE, "V1", ALICE, BOB, GROUP,
                        ALICE,    false};
    struct receiver *r = *state;
    struct writer alice, bob;

    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_start(&alice, r);
    writer_start(&bob, r);
    receive(r, carrying(r, &alice, group_stanza(r, ALICE, "V1"), event(r, "Picnic")));
    assert_look(r, EVENT "'V1'", "[event] Picnic");
    for (unsigned i = 0; i < 4; i++) {
        struct buf b = buf_new(64);
        char id[8], sql[128], want[128];

        snprintf(id, sizeof id, "R%u", i);
        snprintf(sql, sizeof sql,
                 "SELECT kind || coalesce(summary, content) FROM messages WHERE id = '%s'", id);
        snprintf(want, sizeof want, "event_response[event response] %s, with 2 more to V1",
                 words[i]);
        wire_put_uint(&b, 1, i);
        wire_put_uint(&b, 3, 2);
        receive(r,
                carrying(r, &bob, group_stanza(r, BOB, id), sealed_message(r, &s, buf_span(&b))));
        assert_look(r, sql, want);
        buf_free(&b);
    }
    s.field = F_SECRET_EDIT;
    s.type = 1;
    s.use = MSG_SECRET_EVENT_EDIT;
    s.sender = ALICE;
    receive(r, carrying(r, &alice, group_stanza(r, ALICE, "V2"),
                        sealed_message(r, &s, event(r, "Picnic at two"))));
    assert_look(r, EVENT "'V1'", "[event] Picnic at two");
    writer_free(&alice);
    writer_free(&bob);
}

#define BOT "867051314767696@bot"
/* What a bot answers to Q1, under this id; edit: "first", "inner", "last". */
static struct node *of_bot(struct receiver *r, const char *id, const char *edit,
                           const char *sealed_as, const char *text)
{
    static const uint8_t iv[12] = {4, 5, 6};
    const struct msg_secret m = {MSG_SECRET_BOT_MESSAGE, the_secret, span_cstr(sealed_as),
                                 SPAN_LIT("111000111@lid"), SPAN_LIT(BOT)};
    struct buf sealed = buf_new(1 << 12), b = buf_new(1 << 12);
    struct node *n = stanza(r, BOT, id), *child;

    OK(msg_secret_seal(&m, SPAN_ARRAY(iv), text_message(r, text), &sealed));
    wire_put_bytes(&b, 2, SPAN_ARRAY(iv));
    wire_put_bytes(&b, 3, buf_span(&sealed));
    add_enc(r, n, "msmsg", keep(r, &b));
    child = node_child_new(&r->arena, n, "meta");
    node_attr_text(&r->arena, child, "target_id", "Q1");
    attr_jid(r, child, "target_sender_jid", "111000111@lid");
    child = node_child_new(&r->arena, n, "bot");
    node_attr_text(&r->arena, child, "edit", edit);
    node_attr_text(&r->arena, child, "edit_target_id", "B1");
    buf_free(&sealed);
    return n;
}

/* The question was put on our phone, whose copy brings the secret. */
static void a_bot_answers_bit_by_bit(void **state)
{
    struct receiver *r = *state;
    struct writer phone;
    struct node *n;
    struct buf b = buf_new(1 << 16);

    writer_init(&phone, PHONE_NUMBER);
    writer_start(&phone, r);
    n = stanza(r, OWN_PHONE, "Q1");
    attr_jid(r, n, "recipient", BOT);
    OK(content_encode_device_sent(SPAN_LIT(BOT), text_with_secret(r, "how far is the moon?"), &b));
    receive(r, carrying(r, &phone, n, keep(r, &b)));
    receive(r, of_bot(r, "B1", "first", "B1", "It is"));
    assert_look(r, "SELECT content || chat_jid FROM messages WHERE id = 'B1'", "It is" BOT);
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    fixture_time++;
    receive(r, of_bot(r, "B2", "inner", "B1", "It is some 384,000"));
    fixture_time++;
    receive(r, of_bot(r, "B3", "last", "B3", "It is some 384,000 km"));
    assert_look(r, "SELECT content FROM messages WHERE id = 'B1'", "It is some 384,000 km");
    assert_look(r, "SELECT count(*) FROM messages", "2");
    has(sent[0], "<receipt");
    writer_free(&phone);
}

static void a_bots_answer_to_what_is_not_here(void **state)
{
    struct receiver *r = *state;

    for (int i = 0; i < 2; i++) { /* delivered twice */
        receive(r, of_bot(r, "B1", "first", "B1", "It is"));
        assert_int_equal(nsent, 1);
        has(sent[0], "error=\"495\"");
    }
    /* The bits that follow are of the same answer, also when the first one was missed. */
    for (int i = 0; i < 2; i++) {
        receive(r, of_bot(r, i ? "B3" : "B2", i ? "last" : "inner", "B1", "It is some"));
        has(sent[0], "error=\"495\"");
        has(sent[0], i ? "id=\"B3\"" : "id=\"B2\"");
    }
    assert_look(r, "SELECT group_concat(id) FROM messages", "B1");
    assert_look(r, "SELECT kind || coalesce(summary, content) || state FROM messages",
                "placeholder[open WhatsApp on the phone to see this message]"
                " (a bot's answer to a message that is not here)");
}

/* ---- what cannot be opened ---- */

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_edit_changes_the_message),     T(an_edit_of_our_own_phone),
        T(nobody_edits_what_another_wrote), T(votes_and_changes_of_a_poll),
        T(reactions_and_comments),          T(answers_to_an_event_and_its_changes),
        T(a_bot_answers_bit_by_bit),        T(a_bots_answer_to_what_is_not_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
