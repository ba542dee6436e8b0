/* Sender keys that arrive: only in the chat that they name. */
#include "tests/unit/bridge/receive_people.h"

#define OTHER_GROUP "120363000000000002@g.us"
#define OLD_GROUP   "27820000099-1500000000@g.us"
#define LIST        "1600000000@broadcast"

/* A text and a sender key that names `named` (NULL: no chat), in a stanza of `chat`. */
static void give(struct receiver *r, struct writer *bob, const char *chat, const char *named,
                 const char *id)
{
    struct node *n = stanza(r, chat, id);
    struct buf both = buf_new(1 << 16);
    struct span key = key_message(r, bob, named ? named : "");
    char sql[128];

    attr_jid(r, n, "participant", BOB);
    buf_append(&both, text_message(r, id));
    if (named) {
        buf_append(&both, key);
    } else { /* field 2 of the Message, and in it only field 2: the empty field 1 has two bytes */
        struct span inner = span_skip(key, 4);

        assert_int_equal(key.p[2], 0x0a);
        assert_int_equal(key.p[3], 0);
        buf_u8(&both, key.p[0]);
        buf_u8(&both, (uint8_t)(key.p[1] - 2));
        buf_append(&both, inner);
    }
    add_sealed(r, bob, n, keep(r, &both));
    receive(r, n);
    snprintf(sql, sizeof sql, "SELECT content || state FROM messages WHERE id = '%s'", id);
    assert_look(r, sql, id);
}

/* Can Bob's key open what he writes to the chat? */
static bool opens(struct receiver *r, struct writer *bob, const char *chat, const char *id)
{
    struct node *n = stanza(r, chat, id);

    attr_jid(r, n, "participant", BOB);
    add_group_sealed(r, bob, n, text_message(r, id));
    receive(r, n);
    return strstr(sent[0], "type=\"retry\"") == NULL;
}

static void key_is_for_the_chat_that_it_names(void **state)
{
    static const char *const chats[] = {GROUP, OTHER_GROUP, OLD_GROUP, "status@broadcast", LIST};
    struct receiver *r = *state;
    struct writer bob;
    char id[32];

    writer_init(&bob, 3);
    writer_start(&bob, r);
    for (size_t i = 0; i < sizeof chats / sizeof chats[0]; i++) {
        const char *chat = chats[i], *other = chats[(i + 1) % (sizeof chats / sizeof chats[0])];

        r->nevents = 0;
        OK(sender_key_create(bob.group_key, &bob.rng));
        /* In a stanza of one chat, for another: neither of them gets it. */
        snprintf(id, sizeof id, "WRONG%zu", i);
        give(r, &bob, chat, other, id);
        snprintf(id, sizeof id, "CLOSED%zu", i);
        assert_false(opens(r, &bob, chat, id));
        snprintf(id, sizeof id, "SHUT%zu", i);
        assert_false(opens(r, &bob, other, id));
        snprintf(id, sizeof id, "NONE%zu", i);
        give(r, &bob, chat, NULL, id);
        snprintf(id, sizeof id, "LOCKED%zu", i);
        assert_false(opens(r, &bob, chat, id));
        snprintf(id, sizeof id, "RIGHT%zu", i);
        give(r, &bob, chat, chat, id);
        snprintf(id, sizeof id, "OPEN%zu", i);
        assert_true(opens(r, &bob, chat, id));
    }
    writer_free(&bob);
}

/* There is no group key outside of a group, whatever it says. */
static void key_in_a_private_chat_is_ignored(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct buf both = buf_new(1 << 16);
    struct node *n = stanza(r, ALICE, "A1");

    writer_init(&alice, 1);
    writer_start(&alice, r);
    OK(sender_key_create(alice.group_key, &alice.rng));
    buf_append(&both, text_message(r, "hello"));
    buf_append(&both, key_message(r, &alice, GROUP));
    add_sealed(r, &alice, n, keep(r, &both));
    receive(r, n);
    assert_look(r, "SELECT content || state FROM messages", "hello");
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_sender_keys", "0");
    writer_free(&alice);
}

/* From our own phone, wrapped as it wraps what it sent: the same rule. */
static void key_of_our_own_phone(void **state)
{
    static const struct {
        const char *named, *keys;
    } cases[] = {{OTHER_GROUP, "0"}, {GROUP, "1"}};
    struct receiver *r = *state;
    struct writer phone;

    writer_init(&phone, 9);
    writer_start(&phone, r);
    OK(sender_key_create(phone.group_key, &phone.rng));
    for (size_t i = 0; i < 2; i++) {
        struct buf inner = buf_new(1 << 16), wrapped = buf_new(1 << 17);
        struct node *n = stanza(r, GROUP, i ? "P2" : "P1");

        attr_jid(r, n, "participant", OWN_PHONE);
        buf_append(&inner, text_message(r, "mine"));
        buf_append(&inner, key_message(r, &phone, cases[i].named));
        OK(content_encode_device_sent(span_cstr(GROUP), buf_span(&inner), &wrapped));
        buf_free(&inner);
        add_sealed(r, &phone, n, keep(r, &wrapped));
        receive(r, n);
        assert_look_wa(r, "SELECT count(*) FROM whatsmeow_sender_keys", cases[i].keys);
    }
    assert_look(r, "SELECT group_concat(content) FROM messages", "mine,mine");
    writer_free(&phone);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(key_is_for_the_chat_that_it_names),
        T(key_in_a_private_chat_is_ignored),
        T(key_of_our_own_phone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
