/* A message that was sealed with the secret of another message and cannot be opened yet: its row
 * says what it is, the phone is asked for the secret, and nobody can flood the phone (P-RC-52,
 * P-X2-19). */
#include "tests/unit/bridge/sealed_fixture.h"

#include "bridge/receive/limits.h"
#include "proto/peer_wire.h"
#include "proto/web_message.h"
#include "store/messages/contacts.h"
#include "store/session/lid_map.h"
#include "store/session/prekeys.h"

#define AUTHOR "27820000013@s.whatsapp.net"
#define EVENT  "SELECT coalesce(summary, content) FROM messages WHERE id = "

#define BOT "867051314767696@bot"

/* ---- what cannot be opened ---- */

static void what_does_not_open_says_what_it_is(void **state)
{
    struct receiver *r = *state;
    struct sealing s = {F_SECRET_EDIT, 2,   MSG_SECRET_POLL_VOTE, "A1", ALICE, ALICE, NULL,
                        NULL,          true};
    struct writer alice;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, carrying(r, &alice, stanza(r, ALICE, "A1"), text_with_secret(r, "mine")));
    receive(r, carrying(r, &alice, stanza(r, ALICE, "E1"),
                        sealed_message(r, &s, edit_of(r, "A1", "x"))));
    assert_look(r, EVENT "'E1'",
                "[edited] to A1 (cannot be read: it does not fit what it is about)");
    s.type = 3;
    receive(r, carrying(r, &alice, stanza(r, ALICE, "E2"),
                        sealed_message(r, &s, edit_of(r, "A1", "x"))));
    assert_look(r, EVENT "'E2'",
                "[scheduled message] to A1 (cannot be read: sealed in an unknown way)");
    /* Opened, but there is nothing in it. */
    s.type = 2;
    s.use = MSG_SECRET_MESSAGE_EDIT;
    receive(r, carrying(r, &alice, stanza(r, ALICE, "E3"), sealed_message(r, &s, SPAN_LIT(""))));
    has(look(r, EVENT "'E3'"), "(cannot be read: it does not fit");
    s.id = "";
    receive(r, carrying(r, &alice, stanza(r, ALICE, "E4"), sealed_message(r, &s, SPAN_LIT("abc"))));
    has(look(r, EVENT "'E4'"), "[edited] (cannot be read: ");
    assert_look(r, EVENT "'A1'", "mine");
    assert_look(r, "SELECT count(*) FROM messages WHERE state <> ''", "0");
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits", "0");
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    writer_free(&alice);
}

/* The original comes after its edit: what was said is not lost. */
static void an_edit_that_came_first_waits(void **state)
{
    const struct sealing s = {F_SECRET_EDIT, 2,   MSG_SECRET_MESSAGE_EDIT, "A1", ALICE, ALICE, NULL,
                              NULL,          true};
    struct receiver *r = *state;
    struct writer alice, bob;
    struct node *first;

    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_start(&alice, r);
    writer_start(&bob, r);
    first = carrying(r, &alice, stanza(r, ALICE, "A1"), text_with_secret(r, "frist"));
    receive(r, carrying(r, &alice, stanza(r, ALICE, "E1"),
                        sealed_message(r, &s, edit_of(r, "A1", "first"))));
    assert_look(r, EVENT "'E1'", "[edited] to A1 (cannot be read: what it is about is not here)");
    assert_look_wa(r, "SELECT target_id || message_id FROM bridge_secret_waits", "A1E1");
    /* Somebody else's message of that id, in another chat, is not what it waits for. */
    receive(r, carrying(r, &bob, stanza(r, BOB, "A1"), text_with_secret(r, "of Bob")));
    assert_look(r, "SELECT content FROM messages WHERE id = 'A1'", "of Bob");
    receiver_restart(r);
    receive(r, first);
    assert_look(r, "SELECT group_concat(coalesce(summary, content), '|') FROM messages ORDER BY id",
                "[edited] first|of Bob|first");
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits", "0");
    writer_free(&alice);
    writer_free(&bob);
}

/* Its row is as if it had been opened at once. */
static void what_is_opened_late_was_not_edited(void **state)
{
    static const char rows[] =
        "SELECT kind || '|' || coalesce(summary, content) || '|' || coalesce(mentions, '') ||"
        " '|' || mentions_me || '|' || target_id || '|' ||"
        " (edited_at IS NULL) || '|' || coalesce(quoted_id, '') || '|' ||"
        " hex(raw) FROM messages WHERE id = ";
    const struct span me = SPAN_LIT(OWN_PHONE);
    const struct content_extras extras = {.mentioned = &me, .nmentioned = 1};
    struct sealing s = {F_COMMENT, 0, MSG_SECRET_COMMENT, "G1", ALICE, BOB, GROUP, ALICE, false};
    struct receiver *r = *state;
    struct writer alice, bob;
    char sql[512], at_once[1024];
    struct buf text = buf_new(1 << 12);

    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_start(&alice, r);
    writer_start(&bob, r);
    OK(content_encode_text(SPAN_LIT("@27820000001 good news"), &extras, &text));
    receive(r,
            carrying(r, &bob, group_stanza(r, BOB, "C1"), sealed_message(r, &s, buf_span(&text))));
    receive(r, carrying(r, &alice, group_stanza(r, ALICE, "G1"), text_with_secret(r, "news")));
    receive(r,
            carrying(r, &bob, group_stanza(r, BOB, "C2"), sealed_message(r, &s, buf_span(&text))));
    snprintf(sql, sizeof sql, "%s'C2'", rows);
    snprintf(at_once, sizeof at_once, "%s", look(r, sql));
    has(at_once, "comment|[comment] to G1 ");
    has(at_once, "|G1|1|");
    snprintf(sql, sizeof sql, "%s'C1'", rows);
    assert_look(r, sql, at_once);
    buf_free(&text);
    writer_free(&alice);
    writer_free(&bob);
}

/* With a session with our phone: it is asked for the message, and its copy brings the secret. */
static void our_phone_is_asked_for_the_message(void **state)
{
    const struct sealing s = {F_SECRET_EDIT, 2,   MSG_SECRET_MESSAGE_EDIT, "A1", ALICE, ALICE, NULL,
                              NULL,          true};
    struct receiver *r = *state;
    struct writer alice, phone;
    struct buf web = buf_new(1 << 12), b = buf_new(1 << 14);
    struct web_message w = {.key = {.remote_jid = SPAN_LIT(ALICE), .id = SPAN_LIT("A1")},
                            .message = text_message(r, "frist"),
                            .timestamp = fixture_time,
                            .secret = SPAN_ARRAY(the_secret)};
    struct node *n;

    writer_init(&alice, 1);
    writer_init(&phone, PHONE_NUMBER);
    writer_start(&alice, r);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "S1", "a session"));
    /* It is here, but without a secret: from before the bridge was linked, say. */
    receive(r, letter(r, &alice, ALICE, "A1", "frist"));
    receive(r, carrying(r, &alice, stanza(r, ALICE, "E1"),
                        sealed_message(r, &s, edit_of(r, "A1", "first"))));
    assert_int_equal(nsent, 2);
    has(sent[0], "category=\"peer\"");
    has(sent[1], "<receipt");
    receive(r, carrying(r, &alice, stanza(r, ALICE, "E2"),
                        sealed_message(r, &s, edit_of(r, "A1", "first"))));
    assert_int_equal(nsent, 1); /* not a second time */
    OK(web_message_encode(&w, &web));
    {
        const struct peer_result result = {.web_message = buf_span(&web)};
        const struct peer_response response = {
            .type = PEER_PLACEHOLDER_RESEND,
            .stanza_id = span_cstr(look_wa(r, "SELECT request_id FROM bridge_phone_requests")),
            .results = &result,
            .n = 1};

        OK(peer_response_encode(&response, &b));
    }
    n = stanza(r, OWN_PHONE, "Q1");
    node_attr_text(&r->arena, n, "category", "peer");
    receive(r, carrying(r, &phone, n, keep(r, &b)));
    assert_look(r, EVENT "'A1'", "first");
    assert_look(r, EVENT "'E1'", "[edited] first");
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits", "0");
    buf_free(&web);
    writer_free(&alice);
    writer_free(&phone);
}

/* What one person says about a message that never comes. *ret: requests to our phone. */
static size_t vote_about(struct receiver *r, struct writer *w, const char *who, const char *target)
{
    static const char *const names[] = {"Sushi"};
    const struct sealing s = {F_POLL_VOTE, 0,    MSG_SECRET_POLL_VOTE, target, AUTHOR, who, GROUP,
                              AUTHOR,      false};
    static unsigned votes;
    char id[16];
    size_t n = 0;

    snprintf(id, sizeof id, "V%u", votes++);
    receive(r,
            carrying(r, w, group_stanza(r, who, id), sealed_message(r, &s, a_vote(r, names, 1))));
    for (size_t i = 0; i < nsent; i++)
        n += strstr(sent[i], "category=\"peer\"") != NULL;
    return n;
}

/* A member of a group who names messages that there are not keeps nobody else's from waiting, and
 * costs our phone some requests. */
static void one_member_floods_nobody(void **state)
{
    struct receiver *r = *state;
    struct writer alice, bob, phone;
    char target[16];
    size_t asked = 0;

    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_init(&phone, PHONE_NUMBER);
    writer_start(&alice, r);
    writer_start(&bob, r);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "S1", "a session"));
    for (unsigned i = 0; i < 40; i++) {
        snprintf(target, sizeof target, "NEVER%u", i);
        asked += vote_about(r, &bob, BOB, target);
    }
    assert_int_equal(asked, 20);
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits", "20");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "20");
    /* Hers waits; our phone is asked when it had time. */
    assert_int_equal(vote_about(r, &alice, ALICE, "P1"), 0);
    mono_now += PHONE_SECRETS_EACH_MS;
    assert_int_equal(vote_about(r, &alice, ALICE, "P2"), 1);
    assert_int_equal(vote_about(r, &alice, ALICE, "P3"), 0);
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits WHERE target_id LIKE 'P%'", "3");
    /* He is not asked for again, also when there is time. */
    mono_now += PHONE_SECRETS_BURST * PHONE_SECRETS_EACH_MS;
    assert_int_equal(vote_about(r, &bob, BOB, "NEVER99"), 0);
    writer_free(&alice);
    writer_free(&bob);
    writer_free(&phone);
}

/* Our phone's answer to its oldest open request; w NULL: it does not have that message. */
static void phone_answers(struct receiver *r, struct writer *phone, const struct web_message *w)
{
    struct buf web = buf_new(1 << 12), b = buf_new(1 << 14);
    struct peer_result result = {.web_message = SPAN_NULL};
    const struct peer_response response = {
        .type = PEER_PLACEHOLDER_RESEND,
        .stanza_id = span_cstr(look_wa(r, "SELECT request_id FROM bridge_phone_requests")),
        .results = &result,
        .n = 1};
    static unsigned answers;
    struct node *n;
    char id[16];

    if (w) {
        OK(web_message_encode(w, &web));
        result.web_message = buf_span(&web);
    }
    OK(peer_response_encode(&response, &b));
    snprintf(id, sizeof id, "Q%u", 100 + answers++);
    n = stanza(r, OWN_PHONE, id);
    node_attr_text(&r->arena, n, "category", "peer");
    r->nevents = 0;
    receive(r, carrying(r, phone, n, keep(r, &b)));
    buf_free(&web);
}

/* Neither what it hands on nor what it does not have is asked for a second time; what is here waits
 * for nothing, what is not may still come. And a message of years ago is no news. */
static void a_phone_without_the_secret_is_asked_once(void **state)
{
    struct receiver *r = *state;
    struct writer alice, bob, phone;
    struct web_message w = {.key = {.remote_jid = SPAN_LIT(GROUP),
                                    .id = SPAN_LIT("P1"),
                                    .participant = SPAN_LIT(AUTHOR)},
                            .participant = SPAN_LIT(AUTHOR),
                            .message = text_message(r, "a poll of last year"),
                            .timestamp = fixture_time - 365 * 24 * 3600};

    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_init(&phone, PHONE_NUMBER);
    writer_start(&alice, r);
    writer_start(&bob, r);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "S1", "a session"));
    assert_int_equal(vote_about(r, &bob, BOB, "P1"), 1);
    assert_int_equal(vote_about(r, &alice, ALICE, "P1"), 0);
    phone_answers(r, &phone, &w);
    assert_look(r, EVENT "'P1'", "a poll of last year");
    assert_int_equal(r->nevents, 0);
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits", "0");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "0");
    for (int i = 0; i < 30; i++)
        assert_int_equal(vote_about(r, i % 2 ? &bob : &alice, i % 2 ? BOB : ALICE, "P1"), 0);
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits", "0");

    assert_int_equal(vote_about(r, &bob, BOB, "P2"), 1);
    phone_answers(r, &phone, NULL);
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "0");
    assert_int_equal(vote_about(r, &alice, ALICE, "P2"), 0);
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits WHERE target_id = 'P2'", "2");

    /* With the secret: without news as well. */
    assert_int_equal(vote_about(r, &bob, BOB, "P3"), 1);
    w.key.id = SPAN_LIT("P3");
    w.secret = SPAN_ARRAY(the_secret);
    phone_answers(r, &phone, &w);
    assert_int_equal(r->nevents, 0);
    assert_look_wa(r, "SELECT count(*) FROM bridge_secret_waits WHERE target_id = 'P3'", "0");
    assert_look(r, "SELECT kind FROM messages WHERE target_id = 'P3'", "poll_vote");
    writer_free(&alice);
    writer_free(&bob);
    writer_free(&phone);
}

/* What anybody says about a message that we could not decrypt changes nothing of how it is asked
 * for; and one that was wanted for its secret is asked for like any other when it comes unreadable.
 */
static void a_vote_leaves_the_retries_alone(void **state)
{
    static const char owed[] = "SELECT count || '|' || asked_at || '|' || phone_asked || '|' ||"
                               " coalesce(participant, '') || '|' || reason"
                               " FROM bridge_retry_owed";
    struct receiver *r = *state;
    struct writer author, bob, phone;
    char before[256];

    writer_init(&author, 4);
    writer_init(&bob, 3);
    writer_init(&phone, PHONE_NUMBER);
    writer_start(&author, r);
    writer_start(&bob, r);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "S1", "a session"));
    receive(r, letter(r, &bob, BOB, "S2", "a session"));
    OK(store_prekey_delete(r->f.s, 1)); /* the key that the author uses is gone */
    OK(store_commit(r->f.s));
    receive(r, carrying(r, &author, group_stanza(r, AUTHOR, "G1"), text_message(r, "lost")));
    snprintf(before, sizeof before, "%s", look_wa(r, owed));
    has(before, "1|");
    has(before, AUTHOR);
    fixture_time += 2;
    assert_int_equal(vote_about(r, &bob, BOB, "G1"), 0);
    assert_look_wa(r, owed, before);
    /* The other way round. */
    assert_int_equal(vote_about(r, &bob, BOB, "G2"), 1);
    receive(r, carrying(r, &author, group_stanza(r, AUTHOR, "G2"), text_message(r, "lost")));
    assert_int_equal(nsent, 2);
    has(sent[0], "type=\"retry\"");
    has(look_wa(r, "SELECT count || participant FROM bridge_retry_owed WHERE message_id = 'G2'"),
        "1" AUTHOR);
    writer_free(&author);
    writer_free(&bob);
    writer_free(&phone);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_does_not_open_says_what_it_is), T(an_edit_that_came_first_waits),
        T(what_is_opened_late_was_not_edited), T(our_phone_is_asked_for_the_message),
        T(one_member_floods_nobody),           T(a_phone_without_the_secret_is_asked_once),
        T(a_vote_leaves_the_retries_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
