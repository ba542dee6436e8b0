/* Devices of a group ask for a message when too much was sent to the group again: they get no
 * answer, but can read the next message (P-X2-07). */
#include "tests/unit/bridge/retry_fixture.h"

#include "bridge/groups/group_limits.h"
#include "store/session/retry.h"

#define GROUP  "120363000000000001@g.us"
#define MEMBER "222000012@lid"

static int setup(void **state)
{
    world_setup(state);
    add_peer(MEMBER);
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    return 0;
}

static void nothing_may_be_sent_again(void)
{
    struct jid group = J(GROUP);
    char text[64];
    bool may = true;

    /* People ask who share what there is, until nothing is left for anybody. */
    for (int person = 0; person < 4; person++) {
        snprintf(text, sizeof text, "99900000%d@lid", person);
        struct jid who = J(text);

        for (may = true; may;)
            OK(group_limit_resend(&w.r.b, &group, &who, &may));
    }
}

/* p writes in the session that it has. */
static void hears(struct peer *p)
{
    struct buf sealed = buf_new(1024), plain = buf_new(1024);
    struct jid member = J(MEMBER), address;
    struct signal_session *s = NULL;
    enum signal_message_kind kind;

    OK(signal_encrypt(p->session, SPAN("hello", 5), &kind, &sealed));
    OK(store_canonical(w.r.f.s, &member, &address));
    OK(store_session_load(w.r.f.s, &address, &s, NULL));
    OK(signal_decrypt(s, buf_span(&sealed), NULL, &p->rng, &plain));
    assert_span(buf_span(&plain), "hello");
    OK(store_session_save(w.r.f.s, &address, s));
    buf_free(&sealed);
    buf_free(&plain);
}

/* It read the first message, and answered: what we write from now on does not start a session any
 * more. */
static void answers(struct peer *p)
{
    read_as(MEMBER, wire_node(0));
    hears(p);
}

static void loses_all(struct peer *p)
{
    forget(p);
    sender_key_record_free(p->group_key);
    p->group_key = sender_key_record_new();
}

static void asks(const char *id, unsigned count, struct peer *with_keys)
{
    OK(ask_again(&(struct asked){GROUP, MEMBER, NULL, id, count, with_keys}));
    assert_null(queued("message"));
    assert_non_null(queued("ack"));
    OK(batch_commit(&w.r.b));
}

static bool has_session(void)
{
    struct jid member = J(MEMBER), address;
    bool has = false;

    OK(store_canonical(w.r.f.s, &member, &address));
    OK(store_session_has(w.r.f.s, &address, &has));
    return has;
}

/* What p reads of the next message to the group; NULL: it cannot. */
static const char *next_read_by(struct peer *p)
{
    static unsigned n;
    static char text[32];
    size_t at = w.nwire;
    const struct node *own;
    struct content c;

    snprintf(text, sizeof text, "message %u", ++n);
    send_text(0, GROUP, text);
    ack(wire_id(at));
    own = enc_for(wire_node(at), MEMBER);
    if (!own || peer_read(p, own, &c) != WB_OK ||
        peer_read(p, node_child(wire_node(at), "enc"), &c) != WB_OK)
        return NULL;
    assert_span(c.text, text);
    return text;
}

static void without_keys_the_next_message_starts_a_session(void **state)
{
    struct peer *p = peer_named(MEMBER);
    const char *id = sent_to(GROUP, "unreadable");
    unsigned asked = w.asked[ASKED_SESSIONS];

    (void)state;
    answers(p);
    nothing_may_be_sent_again();
    loses_all(p);
    asks(id, 1, NULL);
    assert_int_equal(w.asked[ASKED_SESSIONS], asked); /* nobody's prekeys yet */
    assert_non_null(next_read_by(p));
    assert_int_equal(w.asked[ASKED_SESSIONS], asked + 1);
    /* In this session it goes on. */
    asks(id, 1, NULL);
    assert_non_null(next_read_by(p));
}

/* One-time prekeys are precious: not one for each request. */
static void at_most_hourly(void **state)
{
    struct peer *p = peer_named(MEMBER);
    const char *id = sent_to(GROUP, "unreadable");

    (void)state;
    answers(p);
    nothing_may_be_sent_again();
    loses_all(p);
    asks(id, 1, NULL);
    assert_false(has_session());
    assert_non_null(next_read_by(p));
    asks(id, 2, NULL);
    assert_true(has_session());
    assert_non_null(next_read_by(p));
    fixture_time += RETRY_REBUILD_S + 1;
    nothing_may_be_sent_again();
    loses_all(p);
    asks(id, 3, NULL);
    assert_false(has_session());
    assert_non_null(next_read_by(p));
}

/* The keys that a device sends are a new session, too: none is fetched within the hour. */
static void with_keys_in_their_session(void **state)
{
    struct peer *p = peer_named(MEMBER);
    const char *id = sent_to(GROUP, "unreadable");
    const char *session = "SELECT hex(session) FROM whatsmeow_sessions WHERE their_id ="
                          " '222000012_1:0'";
    char *before;

    (void)state;
    answers(p);
    nothing_may_be_sent_again();
    loses_all(p);
    asks(id, 2, p);
    before = strdup(peek_sql(w.r.f.wa, session));
    assert_true(strlen(before) > 0);
    asks(id, 1, NULL); /* an earlier one that was late */
    assert_string_equal(peek_sql(w.r.f.wa, session), before);
    free(before);
    assert_non_null(next_read_by(p));
}

/* Nobody else is believed: who has left gets no key any more, and needs no session for it. */
static void only_members(void **state)
{
    const char *id = sent_to(GROUP, "unreadable");

    (void)state;
    nothing_may_be_sent_again();
    w.group.nmembers--;
    OK(store_group_put(w.r.f.s, &w.group));
    asks(id, 1, NULL);
    assert_true(has_session());
}

/* What the device sends in it is still read. */
static void the_old_session_still_reads(void **state)
{
    struct peer *p = peer_named(MEMBER);
    const char *id = sent_to(GROUP, "unreadable");

    (void)state;
    answers(p);
    nothing_may_be_sent_again();
    asks(id, 1, NULL);
    assert_false(has_session());
    hears(p);
}

/* While there are many resends left, a first request is answered as anybody's; with few left it
 * must be readable. */
static void few_are_not_wasted_on_lost_sessions(void **state)
{
    struct peer *p = peer_named(MEMBER);
    const char *id = sent_to(GROUP, "read me");
    struct jid group = J(GROUP), other = J("999000009@lid");
    struct content c;
    bool may;

    (void)state;
    answers(p);
    OK(ask_again(&(struct asked){GROUP, MEMBER, NULL, id, 1, NULL}));
    assert_attr(queued("message")->first, "type", "msg");
    OK(batch_commit(&w.r.b));
    for (int i = 1; i < GROUP_RESEND_TRUSTING; i++)
        OK(group_limit_resend(&w.r.b, &group, &other, &may));
    loses_all(p);
    OK(ask_again(&(struct asked){GROUP, MEMBER, NULL, id, 1, NULL}));
    assert_attr(queued("message")->first, "type", "pkmsg");
    OK(peer_read(p, queued("message")->first, &c));
    assert_span(c.text, "read me");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_keys_the_next_message_starts_a_session, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(at_most_hourly, setup, world_teardown),
        cmocka_unit_test_setup_teardown(with_keys_in_their_session, setup, world_teardown),
        cmocka_unit_test_setup_teardown(only_members, setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_old_session_still_reads, setup, world_teardown),
        cmocka_unit_test_setup_teardown(few_are_not_wasted_on_lost_sessions, setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
