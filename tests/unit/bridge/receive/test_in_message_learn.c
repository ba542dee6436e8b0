/* What each message teaches the bridge besides its row: names, news, the reason of a retry. */
#include "tests/unit/bridge/receive_people.h"

static void each_new_name_is_learned(void **state)
{
    static const char *const names[] = {"Alice", "Alice at work", "Alice"};
    struct receiver *r = *state;
    struct writer alice;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    for (size_t i = 0; i < 3; i++) {
        char id[3] = {'A', (char)('1' + i), 0};
        struct node *n = letter(r, &alice, ALICE, id, "good morning");

        node_attr_text(&r->arena, n, "notify", names[i]);
        receive(r, n);
        assert_look_wa(r, "SELECT push_name FROM whatsmeow_contacts", names[i]);
    }
    writer_free(&alice);
}

/* The row came from another program, or from a restored file: its message is not new to anybody. */
static void what_is_stored_already_is_no_news(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "first"));
    n = letter(r, &alice, ALICE, "A2", "second");
    poke_sql(r->f.msg, "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me,"
                       " sender_jid, state) VALUES ('A2', '" ALICE "', '27820000011', 'second',"
                       " 1790000000, 0, '" ALICE "', '')");
    receive(r, n);
    has(sent[0], "<receipt");
    assert_int_equal(r->nevents, 1);
    receive(r, letter(r, &alice, ALICE, "A3", "third"));
    assert_int_equal(r->nevents, 2);
    assert_string_equal(r->events[1], ALICE " A3");
    writer_free(&alice);
}

/* P-RC-36: the sender learns from the number that the message was damaged. */
static void a_wrong_mac_is_named_in_the_retry(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;
    struct span enc;
    uint8_t *damaged;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "first"));
    alice.session->current->pending.present = false;
    n = letter(r, &alice, ALICE, "A2", "second");
    enc = node_content_bytes(node_child(n, "enc"));
    damaged = (uint8_t *)(uintptr_t)enc.p;
    damaged[enc.n - 1] ^= 1;
    receive(r, n);
    has(sent[0], "type=\"retry\"");
    has(sent[0], "error=\"7\"");
    writer_free(&alice);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_new_name_is_learned),
        T(what_is_stored_already_is_no_news),
        T(a_wrong_mac_is_named_in_the_retry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
