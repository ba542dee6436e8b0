/* Devices that ask for messages that we do not keep, or no longer keep: the next message reaches
 * them. */
#include "tests/unit/bridge/retry_fixture.h"

#include "store/core/state.h"
#include "store/outbox/sealed.h"
#include "store/session/retry.h"

#define GROUP   "120363000000000001@g.us"
#define UNKNOWN "3EB0NOSUCH"

static int setup(void **state)
{
    world_setup(state);
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    return 0;
}

static void commit(void)
{
    OK(batch_commit(&w.r.b));
}

/* The text is gone; that it was sealed for its recipients is known still. */
static void prune_texts(void)
{
    OK(db_exec(&w.r.f.s->wa, "DELETE FROM whatsmeow_retry_buffer"));
}

static void only_acked(void)
{
    assert_null(queued("message"));
    assert_non_null(queued("ack"));
    commit();
}

static bool read_by(struct peer *p, const char *recipient, const char *text)
{
    size_t i = w.nwire;
    char device[JID_TEXT_MAX];
    const struct node *own;
    struct content c;

    send_text(1, recipient, text);
    own = enc_for(wire_node(i), jid_text(&p->device, device));
    if (own && peer_read(p, own, &c) != WB_OK)
        return false;
    ack(wire_id(i));
    if (!node_child(wire_node(i), "enc")) /* a private message: it was this one */
        return own && span_eq_cstr(c.text, text);
    return peer_read(p, node_child(wire_node(i), "enc"), &c) == WB_OK && span_eq_cstr(c.text, text);
}

static void the_keys_are_taken_without_the_text(void **state)
{
    struct peer *p = peer_named("222000011:3@lid");
    const char *id = sent_to(CONTACT, "read me");

    (void)state;
    prune_texts();
    forget(p);
    OK(ask_again(&(struct asked){"222000011:3@lid", NULL, NULL, id, 2, p}));
    only_acked();
    assert_true(read_by(p, CONTACT, "the next"));
}

/* Also of a message that nothing is known about: the session is theirs, and so is the identity. */
static void nor_is_a_note_needed(void **state)
{
    struct peer *p = peer_named("222000011:3@lid");

    (void)state;
    sent_to(CONTACT, "read me");
    forget(p);
    OK(ask_again(&(struct asked){"222000011:3@lid", NULL, NULL, UNKNOWN, 2, p}));
    only_acked();
    assert_true(read_by(p, CONTACT, "the next"));
}

static void the_group_key_is_given_again(void **state)
{
    struct peer *p = peer_named("222000012@lid");
    const char *id = sent_to(GROUP, "to all");

    (void)state;
    prune_texts();
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, id, 1, NULL}));
    only_acked();
    send_text(1, GROUP, "again");
    assert_int_equal(recipients(wire_node(1)), 1);
    assert_non_null(enc_for(wire_node(1), "222000012@lid"));
    ack(wire_id(1));
    /* And with keys, when it has lost the session as well. */
    forget(p);
    sender_key_record_free(p->group_key);
    p->group_key = sender_key_record_new();
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, UNKNOWN, 2, p}));
    only_acked();
    assert_true(read_by(p, GROUP, "the next"));
}

/* Whoever was never given the key does not make us change it by asking. */
static void strangers_change_nothing(void **state)
{
    struct peer *stranger = add_peer("333000001@lid");

    (void)state;
    sent_to(GROUP, "to all");
    OK(ask_again(&(struct asked){GROUP, "333000001@lid", NULL, UNKNOWN, 2, stranger}));
    only_acked();
    assert_look_wa(&w.r, "SELECT count(*) FROM whatsmeow_sessions WHERE their_id LIKE '333%'", "0");
    send_text(1, GROUP, "again");
    assert_int_equal(recipients(wire_node(1)), 0);
}

/* An id that we know nothing of proves nothing: no other identity comes in with it, and one-time
 * keys are not spent on it without end. */
static void dishonest_keys_are_not_taken(void **state)
{
    struct peer *p = peer_named("222000011:3@lid"), other = *p;
    const char *session = "SELECT hex(session) FROM whatsmeow_sessions WHERE their_id ="
                          " '222000011_1:3'";
    char *before;

    (void)state;
    sent_to(CONTACT, "read me");
    commit();
    before = strdup(peek_sql(w.r.f.wa, session));
    x25519_generate(&other.rng, &other.local.identity);
    OK(ask_again(&(struct asked){"222000011:3@lid", NULL, NULL, UNKNOWN, 2, &other}));
    only_acked();
    assert_string_equal(peek_sql(w.r.f.wa, session), before);
    free(before);
    /* The right ones once, and not again within the hour. */
    OK(ask_again(&(struct asked){"222000011:3@lid", NULL, NULL, UNKNOWN, 2, p}));
    only_acked();
    before = strdup(peek_sql(w.r.f.wa, session));
    OK(ask_again(&(struct asked){"222000011:3@lid", NULL, NULL, "3EB0OTHER", 2, p}));
    only_acked();
    assert_string_equal(peek_sql(w.r.f.wa, session), before);
    free(before);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_keys_are_taken_without_the_text, setup, world_teardown),
        cmocka_unit_test_setup_teardown(nor_is_a_note_needed, setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_group_key_is_given_again, setup, world_teardown),
        cmocka_unit_test_setup_teardown(strangers_change_nothing, setup, world_teardown),
        cmocka_unit_test_setup_teardown(dishonest_keys_are_not_taken, setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
