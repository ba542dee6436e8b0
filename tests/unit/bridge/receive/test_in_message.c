/* Receiving, from the stanza to the rows and the answers, with a real store and real keys: people
 * and groups. */
#include "tests/unit/bridge/receive_people.h"

/* ---- one to one ---- */

static void private_messages(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;
    uint32_t prekey;
    char sql[128];

    writer_init(&alice, 1);
    prekey = writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "good morning");
    node_attr_text(&r->arena, n, "notify", "Alice");
    receive(r, n);
    assert_look(r,
                "SELECT chat_jid||' '||sender||' '||content||' '||is_from_me||' '||timestamp"
                " FROM messages",
                ALICE " 27820000011 good morning 0 1790000000");
    assert_look(r, "SELECT kind||'/'||media_type||'/'||push_name||'/'||state FROM messages",
                "text//Alice/");
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    has(sent[0], "id=\"A1\"");
    has(sent[0], "to=\"" ALICE "\"");
    has(sent[0], "type=\"inactive\"");
    assert_int_equal(r->nevents, 1);
    assert_string_equal(r->events[0], ALICE " A1");
    assert_int_equal(r->b.messages_stored, 1);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM whatsmeow_pre_keys WHERE key_id = %u", prekey);
    assert_look_wa(r, sql, "0");
    assert_look_wa(r, "SELECT push_name FROM whatsmeow_contacts", "Alice");

    r->b.presence_available = true;
    receive(r, letter(r, &alice, ALICE, "A2", "second"));
    hasnt(sent[0], "type=");
    assert_look(r, "SELECT count(*) FROM messages WHERE state = ''", "2");
    writer_free(&alice);
}

static void a_copy_is_receipted_once_more(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "once");
    receive(r, n);
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT count(*)||content FROM messages", "1once");
    assert_int_equal(r->nevents, 1);
    writer_free(&alice);
}

static void out_of_order(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n[3];
    const char *ids[] = {"A0", "A1", "A2"};

    writer_init(&alice, 1);
    writer_start(&alice, r);
    for (int i = 0; i < 3; i++)
        n[i] = letter(r, &alice, ALICE, ids[i], ids[i]);
    receive(r, n[2]);
    receive(r, n[0]);
    receive(r, n[1]);
    assert_look(r, "SELECT group_concat(content) FROM (SELECT content FROM messages ORDER BY id)",
                "A0,A1,A2");
    writer_free(&alice);
}

/* The store fails between decryption and commit: the server delivers again, nothing is lost and
 * nothing is doubled. */
static void delivery_after_a_failed_commit(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "kept");
    nsent = 0;
    OK(receiver_apply(r, n));
    batch_fail(&r->b, WB_ERR_NO_SPACE);
    assert_true(r->dropped);
    assert_int_equal(nsent, 0);
    assert_int_equal(r->nevents, 0);
    assert_look(r, "SELECT count(*) FROM messages", "0");
    receive(r, n);
    assert_look(r, "SELECT content FROM messages", "kept");
    assert_int_equal(r->nevents, 1);
    writer_free(&alice);
}

/* The crash between the commits: messages.db has the row, the ratchet has not moved. */
static void a_stored_row_does_not_stop_the_ratchet(void **state)
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
    receive(r, letter(r, &alice, ALICE, "A3", "third"));
    receive(r, n); /* now an old counter with a known id */
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT count(*) FROM messages", "3");
    writer_free(&alice);
}

static void both_identities_are_one_person(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "by number"));
    n = letter(r, &alice, ALICE_LID, "A2", "by LID");
    node_attr_text(&r->arena, n, "addressing_mode", "lid");
    attr_jid(r, n, "sender_pn", ALICE);
    receive(r, n);
    has(sent[0], "to=\"" ALICE_LID "\"");
    assert_look(r, "SELECT group_concat(DISTINCT chat_jid||sender) FROM messages",
                ALICE "27820000011");
    assert_look(r, "SELECT count(*)||max(state) FROM messages", "2");
    assert_look_wa(r, "SELECT group_concat(their_id) FROM whatsmeow_sessions", "222000222_1:0");
    receive(r, letter(r, &alice, ALICE, "A3", "by number again"));
    assert_look(r, "SELECT content FROM messages WHERE id = 'A3'", "by number again");
    assert_string_equal(r->events[1], ALICE " A2");
    writer_free(&alice);
}

/* ---- groups ---- */

static void group_messages(void **state)
{
    struct receiver *r = *state;
    struct writer bob;
    struct node *n = group_stanza(r, BOB, "G1"), *again;

    writer_init(&bob, 3);
    writer_start(&bob, r);
    OK(sender_key_create(bob.group_key, &bob.rng));
    add_sealed(r, &bob, n, key_message(r, &bob, GROUP));
    add_group_sealed(r, &bob, n, text_message(r, "hello all"));
    receive(r, n);
    assert_look(r, "SELECT chat_jid||' '||sender||' '||content FROM messages",
                GROUP " 27820000012 hello all");
    assert_int_equal(nsent, 1);
    has(sent[0], "to=\"" GROUP "\"");
    has(sent[0], "participant=\"" BOB "\"");
    has(sent[0], "type=\"inactive\"");

    again = group_stanza(r, BOB, "G2");
    add_group_sealed(r, &bob, again, text_message(r, "without the key now"));
    receive(r, again);
    receive(r, again);
    receive(r, n);
    has(sent[0], "<receipt");
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT count(*)||max(state) FROM messages", "2");
    writer_free(&bob);
}

static void group_without_the_key(void **state)
{
    struct receiver *r = *state;
    struct writer bob;
    struct node *n = group_stanza(r, BOB_LID, "G1"), *resent;

    node_attr_text(&r->arena, n, "addressing_mode", "lid");
    attr_jid(r, n, "participant_pn", BOB);
    writer_init(&bob, 3);
    OK(sender_key_create(bob.group_key, &bob.rng));
    add_group_sealed(r, &bob, n, text_message(r, "what key?"));
    receive(r, n);
    assert_int_equal(nsent, 2);
    has(sent[0], "type=\"retry\"");
    has(sent[0], "participant=\"" BOB_LID "\"");
    has(sent[0], "<keys>");
    assert_look(r, "SELECT state||sender FROM messages", "waiting27820000012");

    /* The answer is pairwise and brings the key (P-RC-43). */
    writer_start(&bob, r);
    resent = group_stanza(r, BOB_LID, "G1");
    {
        struct buf both = buf_new(1 << 16);

        buf_append(&both, text_message(r, "what key?"));
        buf_append(&both, key_message(r, &bob, GROUP));
        node_attr_text(&r->arena, add_sealed(r, &bob, resent, keep(r, &both)), "count", "1");
    }
    receive(r, resent);
    assert_look(r, "SELECT count(*)||content||state FROM messages", "1what key?");
    n = group_stanza(r, BOB_LID, "G2");
    add_group_sealed(r, &bob, n, text_message(r, "this one"));
    receive(r, n);
    assert_look(r, "SELECT content FROM messages WHERE id = 'G2'", "this one");
    writer_free(&bob);
}

/* A good pairwise part is kept although the group part cannot be read (rule 1). */
static void each_part_is_judged_alone(void **state)
{
    struct receiver *r = *state;
    struct writer bob;
    struct node *n = group_stanza(r, BOB, "G1");

    writer_init(&bob, 3);
    writer_start(&bob, r);
    OK(sender_key_create(bob.group_key, &bob.rng));
    add_sealed(r, &bob, n, key_message(r, &bob, GROUP));
    add_enc(r, n, "skmsg", SPAN_LIT("\x33 broken"));
    receive(r, n);
    has(sent[0], "type=\"retry\"");
    n = group_stanza(r, BOB, "G2");
    add_group_sealed(r, &bob, n, text_message(r, "the key was kept"));
    receive(r, n);
    assert_look(r, "SELECT content FROM messages WHERE id = 'G2'", "the key was kept");
    writer_free(&bob);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(private_messages),
        T(a_copy_is_receipted_once_more),
        T(out_of_order),
        T(delivery_after_a_failed_commit),
        T(a_stored_row_does_not_stop_the_ratchet),
        T(both_identities_are_one_person),
        T(group_messages),
        T(group_without_the_key),
        T(each_part_is_judged_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
