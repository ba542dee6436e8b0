/* Devices that could not read a message of ours and ask for it again. */
#include "tests/unit/bridge/retry_fixture.h"

#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/session/retry.h"

static void with_keys_a_new_session(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    struct peer *p = peer_named("222000011:3@lid");
    const struct node *m, *ack_node;
    struct content c;

    (void)state;
    forget(p);
    OK(ask_again(&(struct asked){"222000011:3@lid", NULL, NULL, id, 2, p}));
    m = queued("message");
    assert_attr(m, "to", "222000011:3@lid");
    assert_attr(m, "id", id);
    assert_attr(m, "type", "text");
    assert_attr(m, "t", "1790000123");
    assert_attr(m, "device_fanout", "false");
    assert_attr(m->first, "count", "2");
    assert_attr(m->first, "type", "pkmsg");
    assert_non_null(node_child(m, "device-identity"));
    OK(peer_read(p, m->first, &c));
    assert_span(c.text, "read me");
    assert_false(c.device_sent);
    ack_node = queued("ack");
    assert_attr(ack_node, "class", "receipt");
    assert_attr(ack_node, "type", "retry");
    assert_attr(ack_node, "id", id);
    /* It leaves with the commit of the ratchet. */
    OK(batch_commit(&w.r.b));
    assert_int_equal(nsent, 2);
}

static void without_keys_the_old_session_first(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    struct peer *p = peer_named("222000011@lid");
    const struct node *m;
    struct content c;

    (void)state;
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, 1, NULL}));
    assert_int_equal(w.asked[ASKED_SESSIONS], 1); /* that of the send */
    OK(batch_commit(&w.r.b));
    /* The second time the session does not do: prekeys are fetched, at most hourly. */
    forget(p);
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, 2, NULL}));
    assert_int_equal(w.asked[ASKED_SESSIONS], 2);
    m = queued("message");
    OK(peer_read(p, m->first, &c));
    assert_span(c.text, "read me");
    OK(batch_commit(&w.r.b));
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, 3, NULL}));
    assert_int_equal(w.asked[ASKED_SESSIONS], 2);
    OK(batch_commit(&w.r.b));
    pass(3601 * 1000);
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, 4, NULL}));
    assert_int_equal(w.asked[ASKED_SESSIONS], 3);
}

/* The hour between two new sessions is one of the server's time. */
static void a_wall_clock_that_jumps_renews_no_session(void **state)
{
    const char *id;
    unsigned count = 2;

    (void)state;
    bridge_server_time(&w.r.b, fixture_time);
    id = sent_to(CONTACT, "read me");
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, count++, NULL}));
    OK(batch_commit(&w.r.b));
    assert_int_equal(w.asked[ASKED_SESSIONS], 2);
    fixture_time += 86400;
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, count++, NULL}));
    OK(batch_commit(&w.r.b));
    assert_int_equal(w.asked[ASKED_SESSIONS], 2);
    fixture_time -= (int64_t)20 * 365 * 86400;
    pass(3601 * 1000);
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, count++, NULL}));
    OK(batch_commit(&w.r.b));
    assert_int_equal(w.asked[ASKED_SESSIONS], 3);
    /* One that lies ahead was noted by a wrong clock: it holds nothing up. */
    bridge_server_time(&w.r.b, 1790000000 - 86400);
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, count, NULL}));
    assert_int_equal(w.asked[ASKED_SESSIONS], 4);
}

static void also_after_a_restart_and_by_number(void **state)
{
    const char *id = sent_to(CONTACT, "still known");
    struct peer *p = peer_named("222000011@lid");
    const struct node *m;
    struct content c;

    (void)state;
    world_restart();
    go_online();
    forget(p);
    OK(ask_again(&(struct asked){"27820000011@s.whatsapp.net", NULL, NULL, id, 1, p}));
    m = queued("message");
    assert_attr(m, "to", "27820000011@s.whatsapp.net");
    OK(peer_read(p, m->first, &c));
    assert_span(c.text, "still known");
}

static void our_own_device(void **state)
{
    const char *id = sent_to(CONTACT, "mine");
    struct peer *p = peer_named("111000111:9@lid");
    const struct node *m;
    struct content c;

    (void)state;
    forget(p);
    OK(ask_again(&(struct asked){"111000111:9@lid", NULL, "222000011@lid", id, 1, p}));
    m = queued("message");
    assert_attr(m, "recipient", "222000011@lid");
    OK(peer_read(p, m->first, &c));
    assert_true(c.device_sent);
    assert_span(c.destination, "222000011@lid");
    assert_span(c.text, "mine");
}

static void a_member_gets_the_sender_key_too(void **state)
{
    struct peer *p = add_peer("222000012@lid");
    const struct node *m;
    const char *id;
    struct content c;

    (void)state;
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    id = sent_to(GROUP, "to all");
    forget(p);
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, id, 1, p}));
    m = queued("message");
    assert_attr(m, "to", GROUP);
    assert_attr(m, "participant", "222000012@lid");
    assert_false(node_has_attr(m, "device_fanout"));
    OK(peer_read(p, m->first, &c));
    assert_span(c.text, "to all");
    assert_span(c.skdm_group, GROUP);
    OK(batch_commit(&w.r.b));
    /* It reads the next one with that key, and is given it once more (P-RC-44). */
    send_text(1, GROUP, "next");
    m = wire_node(w.nwire - 1);
    OK(peer_read(p, node_child(m, "enc"), &c));
    assert_span(c.text, "next");
    assert_non_null(enc_for(m, "222000012@lid"));
}

/* Also when the session was good and only the sender key was missing. */
static void a_member_with_a_session_gets_the_key_once_more(void **state)
{
    struct peer *p = add_peer("222000012@lid");
    const char *id;
    struct content c;

    (void)state;
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    id = sent_to(GROUP, "to all");
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, id, 1, NULL}));
    OK(peer_read(p, queued("message")->first, &c));
    assert_span(c.text, "to all");
    OK(batch_commit(&w.r.b));
    send_text(1, GROUP, "next");
    assert_int_equal(recipients(wire_node(w.nwire - 1)), 1);
    assert_non_null(enc_for(wire_node(w.nwire - 1), "222000012@lid"));
}

/* It was given the key of now, and has left: nobody must read on with that. */
static void a_member_that_asks_and_leaves(void **state)
{
    struct peer *p = add_peer("222000012@lid");
    const char *id;
    struct content c;

    (void)state;
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    p->no_keys = true; /* was left out of the message */
    id = sent_to(GROUP, "to all");
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, id, 1, p}));
    OK(peer_read(p, queued("message")->first, &c));
    assert_span(c.skdm_group, GROUP);
    OK(batch_commit(&w.r.b));
    w.group.nmembers--;
    send_text(1, GROUP, "next");
    assert_null(enc_for(wire_node(w.nwire - 1), "222000012@lid"));
    assert_int_equal(peer_read(p, node_child(wire_node(w.nwire - 1), "enc"), &c),
                     WB_ERR_BAD_KEY_ID);
}

/* The connection goes while prekeys are fetched: without an ack the request comes again. */
static void a_request_is_not_lost_with_the_connection(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    const struct asked q = {"222000011@lid", NULL, NULL, id, 1, NULL};
    struct peer *p = peer_named("222000011@lid");
    const struct node *m;
    struct content c;

    (void)state;
    OK(store_session_delete(w.r.f.s, &p->device));
    OK(batch_commit(&w.r.b));
    forget(p);
    w.hold = true;
    OK(ask_again(&q));
    assert_null(queued("ack"));
    w.hold = false;
    w.session_error = WB_ERR_NET;
    run();
    assert_null(queued("ack"));
    assert_null(queued("message"));
    OK(batch_commit(&w.r.b));
    w.session_error = WB_OK;
    OK(ask_again(&q));
    m = queued("message");
    OK(peer_read(p, m->first, &c));
    assert_span(c.text, "read me");
    m = queued("ack");
    assert_attr(m, "class", "receipt");
    assert_attr(m, "type", "retry");
    assert_attr(m, "to", "222000011@lid");
    assert_attr(m, "id", id);
    /* What the server has no keys for is over. */
    OK(batch_commit(&w.r.b));
    OK(store_session_delete(w.r.f.s, &p->device));
    p->no_keys = true;
    OK(ask_again(&q));
    assert_null(queued("message"));
    assert_non_null(queued("ack"));
}

static void too_often(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    struct peer *p = peer_named("222000011@lid");

    (void)state;
    for (unsigned i = 1; i <= 11; i++) {
        OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, i, p}));
        assert_non_null(queued("ack"));
        assert_int_equal(queued("message") != NULL, i < 10);
        OK(batch_commit(&w.r.b));
    }
    /* Another device has its own count. */
    OK(ask_again(
        &(struct asked){"222000011:3@lid", NULL, NULL, id, 1, peer_named("222000011:3@lid")}));
    assert_non_null(queued("message"));
}

/* ---- who may have it ---- */

static void what_is_not_known_is_only_acked(void **state)
{
    const char *id = sent_to(CONTACT, "private");
    struct peer *stranger = add_peer("333000001@lid");

    (void)state;
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, "3EB0NOSUCH", 1, NULL}));
    assert_null(queued("message"));
    assert_non_null(queued("ack"));
    /* Another person's message is not theirs to ask for. */
    assert_int_equal(w.r.b.refused.retries, 0);
    OK(ask_again(&(struct asked){"333000001@lid", NULL, NULL, id, 1, stranger}));
    assert_null(queued("message"));
    assert_int_equal(w.r.b.refused.retries, 1);
}

static void bad_keys_are_only_acked(void **state)
{
    const char *id = sent_to(CONTACT, "private");
    struct peer *p = peer_named("222000011@lid"), *other = peer_named("222000011:3@lid");
    struct x25519_pair right = p->signed_prekey;
    struct arena *a = &w.r.arena;
    struct node *n = node_new(a, "receipt");
    struct stanza s = {.arena = a, .node = n};

    (void)state;
    OK(batch_commit(&w.r.b));
    p->signed_prekey = other->signed_prekey;
    p->local.identity.pub[0] ^= 1;
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, 1, p}));
    assert_null(queued("message"));
    assert_non_null(queued("ack"));
    p->local.identity.pub[0] ^= 1;
    p->signed_prekey = right;
    /* Without <retry> it is odd. */
    assert_int_equal(out_retry_request(&w.r.b, &s), WB_ERR_MALFORMED);
}

/* The keys came later, outside of any stanza, and the answer cannot be stored: nothing of it stays,
 * and no ack leaves. */
static void an_answer_that_cannot_be_stored(void **state)
{
    const char *id;

    (void)state;
    add_peer("222000012@lid");
    make_group(STORE_ADDRESSING_LID);
    OK(store_group_put(w.r.f.s, &w.group));
    id = sent_to(GROUP, "to all");
    peer_named("222000012@lid")->no_keys = true; /* the old session has to do */
    w.hold = true;
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, id, 2, NULL}));
    OK(batch_commit(&w.r.b));
    nsent = 0;
    OK(db_exec(&w.r.f.s->wa, "CREATE TRIGGER full BEFORE UPDATE ON bridge_skdm"
                             " BEGIN SELECT RAISE(ABORT, 'full'); END"));
    OK(store_meta_put_int(w.r.f.s, "half", 1)); /* of something else in the batch */
    OK(outgoing_after_commit(&w.r.b, node_new(&w.r.arena, "ack")));
    w.hold = false;
    run();
    assert_true(w.r.b.store_failed);
    assert_false(batch_is_open(&w.r.b));
    OK(batch_commit(&w.r.b));
    assert_int_equal(nsent, 0);
    assert_string_equal(peek_sql(w.r.f.wa, "SELECT count(*) FROM bridge_meta WHERE name = 'half'"),
                        "0");
    /* When it can be stored again, the device's next request is answered. */
    OK(db_exec(&w.r.f.s->wa, "DROP TRIGGER full"));
    OK(ask_again(&(struct asked){GROUP, "222000012@lid", NULL, id, 3, NULL}));
    assert_non_null(queued("message"));
}

/* Nor does a session that could not be renewed count as one that was. */
static void a_renewal_that_failed_is_due(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    const struct asked q = {"222000011@lid", NULL, NULL, id, 2, NULL};
    struct peer *p = peer_named("222000011@lid");
    struct content c;

    (void)state;
    forget(p);
    w.session_error = WB_ERR_NET;
    OK(ask_again(&q));
    assert_null(queued("message"));
    OK(batch_commit(&w.r.b));
    w.session_error = WB_OK;
    OK(ask_again(&q));
    OK(peer_read(p, queued("message")->first, &c));
    assert_span(c.text, "read me");
}

/* A phone that we know as one of the past asks, with its keys. They set up nothing; if it goes on,
 * the server is asked who is there now, and that one is believed. */
static void keys_of_a_former_identity(void **state)
{
    const char *id = sent_to(CONTACT, "read me");
    struct peer *p = peer_named("222000011@lid"), now = *p;
    struct jid address = J("222000011:0@lid");
    struct content c;
    size_t asked;

    (void)state;
    x25519_generate(&p->rng, &now.local.identity);
    now.session = signal_session_new();
    {
        struct signal_bundle bundle = bundle_of(&now);
        OK(prekey_start_session(&w.r.b, &address, &bundle, SPAN_NULL));
    }
    OK(batch_commit(&w.r.b));
    asked = w.asked[ASKED_SESSIONS];
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, 1, p}));
    assert_int_equal(w.asked[ASKED_SESSIONS], asked);
    OK(peer_read(&now, queued("message")->first, &c));
    assert_span(c.text, "read me");
    OK(batch_commit(&w.r.b));
    forget(p);
    OK(ask_again(&(struct asked){"222000011@lid", NULL, NULL, id, 2, p}));
    assert_int_equal(w.asked[ASKED_SESSIONS], asked + 1);
    OK(peer_read(p, queued("message")->first, &c));
    assert_span(c.text, "read me");
    signal_session_free(now.session);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(with_keys_a_new_session),
        T(keys_of_a_former_identity),
        T(an_answer_that_cannot_be_stored),
        T(without_keys_the_old_session_first),
        T(a_wall_clock_that_jumps_renews_no_session),
        T(also_after_a_restart_and_by_number),
        T(our_own_device),
        T(a_member_gets_the_sender_key_too),
        T(a_member_with_a_session_gets_the_key_once_more),
        T(a_member_that_asks_and_leaves),
        T(a_request_is_not_lost_with_the_connection),
        T(a_renewal_that_failed_is_due),
        T(too_often),
        T(what_is_not_known_is_only_acked),
        T(bad_keys_are_only_acked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
