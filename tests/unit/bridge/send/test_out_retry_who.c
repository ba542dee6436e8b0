/* For which devices a message is sealed once more: only for those to which it was sent, or that
 * belong to the chat now. */
#include "tests/unit/bridge/retry_fixture.h"

#include "store/core/state.h"
#include "store/session/retry.h"

static void commit(void)
{
    OK(batch_commit(&w.r.b));
}

/* Who knows a message's id is not therefore one of those whom it was for; and nobody is asked about
 * strangers, nor do they see whether the id exists. */
static void a_stranger_gets_nothing(void **state)
{
    struct peer *stranger = add_peer("333000001@lid");
    const char *id;
    char acked[300];
    unsigned devices;

    (void)state;
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    id = sent_to(GROUP, "to all");
    devices = w.asked[ASKED_DEVICES];
    OK(ask_again(&(struct asked){GROUP, "333000001@lid", NULL, id, 1, stranger}));
    assert_null(queued("message"));
    assert_non_null(queued("ack"));
    commit();
    assert_int_equal(nsent, 1);
    snprintf(acked, sizeof acked, "%s", strstr(sent[0], "type="));
    OK(ask_again(&(struct asked){GROUP, "333000001@lid", NULL, "3EB0NOSUCH", 1, stranger}));
    commit();
    assert_int_equal(nsent, 1);
    assert_string_equal(strstr(sent[0], "type="), acked);
    assert_int_equal(w.asked[ASKED_DEVICES], devices);
    assert_int_equal(w.r.b.refused.retries, 1);
    assert_string_equal(peek_sql(w.r.f.wa, "SELECT count(*) FROM bridge_retry_peer"), "0");
    /* A restart changes nothing of it. */
    world_restart();
    go_online();
    OK(ask_again(&(struct asked){GROUP, "333000001@lid", NULL, id, 2, stranger}));
    assert_null(queued("message"));
    OK(ask_again(
        &(struct asked){GROUP, "222000012@lid", NULL, id, 2, peer_named("222000012@lid")}));
    assert_non_null(queued("message"));
}

/* In a private chat and in a group; one question for all the numbers that a person makes up. */
static void a_device_that_is_not_listed_gets_nothing(void **state)
{
    struct peer *unlisted;
    const char *ids[2], *chats[] = {"222000011", GROUP};
    unsigned devices, sessions;

    (void)state;
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    ids[0] = sent_to(CONTACT, "private");
    ids[1] = sent_to(GROUP, "to all");
    unlisted = add_peer("222000011:66@lid");
    unlisted->device = J("444000444@lid"); /* has keys, but no list names it */
    devices = w.asked[ASKED_DEVICES];
    sessions = w.asked[ASKED_SESSIONS];
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned number = 66; number < 76; number++) {
            char device[40];

            snprintf(device, sizeof device, "222000011:%u@lid", number);
            if (strcmp(chats[i], GROUP) == 0)
                OK(ask_again(&(struct asked){GROUP, device, NULL, ids[i], 1, unlisted}));
            else
                OK(ask_again(&(struct asked){device, NULL, NULL, ids[i], 1, unlisted}));
            assert_null(queued("message"));
            assert_non_null(queued("ack"));
            commit();
        }
    }
    assert_int_equal(w.asked[ASKED_DEVICES], devices + 1);
    assert_int_equal(w.asked[ASKED_SESSIONS], sessions);
    assert_int_equal(w.r.b.refused.retries, 20);
    pass(61 * 1000); /* a minute later once more */
    OK(ask_again(&(struct asked){"222000011:80@lid", NULL, NULL, ids[0], 1, unlisted}));
    assert_null(queued("message"));
    assert_int_equal(w.asked[ASKED_DEVICES], devices + 2);
}

static void a_device_that_was_linked_since_gets_it(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    struct peer *p = add_peer("222000011:5@lid");
    unsigned devices = w.asked[ASKED_DEVICES];
    const struct node *m;
    struct content c;

    (void)state;
    w.hold = true;
    OK(ask_again(&(struct asked){"222000011:5@lid", NULL, NULL, id, 1, p}));
    assert_null(queued("message"));
    assert_null(queued("ack")); /* it comes with the answer */
    w.hold = false;
    run();
    assert_int_equal(w.asked[ASKED_DEVICES], devices + 1);
    m = queued("message");
    OK(peer_read(p, m->first, &c));
    assert_span(c.text, "read me");
    assert_attr(queued("ack"), "type", "retry");
    assert_int_equal(w.r.b.refused.retries, 0);
}

/* The same without keys in the request: list first, then its prekeys. */
static void a_new_member_gets_it(void **state)
{
    struct peer *p;
    const struct node *m;
    const char *id;
    struct content c;

    (void)state;
    make_group(STORE_ADDRESSING_LID);
    w.group.nmembers = 2;
    OK(store_group_put(w.r.f.s, &w.group));
    id = sent_to(GROUP, "to all");
    p = add_peer("222000012@lid");
    w.group.nmembers = 3;
    OK(store_group_put(w.r.f.s, &w.group));
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, id, 1, NULL}));
    m = queued("message");
    OK(peer_read(p, m->first, &c));
    assert_span(c.text, "to all");
    assert_span(c.skdm_group, GROUP);
    assert_non_null(queued("ack"));
}

/* The message was theirs, what is written from now on is not. */
static void who_has_left_gets_the_message_without_the_key(void **state)
{
    struct peer *p = add_peer("222000012@lid");
    const char *id;
    struct content c;

    (void)state;
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    id = sent_to(GROUP, "to all");
    w.group.nmembers = 2;
    OK(store_group_put(w.r.f.s, &w.group));
    forget(p);
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, id, 1, p}));
    OK(peer_read(p, queued("message")->first, &c));
    assert_span(c.text, "to all");
    assert_int_equal(c.skdm.n, 0);
}

static void the_list_cannot_be_asked_for(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    struct peer *p = add_peer("222000011:5@lid");

    (void)state;
    w.device_error = WB_ERR_NET;
    OK(ask_again(&(struct asked){"222000011:5@lid", NULL, NULL, id, 1, p}));
    assert_null(queued("message"));
    assert_null(queued("ack")); /* the request comes again */
    w.device_error = WB_OK;
    OK(ask_again(&(struct asked){"222000011:5@lid", NULL, NULL, id, 1, p}));
    assert_non_null(queued("message"));
    assert_non_null(queued("ack"));
}

/* What an older bridge sent: nothing says for whom, so the server's list does. */
static void without_a_note_the_list_decides(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    struct peer *p = peer_named("222000011:3@lid"), *stranger = add_peer("333000001@lid");
    const char *to_all;

    (void)state;
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    to_all = sent_to(GROUP, "to all");
    OK(db_exec(&w.r.f.s->wa, "DELETE FROM bridge_sealed"));
    OK(ask_again(&(struct asked){"222000011:3@lid", NULL, NULL, id, 1, p}));
    assert_non_null(queued("message"));
    commit();
    OK(ask_again(&(struct asked){"222000011:7@lid", NULL, NULL, id, 1, p}));
    assert_null(queued("message"));
    OK(ask_again(&(struct asked){GROUP, "333000001@lid", NULL, to_all, 1, stranger}));
    assert_null(queued("message"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(a_stranger_gets_nothing),
        T(a_device_that_is_not_listed_gets_nothing),
        T(a_device_that_was_linked_since_gets_it),
        T(a_new_member_gets_it),
        T(who_has_left_gets_the_message_without_the_key),
        T(the_list_cannot_be_asked_for),
        T(without_a_note_the_list_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
