/* Receiving: in whose name a sender speaks, and that a batch that failed leaves nothing behind. */
#include "tests/unit/bridge/receive_people.h"

#include "proto/peer_wire.h"
#include "proto/web_message.h"
#include "store/messages/phone_requests.h"

static void receive_content(struct receiver *r, struct writer *w, const char *from, const char *id,
                            struct buf *message)
{
    struct node *n = stanza(r, from, id);

    add_sealed(r, w, n, keep(r, message));
    receive(r, n);
}

/* P-RC-17: only our own devices say in which chat their message belongs. */
static void somebody_elses_wrapper_names_no_chat(void **state)
{
    struct receiver *r = *state;
    struct buf b = buf_new(1 << 16);
    struct writer alice;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    OK(content_encode_device_sent(SPAN_LIT(BOB), text_message(r, "as if to Bob"), &b));
    receive_content(r, &alice, ALICE, "A1", &b);
    assert_look(r, "SELECT chat_jid||' '||sender||' '||is_from_me FROM messages",
                ALICE " 27820000011 0");
    writer_free(&alice);
}

static void a_private_chat_has_no_admins(void **state)
{
    struct receiver *r = *state;
    const struct content_key key = {
        .remote_jid = SPAN_LIT(ALICE), .id = SPAN_LIT("A1"), .participant = SPAN_LIT(BOB)};
    struct buf b = buf_new(1 << 16);
    struct writer alice;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "her own"));
    OK(content_encode_revoke(&key, &b)); /* the participant has no meaning here */
    receive_content(r, &alice, ALICE, "A2", &b);
    assert_look(r, "SELECT count(*)||' '||max(revoked_by) FROM messages", "1 " ALICE);
    assert_int_equal(r->b.refused.changes, 0);
    writer_free(&alice);
}

/* What comes beside a group's message is its key: the message speaks for the stanza (P-RC-20). */
static void a_key_beside_a_message_is_no_event_of_its_own(void **state)
{
    struct receiver *r = *state;
    struct node *n = group_stanza(r, BOB, "G1");
    struct writer bob;

    writer_init(&bob, 3);
    writer_start(&bob, r);
    OK(sender_key_create(bob.group_key, &bob.rng));
    add_sealed(r, &bob, n, key_message(r, &bob, GROUP));
    add_group_sealed(r, &bob, n, text_message(r, "hello all"));
    receive(r, n);
    assert_look(r, "SELECT content FROM messages", "hello all");
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_event_buffer", "0");
    /* A key that comes alone leaves no row: its ciphertext is what tells a copy from a loss. */
    n = group_stanza(r, BOB, "G2");
    add_sealed(r, &bob, n, key_message(r, &bob, GROUP));
    receive(r, n);
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_event_buffer", "1");
    writer_free(&bob);
}

static void a_chat_under_a_lid_moves_to_the_number(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE_LID, "A1", "by LID"));
    assert_look(r, "SELECT chat_jid||' '||sender FROM messages", ALICE_LID " 222000222");
    n = letter(r, &alice, ALICE_LID, "A2", "with the number");
    attr_jid(r, n, "sender_pn", ALICE);
    receive(r, n);
    assert_look(r, "SELECT group_concat(DISTINCT chat_jid)||count(*) FROM messages", ALICE "2");
    assert_look(r, "SELECT group_concat(jid) FROM chats", ALICE);
    writer_free(&alice);
}

/* ---- the phone alone ---- */

static void answer_as(struct receiver *r, struct writer *w, const char *device, const char *id)
{
    struct store_phone_request asked = {.chat = J(ALICE), .sender = J(ALICE), .id = "A1"};
    struct buf b = buf_new(1 << 16), web = buf_new(1 << 16);
    const struct web_message m = {.key = {.remote_jid = SPAN_LIT(ALICE), .id = SPAN_LIT("A1")},
                                  .message = text_message(r, id),
                                  .timestamp = fixture_time - 10};
    struct peer_result result;
    struct peer_response response = {.type = PEER_PLACEHOLDER_RESEND,
                                     .stanza_id = SPAN_LIT("3EB0AA"),
                                     .results = &result,
                                     .n = 1};
    struct node *n = stanza(r, device, id);

    OK(store_phone_request_put(r->f.s, response.stanza_id, &asked, fixture_time));
    OK(web_message_encode(&m, &web));
    result = (struct peer_result){.web_message = buf_span(&web)};
    OK(peer_response_encode(&response, &b));
    buf_free(&web);
    node_attr_text(&r->arena, n, "category", "peer");
    node_attr_text(&r->arena, n, "type", "peer_msg");
    add_sealed(r, w, n, keep(r, &b));
    receive(r, n);
}

/* P-RC-51: another linked device could put any words into anybody's mouth. */
static void only_the_phone_hands_messages_on(void **state)
{
    struct receiver *r = *state;
    struct node *lost = stanza(r, ALICE, "A1");
    struct writer tablet, phone;

    writer_init(&tablet, 20);
    writer_start(&tablet, r);
    writer_init(&phone, PHONE_NUMBER);
    writer_start(&phone, r);
    add_enc(r, lost, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, lost);
    answer_as(r, &tablet, "27820000001:9@s.whatsapp.net", "T1");
    assert_look(r, "SELECT content||state FROM messages WHERE id = 'A1'", "waiting");
    answer_as(r, &phone, OWN_PHONE, "P1");
    assert_look(r, "SELECT content||state FROM messages WHERE id = 'A1'", "P1");
    writer_free(&tablet);
    writer_free(&phone);
}

/* ---- a batch that failed ---- */

static void fail_batch_with(struct receiver *r, const struct node *n)
{
    OK(receiver_apply(r, n));
    batch_fail(&r->b, WB_ERR_NO_SPACE);
}

static void the_name_of_a_failed_batch_is_learned_again(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "good morning");
    node_attr_text(&r->arena, n, "notify", "Alice");
    fail_batch_with(r, n);
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_contacts WHERE push_name = 'Alice'", "0");
    receive(r, n);
    assert_look_wa(r, "SELECT push_name FROM whatsmeow_contacts", "Alice");
    writer_free(&alice);
}

static void messages_of_a_failed_batch_are_no_news(void **state)
{
    struct receiver *r = *state;
    struct writer alice, bob;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    writer_init(&bob, 3);
    writer_start(&bob, r);
    n = letter(r, &alice, ALICE, "A1", "not stored");
    fail_batch_with(r, n);
    receive(r, letter(r, &bob, BOB, "B1", "stored"));
    assert_int_equal(r->nevents, 1);
    assert_string_equal(r->events[0], BOB " B1");
    assert_int_equal(r->b.messages_stored, 1);
    receive(r, n);
    assert_int_equal(r->nevents, 2);
    assert_string_equal(r->events[1], ALICE " A1");
    writer_free(&alice);
    writer_free(&bob);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(somebody_elses_wrapper_names_no_chat),
        T(a_private_chat_has_no_admins),
        T(a_key_beside_a_message_is_no_event_of_its_own),
        T(a_chat_under_a_lid_moves_to_the_number),
        T(only_the_phone_hands_messages_on),
        T(the_name_of_a_failed_batch_is_learned_again),
        T(messages_of_a_failed_batch_are_no_news),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
