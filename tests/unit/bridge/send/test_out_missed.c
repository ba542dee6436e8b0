/* Which devices a message to a group has missed, when the server names another participant hash. */
#include "bridge/groups/limits.h"
#include "tests/unit/bridge/send_fixture.h"

#include "base/reader.h"
#include "store/core/state.h"
#include "store/outbox/sealed.h"
#include "store/session/group_limits.h"

#define NEWCOMER "222000019@lid"

static int setup(void **state)
{
    (void)state;
    world_init();
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    nsent = 0;
    return 0;
}

/* The waiting stanza for the devices that were missed; NULL when there is none. */
static const struct node *direct(void)
{
    struct reader in = reader_new(arena_copy(&w.r.arena, buf_span(&w.r.b.outgoing.queue)));

    while (reader_left(&in)) {
        struct span packed = reader_bytes(&in, reader_u32be(&in));
        struct node *n;

        OK(node_unpack(packed, &w.r.arena, &n));
        if (node_is(n, "message"))
            return n;
    }
    return NULL;
}

static void differ(const char *id, const char *hash)
{
    ack_with(id, 0, hash);
    run();
}

static void somebody_new_gets_the_message_with_the_key(void **state)
{
    struct jid j = J(NEWCOMER);
    struct store_sealed_match match;
    const struct node *m;
    struct content c;

    (void)state;
    send_text(0, GROUP, "one");
    add_member(NEWCOMER, NULL);
    add_peer(NEWCOMER);
    differ(wire_id(0), "2:AAAAAAAA");
    m = direct();
    assert_non_null(m);
    assert_attr(m, "id", wire_id(0));
    assert_attr(m, "to", GROUP);
    assert_attr(m, "type", "text");
    assert_attr(m, "addressing_mode", "lid");
    assert_int_equal(recipients(m), 1);
    assert_null(node_child(m, "enc"));
    assert_non_null(node_child(m, "device-identity"));
    OK(peer_read(peer_of(&j), enc_for(m, NEWCOMER), &c));
    assert_span(c.text, "one");
    assert_span(c.skdm_group, GROUP);
    OK(store_sealed_find(w.r.f.s, span_cstr(wire_id(0)), &j, &match));
    assert_true(match.device);
    /* Whether the server took that stanza is not known: the key comes again. */
    send_text(1, GROUP, "two");
    assert_int_equal(recipients(wire_node(1)), 1);
    OK(peer_read(peer_of(&j), enc_for(wire_node(1), NEWCOMER), &c));
    /* Had they left instead, they would not read on. */
}

static void who_was_missed_and_left_does_not_read_on(void **state)
{
    struct jid j = J(NEWCOMER);
    struct content c;

    (void)state;
    send_text(0, GROUP, "one");
    add_member(NEWCOMER, NULL);
    add_peer(NEWCOMER);
    differ(wire_id(0), "2:AAAAAAAA");
    OK(peer_read(peer_of(&j), enc_for(direct(), NEWCOMER), &c));
    w.group.nmembers--;
    send_text(1, GROUP, "two");
    assert_int_not_equal(recipients(wire_node(1)), 0); /* everybody else gets a new key */
    assert_null(enc_for(wire_node(1), NEWCOMER));
    assert_int_equal(peer_read(peer_of(&j), node_child(wire_node(1), "enc"), &c),
                     WB_ERR_BAD_KEY_ID);
}

static void the_same_hash_asks_once_an_hour(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        send_text(i, GROUP, "again");
        differ(wire_id(i), "2:AAAAAAAA");
    }
    assert_int_equal(w.asked[ASKED_GROUP], 3 + 1);
    assert_int_equal(w.asked[ASKED_DEVICES], 3 + 1);
    /* Another one is news of the group, but not yet again of all of its devices. */
    send_text(3, GROUP, "again");
    differ(wire_id(3), "2:BBBBBBBB");
    assert_int_equal(w.asked[ASKED_GROUP], 4 + 2);
    pass((int64_t)GROUP_REFRESH_S * 1000);
    send_text(4, GROUP, "again");
    differ(wire_id(4), "2:BBBBBBBB");
    assert_int_equal(w.asked[ASKED_GROUP], 5 + 3);
    assert_null(direct());
}

/* A member without any device is new each time. */
static void who_has_no_device_is_not_asked_about_for_ever(void **state)
{
    (void)state;
    add_member(NEWCOMER, NULL);
    for (size_t i = 0; i < 5; i++) {
        send_text(i, GROUP, "again");
        differ(wire_id(i), "2:AAAAAAAA");
    }
    assert_int_equal(w.asked[ASKED_GROUP], 5 + 2);
    assert_null(direct());
}

/* A pause that the server wants, or trouble of it: the message is not lost because of that. */
static void after_trouble_it_is_looked_at_again(void **state)
{
    struct jid j = J(NEWCOMER);
    struct content c;

    (void)state;
    send_text(0, GROUP, "one");
    add_member(NEWCOMER, NULL);
    add_peer(NEWCOMER);
    w.device_error = WB_ERR_TIMEOUT;
    differ(wire_id(0), "2:AAAAAAAA");
    w.device_error = WB_OK;
    w.group_error = WB_ERR_RATE_LIMITED;
    iq_pause_begin(&w.r.b.iq.pauses, IQ_KIND_GROUPS, 3600, clock_mono_ms(w.r.b.clock));
    pass(SEND_RETRY_FIRST_MS);
    w.group_error = WB_OK;
    w.session_error = WB_ERR_NET;
    pass(3600 * 1000);
    pass(1000);
    assert_null(direct());
    w.session_error = WB_OK;
    pass(SEND_RETRY_MAX_MS);
    assert_non_null(direct());
    OK(peer_read(peer_of(&j), enc_for(direct(), NEWCOMER), &c));
    assert_span(c.text, "one");
    assert_int_equal(w.asked[ASKED_GROUP], 1 + 4);
    pass((int64_t)SEND_RETRY_MAX_MS * 3); /* and once only */
    assert_int_equal(w.asked[ASKED_GROUP], 1 + 4);
}

static void nothing_is_asked_for_an_account_that_is_gone(void **state)
{
    (void)state;
    send_text(0, GROUP, "one");
    w.device_error = WB_ERR_TIMEOUT;
    differ(wire_id(0), "2:AAAAAAAA");
    events_emit_kind(&w.r.b.events, BRIDGE_EV_LOGGED_OUT);
    pass(SEND_RETRY_MAX_MS);
    assert_int_equal(w.asked[ASKED_GROUP], 1 + 1);
}

/* The answer does not come: the next message asks. */
static void without_an_answer_the_group_is_in_doubt(void **state)
{
    struct jid group = J(GROUP);
    struct store_group g;

    (void)state;
    w.group.updated_at = fixture_time;
    OK(store_group_put(w.r.f.s, &w.group));
    send_text(0, GROUP, "one");
    w.group_error = WB_ERR_NET;
    differ(wire_id(0), "2:AAAAAAAA");
    for (int i = 0; i < OUT_MISSED_TRIES; i++)
        pass(SEND_RETRY_MAX_MS);
    assert_int_equal(w.asked[ASKED_GROUP], 2 + OUT_MISSED_TRIES);
    OK(store_group_get_info(w.r.f.s, &group, &g));
    assert_int_equal(g.updated_at, 0);
    assert_null(direct());
}

/* The next answer to what it asks. */
static void answer_one(void)
{
    struct pending p = w.pending[0];

    assert_int_equal(w.npending, 1);
    w.npending = 0;
    if (p.kind == ASKED_GROUP)
        answer_group(&p);
    else if (p.kind == ASKED_DEVICES)
        answer_devices(&p);
    else
        answer_sessions(&p);
    run();
}

static void miss_somebody(void)
{
    send_text(0, GROUP, "one");
    add_member(NEWCOMER, NULL);
    add_peer(NEWCOMER);
    w.hold = true;
    differ(wire_id(0), "2:AAAAAAAA");
}

/* It cannot be sent, after the newcomer's part was sealed: nobody must be noted as having a key. */
static void half_a_message_leaves_nothing(void **state)
{
    (void)state;
    miss_somebody();
    answer_one();
    answer_one();
    OK(db_exec(&w.r.f.s->wa, "DELETE FROM bridge_sealed"));
    answer_one();
    assert_null(direct());
    assert_false(w.r.b.store_failed);
    OK(batch_commit(&w.r.b));
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_skdm WHERE device LIKE '222000019%'", "0");
    assert_int_equal(w.r.b.out_message->missed[0].key, 0);
}

static void without_an_account_nobody_is_looked_for(void **state)
{
    (void)state;
    miss_somebody();
    assert_int_not_equal(w.r.b.out_message->missed[0].key, 0);
    events_emit_kind(&w.r.b.events, BRIDGE_EV_LOGGED_OUT);
    assert_int_equal(w.r.b.out_message->missed[0].key, 0);
    answer_one();
    assert_int_equal(w.npending, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(somebody_new_gets_the_message_with_the_key),
        T(who_was_missed_and_left_does_not_read_on),
        T(the_same_hash_asks_once_an_hour),
        T(who_has_no_device_is_not_asked_about_for_ever),
        T(after_trouble_it_is_looked_at_again),
        T(nothing_is_asked_for_an_account_that_is_gone),
        T(without_an_answer_the_group_is_in_doubt),
        T(half_a_message_leaves_nothing),
        T(without_an_account_nobody_is_looked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
