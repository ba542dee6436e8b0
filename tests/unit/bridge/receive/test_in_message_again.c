/* Messages that come again, or whose first copy may have been stored: nothing is lost, nothing is
 * stored twice, and the bridge asks only for what it lacks. */
#include "tests/unit/bridge/receive_people.h"

#include "store/core/meta.h"
#include "store/session/lid_map.h"
#include "store/session/retry.h"
#include "store/session/signal_store.h"

static struct jid bare(const char *text)
{
    return J(text);
}

/* The pair came from another program, or from a query: there is no session under the LID yet. */
static void a_session_under_the_number_serves_the_lid(void **state)
{
    struct receiver *r = *state;
    struct jid pn = bare(ALICE), lid = bare(ALICE_LID);
    struct writer alice;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "by number"));
    OK(store_lid_put(r->f.s, &lid, &pn, NULL));
    OK(store_commit(r->f.s));
    receiver_restart(r);
    alice.session->current->pending.present = false; /* she sends with the session as it is */
    receive(r, letter(r, &alice, ALICE_LID, "A2", "by LID"));
    assert_int_equal(nsent, 1);
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT group_concat(content) FROM messages", "by number,by LID");
    assert_look(r, "SELECT group_concat(DISTINCT chat_jid) FROM messages", ALICE);
    assert_look_wa(r, "SELECT group_concat(their_id) FROM whatsmeow_sessions", "222000222_1:0");
    writer_free(&alice);
}

/* Its record is damaged meanwhile: what is stored need not be asked for. */
static void a_known_message_is_not_asked_for(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "once");
    receive(r, n);
    poke_sql(r->f.wa, "UPDATE whatsmeow_sessions SET session = substr(session, 1, 100)");
    receiver_restart(r);
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT count(*)||content||state FROM messages", "1once");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "0");
    writer_free(&alice);
}

static void resume(struct receiver *r)
{
    nsent = 0;
    fixture_time += 120;
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
    OK(batch_commit(&r->b));
}

/* A restored whatsapp.db owes what came since; or the Go bridge stored it while it ran. */
static void what_came_meanwhile_is_not_owed(void **state)
{
    struct receiver *r = *state;
    struct node *one = stanza(r, ALICE, "A1"), *two = stanza(r, ALICE, "A2");

    add_enc(r, one, "msg", SPAN_LIT("\x33no message at all"));
    add_enc(r, two, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, one);
    receive(r, two);
    poke_sql(r->f.msg, "UPDATE messages SET content = 'it came', state = '' WHERE id = 'A1'");
    receiver_restart(r);
    resume(r);
    assert_int_equal(nsent, 1);
    has(sent[0], "A2");
    assert_look_wa(r, "SELECT group_concat(message_id) FROM bridge_retry_owed", "A2");
}

/* Asked for under the number; the answer teaches us the LID. */
static void an_answer_under_the_other_form_ends_the_asking(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, ALICE, "A1");
    struct writer alice;

    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "here it is");
    attr_jid(r, n, "sender_lid", ALICE_LID);
    receive(r, n);
    assert_look(r, "SELECT count(*)||content||state FROM messages", "1here it is");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "0");
    resume(r);
    assert_int_equal(nsent, 0);
    writer_free(&alice);
}

/* The same message fails under both forms: it is one, and counted on. */
static void the_count_goes_on_under_the_other_form(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, ALICE, "A1");

    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
    attr_jid(r, n, "sender_lid", ALICE_LID);
    receive(r, n);
    has(sent[0], "count=\"2\"");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "1");
}

/* 16.7 million ids are used up: a receipt without keys is better than none. */
static void a_retry_without_ids_left(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, ALICE, "A1");

    OK(store_meta_put_int(r->f.s, "prekey_high", PREKEY_ID_MAX));
    OK(store_commit(r->f.s));
    add_enc(r, n, "pkmsg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
    receive(r, n);
    has(sent[0], "type=\"retry\"");
    has(sent[0], "count=\"2\"");
    hasnt(sent[0], "<keys>");
    assert_look(r, "SELECT id||state FROM messages", "A1waiting");
}

/* An edit came before its message, whose key is used up. */
static void a_loss_behind_a_placeholder_is_asked_for(void **state)
{
    struct receiver *r = *state;
    struct writer alice, phone;
    struct node *n;

    writer_init(&phone, 9);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P1", "note to self"));
    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "gone");
    receive(r, n);
    poke_sql(r->f.msg, "UPDATE messages SET state = 'waiting', content = '' WHERE id = 'A1'");
    receive(r, n);
    assert_int_equal(nsent, 2);
    has(sent[0], "category=\"peer\"");
    receive(r, n);
    assert_int_equal(nsent, 1); /* once */
    writer_free(&alice);
    writer_free(&phone);
}

/* Five seconds later: how many messages is the phone asked for? The server acks the requests. */
static size_t phone_is_asked(struct receiver *r, bool acked)
{
    size_t asked = 0;

    nsent = 0;
    mono_now += 5000;
    fixture_time += 5;
    timers_run(&r->loop.timers);
    OK(batch_commit(&r->b));
    for (size_t i = 0; i < nsent; i++) {
        const char *id = strstr(sent[i], " id=\"");

        if (!strstr(sent[i], "category=\"peer\""))
            continue;
        asked++;
        if (acked)
            OK(in_message_acked(&r->b, SPAN(id + 5, strcspn(id + 5, "\""))));
    }
    OK(batch_commit(&r->b));
    return asked;
}

/* The second one is owed while the time of the first one's sender still runs. */
static void each_is_asked_for_in_its_time(void **state)
{
    struct receiver *r = *state;
    struct node *one = stanza(r, ALICE, "A1"), *two = stanza(r, ALICE, "A2");
    struct writer phone;

    writer_init(&phone, 9);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P0", "note to self"));
    add_enc(r, one, "msg", SPAN_LIT("\x33no message at all"));
    add_enc(r, two, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, one);
    mono_now += 4000;
    fixture_time += 4;
    receive(r, two);
    mono_now -= 4000;
    fixture_time -= 4;
    assert_int_equal(phone_is_asked(r, true), 1);
    assert_look_wa(r, "SELECT group_concat(message_id) FROM bridge_retry_owed WHERE phone_asked",
                   "A1");
    assert_int_equal(phone_is_asked(r, true), 1);
    assert_look_wa(r, "SELECT group_concat(message_id) FROM bridge_retry_owed WHERE phone_asked",
                   "A1,A2");
    assert_int_equal(phone_is_asked(r, true), 0);
    writer_free(&phone);
}

static void a_night_of_unreadable_ones(struct receiver *r, struct writer *phone)
{
    char id[16];

    writer_init(phone, 9);
    writer_start(phone, r);
    receive(r, letter(r, phone, OWN_PHONE, "P0", "note to self"));
    for (int i = 0; i < 100; i++) {
        struct node *n;

        snprintf(id, sizeof id, "A%d", i);
        r->nevents = 0;
        n = stanza(r, ALICE, id);
        add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
        receive(r, n);
    }
}

static void many_are_asked_for_in_parts(void **state)
{
    struct receiver *r = *state;
    struct writer phone;

    a_night_of_unreadable_ones(r, &phone);
    assert_int_equal(phone_is_asked(r, true), 64);
    assert_int_equal(phone_is_asked(r, false), 36);
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed WHERE phone_asked", "100");
    assert_int_equal(phone_is_asked(r, true), 0);
    writer_free(&phone);
}

/* Nothing is asked for twice on one connection because an ack is late. */
static void the_next_part_waits_for_acks(void **state)
{
    struct receiver *r = *state;
    struct writer phone;

    a_night_of_unreadable_ones(r, &phone);
    assert_int_equal(phone_is_asked(r, false), 64);
    for (int i = 0; i < 3; i++)
        assert_int_equal(phone_is_asked(r, false), 0);
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE);
    fixture_time += 30;
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
    OK(batch_commit(&r->b));
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed WHERE phone_asked", "64");
    writer_free(&phone);
}

/* Messages that have no part for us: only the phone can be asked, and at once; but however many
 * such messages come, only so many requests are out. */
static void no_more_is_asked_at_once_than_the_server_acks(void **state)
{
    struct receiver *r = *state;
    struct writer phone;
    size_t asked = 0;
    char id[16];

    writer_init(&phone, 9);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P0", "note to self"));
    for (int i = 0; i < 100; i++) {
        struct node *n;

        snprintf(id, sizeof id, "A%d", i);
        r->nevents = nsent = 0;
        n = stanza(r, ALICE, id);
        node_child_new(&r->arena, n, "unavailable");
        receive(r, n);
        for (size_t j = 0; j < nsent; j++)
            asked += strstr(sent[j], "category=\"peer\"") != NULL;
    }
    assert_int_equal(asked, 64);
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed WHERE phone_asked = 0", "36");
    assert_int_equal(phone_is_asked(r, true), 0);
    writer_free(&phone);
}

static struct node *answer_of(struct receiver *r, const char *id, size_t n)
{
    struct node *answer = node_new(&r->arena, "receipt");
    uint8_t *bytes = arena_alloc(&r->arena, n + 1);

    node_attr_text(&r->arena, answer, "id", id);
    node_set_bytes(&r->arena, node_child_new(&r->arena, answer, "enc"), SPAN(bytes, n));
    return answer;
}

/* An answer that no longer fits is dropped, and nothing else with it. */
static void more_answers_than_may_wait(void **state)
{
    struct receiver *r = *state;
    struct node *large = answer_of(r, "LARGE", OUTGOING_STANZA_BYTES_MAX - 100);
    size_t n = 0;

    while (outgoing_after_commit(&r->b, large) == WB_OK)
        assert_int_equal(outgoing_is_full(&r->b), ++n > 0);
    assert_int_equal(n, 3);
    assert_int_equal(outgoing_after_commit(&r->b, large), WB_ERR_TOO_LARGE);
    nsent = 0;
    outgoing_drop(&r->b);
    OK(outgoing_after_commit(&r->b, answer_of(r, "FIRST", 1)));
    assert_false(outgoing_is_full(&r->b));
    while (outgoing_after_commit(&r->b, large) == WB_OK)
        ;
    OK(outgoing_after_commit(&r->b, answer_of(r, "LAST", 1)));
    OK(batch_commit(&r->b));
    assert_int_equal(nsent, 5);
    has(sent[0], "FIRST");
    has(sent[4], "LAST");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_session_under_the_number_serves_the_lid),
        T(a_known_message_is_not_asked_for),
        T(what_came_meanwhile_is_not_owed),
        T(an_answer_under_the_other_form_ends_the_asking),
        T(the_count_goes_on_under_the_other_form),
        T(a_retry_without_ids_left),
        T(a_loss_behind_a_placeholder_is_asked_for),
        T(each_is_asked_for_in_its_time),
        T(many_are_asked_for_in_parts),
        T(the_next_part_waits_for_acks),
        T(no_more_is_asked_at_once_than_the_server_acks),
        T(more_answers_than_may_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
