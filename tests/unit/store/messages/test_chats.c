/* Chats: their names, their newest message, and their move from a LID to the number. */
#include "tests/unit/store/messages_fixture.h"

#include "store/messages/contacts.h"
#include "store/session/lid_map.h"

static void one_to_one_chat_moves_to_the_number(void **state)
{
    (void)state;
    struct fixture f;
    struct jid lid = J("888@lid"), pn = J("27820000009@s.whatsapp.net");
    size_t moved = 0;
    fixture_ready(&f);
    put_text(&f, "888@lid", "888@lid", "A1", "one");
    put_text(&f, "888@lid", "888@lid", "A2", "two");
    put_text(&f, GROUP, "888:1@lid", "G1", "in the group");
    put_text(&f, "27820000009@s.whatsapp.net", "27820000009@s.whatsapp.net", "A2", "two");
    struct store_message mine =
        a_message("27820000009@s.whatsapp.net", "27820000001@s.whatsapp.net", "A1", "other A1");
    mine.from_me = true;
    put(&f, &mine);
    OK(store_chat_name(f.s, &lid, SPAN_LIT("Thandi"), false));
    long seq = whole_number(committed(&f, "SELECT max(change_seq) FROM messages"));
    assert_string_equal(committed(&f, "SELECT sender FROM messages WHERE id = 'G1'"), "888");
    OK(store_lid_put(f.s, &lid, &pn, NULL));
    OK(store_chat_rekey(f.s, &lid, &pn, &moved));
    assert_string_equal(committed(&f, "SELECT count(*) FROM chats WHERE jid = '888@lid'"), "0");
    assert_string_equal(
        committed(&f, "SELECT name FROM chats WHERE jid = '27820000009@s.whatsapp.net'"), "Thandi");
    assert_string_equal(
        committed(&f,
                  "SELECT group_concat(t, ' ') FROM (SELECT id || ':' || content AS t FROM messages"
                  " WHERE chat_jid LIKE '2782%' ORDER BY id)"),
        "A1:other A1 A1~888:one A2:two");
    assert_string_equal(committed(&f, "SELECT sender || sender_pn FROM messages WHERE id = 'G1'"),
                        "2782000000927820000009@s.whatsapp.net");
    assert_true(whole_number(committed(&f, "SELECT min(change_seq) FROM messages WHERE id IN"
                                           " ('A1~888', 'G1')")) > seq);
    assert_string_equal(peek_sql(f.msg, "PRAGMA foreign_key_check"), "");
    OK(store_chat_rekey(f.s, &lid, &pn, &moved));
    assert_int_equal(moved, 0);
    /* A second delivery finds it where it was put. */
    put_text(&f, "27820000009@s.whatsapp.net", "888@lid", "A1", "one");
    assert_string_equal(committed(&f, "SELECT count(*) FROM messages WHERE chat_jid LIKE '2782%'"),
                        "3");
    fixture_free(&f);
}

/* The pair came with another program, or messages.db with a backup. */
static void chats_of_known_pairs_move_at_start(void **state)
{
    (void)state;
    struct fixture f;
    struct jid pn = J("27820000009@s.whatsapp.net"), lid = J("888@lid"), other = J("999@lid"),
               other_pn = J("27820000008@s.whatsapp.net");
    size_t moved = 0;
    fixture_ready(&f);
    OK(store_chats_rekey_known(f.s, &moved));
    assert_int_equal(moved, 0);
    put_text(&f, "777@lid", "777@lid", "C1", "nobody knows the number");
    put_text(&f, "888@lid", "888@lid", "A1", "one");
    put_text(&f, GROUP, "999@lid", "G1", "in the group");
    put_text(&f, GROUP, "666@lid", "G2", "in the group");
    OK(store_lid_put(f.s, &lid, &pn, NULL));
    OK(store_lid_put(f.s, &other, &other_pn, NULL));
    OK(store_chats_rekey_known(f.s, &moved));
    assert_int_equal(moved, 3); /* A1 twice: its chat and its sender */
    assert_string_equal(
        committed(&f, "SELECT group_concat(id || ' ' || chat_jid || ' ' || sender, ', ') FROM"
                      " (SELECT * FROM messages WHERE id IN ('A1', 'C1') ORDER BY id)"),
        "A1 27820000009@s.whatsapp.net 27820000009, C1 777@lid 777");
    assert_string_equal(committed(&f,
                                  "SELECT group_concat(sender) FROM (SELECT sender FROM messages"
                                  " WHERE id LIKE 'G%' ORDER BY id)"),
                        "27820000008,666");
    OK(store_chats_rekey_known(f.s, &moved));
    assert_int_equal(moved, 0);
    fixture_free(&f);
}

static void chat_names_are_kept(void **state)
{
    (void)state;
    struct fixture f;
    struct jid g = J(GROUP);
    struct store_chat c;
    fixture_ready(&f);
    assert_int_equal(store_chat_get(f.s, &g, &c), WB_ERR_NOT_FOUND);
    OK(store_chat_name(f.s, &g, SPAN_NULL, false));
    OK(store_chat_name(f.s, &g, SPAN_LIT("One"), false));
    OK(store_chat_name(f.s, &g, SPAN_LIT("Two"), false));
    OK(store_chat_get(f.s, &g, &c));
    assert_string_equal(c.name, "One");
    OK(store_chat_name(f.s, &g, SPAN_LIT("Two"), true));
    OK(store_chat_get(f.s, &g, &c));
    assert_string_equal(c.name, "Two");
    fixture_free(&f);
}

static const char *name_of_chat(struct fixture *f, const char *jid)
{
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT coalesce(name, 'none') FROM chats WHERE jid = '%s'", jid);
    return committed(f, sql);
}

/* As the Go bridge names them (P-MC-19), and what people call themselves instead of a number. */
static void private_chats_get_names(void **state)
{
    (void)state;
    static const char a[] = "27820000009@s.whatsapp.net", b[] = "27820000008@s.whatsapp.net";
    struct fixture f;
    struct jid ja = J(a), jb = J(b), lid = J("888@lid");
    struct jid jc = J("27820000007@s.whatsapp.net");
    fixture_ready(&f);
    put_text(&f, a, a, "A1", "nobody knows a name");
    assert_string_equal(name_of_chat(&f, a), "27820000009");
    OK(store_contact_push_name(f.s, &ja, SPAN_LIT("Thandi"), NULL));
    assert_string_equal(name_of_chat(&f, a), "Thandi");
    OK(store_contact_push_name(f.s, &ja, SPAN_LIT("T."), NULL)); /* a name that is there stays */
    assert_string_equal(name_of_chat(&f, a), "Thandi");
    OK(store_contact_push_name(f.s, &jb, SPAN_LIT("Bob"), NULL));
    OK(store_commit(f.s));
    /* As whatsmeow files the name of the phone's address book. */
    poke_sql(f.wa, "UPDATE whatsmeow_contacts SET full_name = 'Bob of the north'"
                   " WHERE push_name = 'Bob'");
    assert_int_equal(store_commit(f.s), WB_ERR_LOCKED); /* noticed, once */
    put_text(&f, b, b, "B1", "a contact");
    assert_string_equal(name_of_chat(&f, b), "Bob of the north");
    put_text(&f, "888@lid", "888@lid", "C1", "nobody knows the number");
    assert_string_equal(name_of_chat(&f, "888@lid"), "888");
    OK(store_lid_put(f.s, &lid, &jc, NULL));
    OK(store_chats_rekey_known(f.s, NULL));
    assert_string_equal(name_of_chat(&f, "27820000007@s.whatsapp.net"), "27820000007");
    OK(store_contact_push_name(f.s, &lid, SPAN_LIT("Zodwa"), NULL)); /* under the other address */
    assert_string_equal(name_of_chat(&f, "27820000007@s.whatsapp.net"), "Zodwa");
    put_text(&f, GROUP, a, "G1", "groups are named by their subject");
    assert_string_equal(name_of_chat(&f, GROUP), "none");
    fixture_free(&f);
}

/* They have nothing but the column `sender`, which becomes the number with the chat. */
static void rows_of_go_move_with_their_sender(void **state)
{
    (void)state;
    struct fixture f;
    struct jid lid = J("888@lid"), pn = J("27820000009@s.whatsapp.net");
    size_t moved = 0;
    fixture_ready(&f);
    poke_sql(f.msg, "INSERT INTO chats (jid) VALUES ('888@lid');"
                    "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me)"
                    " VALUES ('G1', '888@lid', '888', 'live', 5, 0),"
                    " ('G2', '888@lid', '888@lid', 'of the history', 6, 0),"
                    " ('G3', '888@lid', '27820000001', 'mine', 7, 1)");
    const long before = whole_number(committed(&f, "SELECT max(change_seq) FROM messages"));
    OK(store_lid_put(f.s, &lid, &pn, NULL));
    OK(store_chats_rekey_known(f.s, &moved));
    assert_int_equal(moved, 3);
    assert_string_equal(
        committed(&f, "SELECT group_concat(id || chat_jid || sender) FROM messages"),
        "G127820000009@s.whatsapp.net27820000009,"
        "G227820000009@s.whatsapp.net27820000009,"
        "G327820000009@s.whatsapp.net27820000001");
    assert_true(whole_number(committed(&f, "SELECT min(change_seq) FROM messages")) > before);
    fixture_free(&f);
}

/* A chat's row is not written again for each message of a batch; what was undone is. */
static void chats_follow_their_newest_message(void **state)
{
    static const int times[] = {10, 5, 12, 11};
    static const char other[] = "120363000000000002@g.us";
    struct fixture f;
    struct jid lid = J("555@lid"), pn = J("27820000005@s.whatsapp.net");
    struct store_message m;
    char id[8];

    (void)state;
    fixture_ready(&f);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        snprintf(id, sizeof id, "A%zu", i);
        m = a_message(i == 1 ? other : GROUP, "27820000009@s.whatsapp.net", id, "x");
        m.timestamp = times[i];
        put(&f, &m);
    }
    assert_string_equal(committed(&f, "SELECT group_concat(last_message_time) FROM chats"), "12,5");
    put_text(&f, GROUP, "27820000009@s.whatsapp.net", "B1", "x");
    OK(store_mark(f.s));
    put_text(&f, "120363000000000003@g.us", "27820000009@s.whatsapp.net", "B2", "x");
    OK(store_mark_undo(f.s));
    put_text(&f, "120363000000000003@g.us", "27820000009@s.whatsapp.net", "B2", "x");
    put_text(&f, "555@lid", "555@lid", "B3", "x");
    OK(store_lid_put(f.s, &lid, &pn, NULL));
    OK(store_chat_rekey(f.s, &lid, &pn, NULL));
    put_text(&f, "555@lid", "555@lid", "B4", "x");
    assert_string_equal(
        committed(&f, "SELECT count(*) FROM chats WHERE last_message_time = 1790000000"), "3");
    store_rollback(f.s);
    put_text(&f, "27820000005@s.whatsapp.net", "555@lid", "B5", "x");
    assert_string_equal(committed(&f, "SELECT count(*) FROM messages"), "9");
    assert_string_equal(committed(&f, "SELECT count(*) FROM pragma_foreign_key_check('messages')"),
                        "0");
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_one_chat_moves_to_the_number),
        cmocka_unit_test(chats_of_known_pairs_move_at_start),
        cmocka_unit_test(chat_names_are_kept),
        cmocka_unit_test(private_chats_get_names),
        cmocka_unit_test(rows_of_go_move_with_their_sender),
        cmocka_unit_test(chats_follow_their_newest_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
