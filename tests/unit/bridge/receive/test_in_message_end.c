/* How the delivery of a message that cannot be read ends, so that the server does not repeat it for
 * ever: copies of our own messages, messages with nothing for us in them, <status>. */
#include "tests/unit/bridge/receive_people.h"

#include "store/session/retry.h"

/* An own message's copy that nobody can open, delivered or sent anew once more. */
static void own_copy(struct receiver *r, const char *id)
{
    struct node *n = stanza(r, OWN_PHONE, id);

    attr_jid(r, n, "recipient", BOB_LID);
    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
}

static void is_sender_receipt(const char *xml)
{
    has(xml, "<receipt");
    has(xml, "type=\"sender\"");
    has(xml, "recipient=\"" BOB_LID "\"");
}

static void an_own_copy_ends_with_the_sender_receipt(void **state)
{
    struct receiver *r = *state;

    for (int i = 0; i < STORE_RETRY_RECEIPTS_MAX; i++) {
        own_copy(r, "O1");
        assert_int_equal(nsent, 2);
        has(sent[0], "type=\"retry\"");
        has(sent[1], "<ack");
    }
    own_copy(r, "O1");
    assert_int_equal(nsent, 1);
    is_sender_receipt(sent[0]);
    assert_look(r, "SELECT id || state FROM messages", "O1waiting");
    /* Somebody else's goes on as it was. */
    for (int i = 0; i <= STORE_RETRY_RECEIPTS_MAX; i++) {
        struct node *n = stanza(r, ALICE, "A1");

        add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
        receive(r, n);
    }
    assert_int_equal(nsent, 1);
    has(sent[0], "<ack");
}

static void an_own_copy_without_a_part_for_us_ends_so_as_well(void **state)
{
    struct receiver *r = *state;

    for (int i = 0; i < 2; i++) {
        struct node *n = stanza(r, OWN_PHONE, i ? "O1" : "O2");

        attr_jid(r, n, "recipient", BOB_LID);
        if (i)
            node_attr_text(&r->arena, node_child_new(&r->arena, n, "unavailable"), "type",
                           "view_once");
        receive(r, n);
        assert_int_equal(nsent, 1);
        is_sender_receipt(sent[0]);
    }
    assert_look(r, "SELECT group_concat(id || state) FROM messages", "O2waiting,O1waiting");
}

static void an_own_copy_that_is_no_message_ends_so_as_well(void **state)
{
    struct receiver *r = *state;
    struct writer phone;
    struct node *n = stanza(r, OWN_PHONE, "O1");

    writer_init(&phone, PHONE_NUMBER);
    writer_start(&phone, r);
    attr_jid(r, n, "recipient", BOB_LID);
    add_sealed(r, &phone, n, SPAN_LIT("\xff\xff\xff"));
    receive(r, n);
    assert_int_equal(nsent, 1);
    is_sender_receipt(sent[0]);
    assert_look(r, "SELECT kind FROM messages", "unreadable");
    writer_free(&phone);
}

static void without_enc_the_phone_is_asked(void **state)
{
    struct receiver *r = *state;
    struct writer phone;
    struct node *n;

    writer_init(&phone, PHONE_NUMBER);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P0", "note to self"));
    n = stanza(r, ALICE, "A1");
    node_attr_text(&r->arena, node_child_new(&r->arena, n, "biz"), "actual_actors", "2");
    receive(r, n);
    assert_int_equal(nsent, 2);
    has(sent[0], "category=\"peer\"");
    has(sent[1], "<ack");
    has(sent[1], "class=\"message\"");
    hasnt(sent[1], "error");
    assert_look(r, "SELECT id || state || chat_jid FROM messages WHERE state <> ''",
                "A1waiting" ALICE);
    /* Delivered again: it is known. What comes for our own devices alone is no message. */
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<ack");
    n = stanza(r, OWN_PHONE, "P1");
    node_attr_text(&r->arena, n, "category", "peer");
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<ack");
    assert_look(r, "SELECT count(*) FROM messages WHERE state <> ''", "1");
    OK(receiver_apply_as(r, &in_appdata_handler, stanza(r, ALICE, "X1")));
    assert_look(r, "SELECT count(*) FROM messages WHERE state <> ''", "1");
    writer_free(&phone);
}

static struct node *status(struct receiver *r, const char *from, const char *id)
{
    struct node *n = node_new(&r->arena, "status");

    attr_jid(r, n, "from", from);
    attr_jid(r, n, "participant", ALICE);
    node_attr_text(&r->arena, n, "id", id);
    node_attr_text(&r->arena, n, "type", "text");
    node_attr_u64(&r->arena, n, "t", (uint64_t)fixture_time);
    return n;
}

static void receive_status(struct receiver *r, struct node *n)
{
    nsent = 0;
    OK(receiver_apply_as(r, &in_status_handler, n));
    OK(batch_commit(&r->b));
}

static void a_status_is_stored_and_acked_as_one(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n = status(r, "status@broadcast", "S1");

    writer_init(&alice, 1);
    writer_start(&alice, r);
    add_sealed(r, &alice, n, text_message(r, "on holiday"));
    receive_status(r, n);
    assert_look(r, "SELECT chat_jid || sender || content FROM messages",
                "status@broadcast27820000011on holiday");
    assert_int_equal(nsent, 2);
    has(sent[0], "<receipt");
    has(sent[0], "context=\"status\"");
    hasnt(sent[0], "type=");
    has(sent[0], "participant=\"" ALICE "\"");
    has(sent[1], "<ack");
    has(sent[1], "class=\"status\"");
    has(sent[1], "to=\"status@broadcast\"");
    has(sent[1], "type=\"text\"");
    has(sent[1], "participant=\"" ALICE "\"");
    /* One that cannot be read: asked for, and acked likewise. */
    n = status(r, "status@broadcast", "S2");
    add_enc(r, n, "skmsg", SPAN_LIT("\x33no message at all"));
    receive_status(r, n);
    assert_int_equal(nsent, 2);
    has(sent[0], "type=\"retry\"");
    has(sent[1], "class=\"status\"");
    assert_look(r, "SELECT state FROM messages WHERE id = 'S2'", "waiting");
    /* Of a channel, which we do not follow. */
    receive_status(r, status(r, "120363000000000009@newsletter", "S3"));
    assert_int_equal(nsent, 1);
    has(sent[0], "class=\"status\"");
    assert_look(r, "SELECT count(*) FROM messages", "2");
    /* As a <message> it is acked by its receipt alone, as before. */
    n = stanza(r, "status@broadcast", "S4");
    attr_jid(r, n, "participant", ALICE);
    add_sealed(r, &alice, n, text_message(r, "still there"));
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "context=\"status\"");
    hasnt(sent[0], "type=");
    writer_free(&alice);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_own_copy_ends_with_the_sender_receipt),
        T(an_own_copy_without_a_part_for_us_ends_so_as_well),
        T(an_own_copy_that_is_no_message_ends_so_as_well),
        T(without_enc_the_phone_is_asked),
        T(a_status_is_stored_and_acked_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
