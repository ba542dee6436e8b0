/* A restricted account: until when, and what does not leave before. */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/people/mex.h"
#include "bridge/people/time_lock.h"
#include "store/core/meta.h"
#include "store/session/private_address.h"
#include "store/session/tokens.h"

#define STRANGER "222000041@lid"
#define ANOTHER  "222000042@lid"

static int setup(void **state)
{
    struct jid people[] = {J(STRANGER), J(ANOTHER)};

    world_setup(state);
    add_peer(STRANGER);
    add_peer(ANOTHER);
    for (size_t i = 0; i < 2; i++) /* so that nothing but the state is asked for */
        OK(store_token_issued_put(w.r.f.s, &people[i], fixture_time + 30 * 24 * 3600));
    return 0;
}

static void told(bool active, int64_t in_s)
{
    OK(time_lock_told(w.r.b.time_lock,
                      &(struct mex_time_lock){active, in_s ? fixture_time + in_s : 0}));
    OK(batch_commit(&w.r.b));
    run();
}

static int64_t left(void)
{
    const int64_t until = time_lock_until_s(w.r.b.time_lock);

    return until ? until - fixture_time : 0;
}

static void queue(size_t i, const char *to)
{
    struct send_request q = request(to, "hello");

    q.wait_s = 0;
    send_with(i, &q);
}

static const char *question_id(void)
{
    static char id[64];

    assert_non_null(strstr(last_iq, "w:mex"));
    assert_int_equal(sscanf(strstr(last_iq, " id="), " id=%*1[\"']%63[^\"']", id), 1);
    return id;
}

/* The answer to the last question. */
static void answer(const char *json)
{
    struct arena *a = &w.r.arena;
    struct node *n = node_new(a, "iq");

    node_attr_text(a, n, "id", question_id());
    node_attr_text(a, n, "type", json ? "result" : "error");
    if (json)
        node_set_bytes(a, node_child_new(a, n, "result"), span_cstr(json));
    assert_true(iq_handle(&w.r.b.iq, n, a));
    OK(batch_commit(&w.r.b));
    run();
}

/* WhatsApp wants no such question for so long. */
static void limit(int64_t backoff_s)
{
    struct arena *a = &w.r.arena;
    struct node *n = node_new(a, "iq"), *error = node_child_new(a, n, "error");

    node_attr_text(a, n, "id", question_id());
    node_attr_text(a, n, "type", "error");
    node_attr_u64(a, error, "code", 429);
    node_attr_u64(a, error, "backoff", (uint64_t)backoff_s);
    assert_true(iq_handle(&w.r.b.iq, n, a));
    run();
}

#define STATE(active, ends)                                                                        \
    "{\"data\":{\"" MEX_LOCK_ASKED "\":{\"is_active\":" active ",\"time_enforcement_ends\":" ends  \
    ",\"enforcement_type\":\"DEFAULT\"}}}"

static void refuse(const char *to)
{
    size_t i = w.nwire;

    queue(0, to);
    assert_int_equal(w.nwire, i + 1);
    ack_with(wire_id(i), 463, NULL);
    run();
}

/* ---- what WhatsApp writes ---- */

static void texts(void **state)
{
    static const struct {
        const char *json;
        enum wb_err err;
        bool active;
        int64_t ends_s;
    } cases[] = {
        {STATE("true", "\"1770000000\""), WB_OK, true, 1770000000},
        {STATE("true", "1770000000"), WB_OK, true, 1770000000},
        {STATE("true", "\"0\""), WB_OK, true, 0},
        {STATE("true", "\"-5\""), WB_OK, true, 0},
        {STATE("true", "-5"), WB_OK, true, 0},
        {STATE("true", "\"soon\""), WB_OK, true, 0},
        {STATE("true", "\"99999999999999999999\""), WB_OK, true, 0},
        {STATE("true", "null"), WB_OK, true, 0},
        {STATE("false", "\"0\""), WB_OK, false, 0},
        {"{\"data\":{\"" MEX_LOCK_ASKED "\":{}}}", WB_OK, false, 0},
        {"{\"data\":{\"" MEX_LOCK_ASKED "\":null}}", WB_ERR_NOT_FOUND, false, 0},
        {"{\"data\":{\"" MEX_LOCK_ASKED "\":7}}", WB_ERR_MALFORMED, false, 0},
        {"{\"data\":{\"other\":{}}}", WB_ERR_NOT_FOUND, false, 0},
        {"{\"data\":null}", WB_ERR_NOT_FOUND, false, 0},
        {"{\"errors\":[{\"message\":\"no\"}],\"data\":null}", WB_ERR_REFUSED, false, 0},
        {"[]", WB_ERR_MALFORMED, false, 0},
        {"{\"data\"", WB_ERR_MALFORMED, false, 0},
        {"", WB_ERR_MALFORMED, false, 0},
    };
    struct buf large = buf_new(MEX_JSON_MAX + 1);
    struct mex_time_lock lock;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lock = (struct mex_time_lock){.ends_s = -1};
        assert_int_equal(mex_time_lock_parse(span_cstr(cases[i].json), MEX_LOCK_ASKED, &lock),
                         cases[i].err);
        if (cases[i].err == WB_OK) {
            assert_int_equal(lock.active, cases[i].active);
            assert_int_equal(lock.ends_s, cases[i].ends_s);
        } else {
            assert_int_equal(lock.ends_s, -1);
        }
    }
    while (large.n <= MEX_JSON_MAX)
        buf_u8(&large, ' ');
    assert_int_equal(mex_time_lock_parse(buf_span(&large), MEX_LOCK_ASKED, &lock),
                     WB_ERR_TOO_LARGE);
    buf_free(&large);
}

/* ---- until when ---- */

static void the_end_is_the_servers(void **state)
{
    (void)state;
    told(true, 3600);
    assert_int_equal(left(), 3600);
    told(true, 7200); /* longer, or shorter */
    told(true, 1800);
    assert_int_equal(left(), 1800);
    told(true, -5); /* it is over */
    assert_int_equal(left(), 0);
    told(true, 100LL * TIME_LOCK_MAX_S);
    assert_int_equal(left(), TIME_LOCK_MAX_S);
    told(false, 3600);
    assert_int_equal(left(), 0);
    told(true, 0);
    assert_int_equal(left(), TIME_LOCK_GUESS_S);
}

static void refusals_without_an_end(void **state)
{
    (void)state;
    for (int64_t s = TIME_LOCK_GUESS_S; s < 2 * TIME_LOCK_GUESS_MAX_S; s *= 2) {
        const int64_t now = s < TIME_LOCK_GUESS_MAX_S ? s : TIME_LOCK_GUESS_MAX_S;

        refuse(STRANGER);
        assert_int_equal(left(), now);
        answer(NULL); /* the server does not tell */
        assert_int_equal(left(), now);
        pass(now * 1000);
        assert_true(left() > 0);
        answer(NULL); /* nor then */
        assert_int_equal(left(), 0);
    }
    pass(TIME_LOCK_GUESSES_MS);
    refuse(STRANGER);
    assert_int_equal(left(), TIME_LOCK_GUESS_S);
    answer(STATE("false", "\"0\"")); /* it has just refused a message all the same */
    assert_int_equal(left(), TIME_LOCK_GUESS_S);
}

static void the_state_is_asked_for(void **state)
{
    char json[300];

    (void)state;
    refuse(STRANGER);
    snprintf(json, sizeof json, STATE("true", "\"%lld\""), (long long)fixture_time + 500);
    niqs = 0;
    answer(json);
    assert_int_equal(left(), 500);
    go_offline();
    go_online(); /* does it still last? */
    assert_int_equal(niqs, 1);
    answer(STATE("false", "\"0\""));
    assert_int_equal(left(), 0);
    go_offline();
    go_online();
    assert_int_equal(niqs, 1);
}

/* Behind an end that we guessed nothing leaves before WhatsApp has said that it is one. */
static void a_guessed_end_is_asked_about(void **state)
{
    (void)state;
    told(true, 0);
    queue(0, STRANGER);
    pass(TIME_LOCK_GUESS_S * 1000);
    assert_int_equal(niqs, 1);
    assert_int_equal(w.nwire, 0);
    /* It goes on, and nobody says until when: asked twice as seldom each time. */
    for (int64_t s = 2 * TIME_LOCK_GUESS_S; s < 4 * TIME_LOCK_GUESS_MAX_S; s *= 2) {
        const int64_t guess = s < TIME_LOCK_GUESS_MAX_S ? s : TIME_LOCK_GUESS_MAX_S;

        niqs = 0;
        answer(STATE("true", "null"));
        assert_int_equal(left(), guess);
        told(true, 0); /* no news */
        assert_int_equal(left(), guess);
        pass((guess - 1) * 1000);
        assert_int_equal(niqs, 0);
        pass(1000);
        assert_int_equal(niqs, 1);
        assert_int_equal(w.nwire, 0);
    }
    answer(STATE("false", "\"0\""));
    assert_int_equal(w.nwire, 1);
}

/* The question behind a guessed end gets no answer: that is none, however often. */
static void a_guessed_end_lasts_until_there_is_an_answer(void **state)
{
    (void)state;
    told(true, 0);
    queue(0, STRANGER);
    pass(TIME_LOCK_GUESS_S * 1000);
    assert_int_equal(niqs, 1);
    go_offline();
    iq_fail_all(&w.r.b.iq, WB_ERR_NET);
    run();
    pass(10 * TIME_LOCK_LOOK_S * 1000); /* nobody can be asked */
    assert_int_equal(niqs, 1);
    assert_true(left() > 0);
    go_online();
    assert_int_equal(niqs, 2);
    assert_int_equal(w.nwire, 0);
    pass(IQ_TIMEOUT_MS);
    assert_int_equal(w.nwire, 0);
    pass(TIME_LOCK_LOOK_S * 1000);
    assert_int_equal(niqs, 3);
    limit(300);
    pass(299 * 1000);
    assert_int_equal(niqs, 3);
    assert_int_equal(w.nwire, 0);
    pass(TIME_LOCK_LOOK_S * 1000);
    assert_int_equal(niqs, 4);
    assert_int_equal(w.nwire, 0);
    answer(STATE("false", "\"0\""));
    assert_int_equal(w.nwire, 1);
}

/* After a restart a guessed end is still a guess, not WhatsApp's word. */
static void a_guess_is_one_after_a_restart(void **state)
{
    (void)state;
    told(true, 0);
    world_restart();
    assert_int_equal(left(), TIME_LOCK_GUESS_S);
    pass(TIME_LOCK_GUESS_S * 1000);
    assert_true(left() > 0);
    niqs = 0;
    go_online();
    assert_int_equal(niqs, 1);
    queue(0, STRANGER);
    assert_int_equal(w.nwire, 0);
    answer(STATE("false", "\"0\""));
    assert_int_equal(w.nwire, 1);
}

/* A named end is the end; it is kept over a restart, and not beyond itself. */
static void a_named_end_is_kept(void **state)
{
    int64_t until;

    (void)state;
    told(true, 300);
    world_restart();
    assert_int_equal(left(), 300);
    go_online();
    queue(0, STRANGER);
    pass(299 * 1000);
    assert_int_equal(w.nwire, 0);
    pass(1000);
    assert_int_equal(w.nwire, 1);
    assert_int_equal(left(), 0);
    assert_int_equal(store_meta_get_int(w.r.f.s, STORE_META_TIME_LOCK, &until), WB_ERR_NOT_FOUND);
}

/* ---- what waits ---- */

static void who_knows_us_does_not_wait(void **state)
{
    struct jid another = J(ANOTHER);

    (void)state;
    send_text(0, CONTACT, "hello");
    ack(wire_id(0));
    OK(store_token_put(w.r.f.s, &another, SPAN_LIT("token"), fixture_time));
    told(true, 3600);
    make_group(STORE_ADDRESSING_LID);
    send_text(0, CONTACT, "as ever");
    send_text(1, ANOTHER, "you trust us");
    send_text(2, GROUP, "to all");
    assert_int_equal(w.nwire, 4);
    send_text(3, STRANGER, "not you");
    assert_int_equal(w.answers[3].result, CMD_RESTRICTED);
    assert_int_equal(w.nwire, 4);
}

/* The server has said longer ago that this number is another one: that one knows us. */
static void who_knows_us_by_another_number_does_not_wait(void **state)
{
    struct jid typed = J("27825000011@s.whatsapp.net"), named = J("27820000011@s.whatsapp.net");
    struct send_request q = request("27825000011", "an answer");
    char id[64];

    (void)state;
    OK(store_number_put(w.r.f.s, &typed, &named, fixture_time - 2 * NUMBER_AGE_S));
    told(true, 3600);
    send_text(0, "27825000011", "to a stranger");
    assert_int_equal(w.answers[0].result, CMD_RESTRICTED);
    told(false, 0);
    send_text(1, CONTACT, "hello");
    snprintf(id, sizeof id, "%s", wire_id(0));
    ack(id);
    told(true, 3600);
    w.hold = true;
    send_text(2, "27825000011", "to a friend");
    assert_false(w.answers[2].given); /* it is asked whose number this is today */
    assert_int_equal(w.npending, 1);
    q.reply_to = span_cstr(id);
    send_with(3, &q);
    assert_false(w.answers[3].given);
    q.reply_to = SPAN_LIT("of nobody");
    send_with(4, &q);
    assert_int_equal(w.answers[4].result, CMD_NOT_FOUND);
    pass((NUMBER_KEEP_S - 2 * NUMBER_AGE_S) * 1000LL);
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_numbers", "1");
    pass(SEND_PRUNE_MS);
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_numbers", "0");
}

/* It begins while a message is being prepared, or when one has been sealed and not left. */
static void whatever_has_not_left(void **state)
{
    (void)state;
    w.hold = true;
    queue(0, STRANGER);
    assert_int_equal(w.npending, 1);
    told(true, 3600);
    w.hold = false;
    run();
    assert_int_equal(w.nwire, 0);
    told(false, 0);
    assert_int_equal(w.nwire, 1);
    go_offline(); /* no ack */
    told(true, 3600);
    go_online();
    assert_int_equal(w.nwire, 1);
    told(false, 0);
    assert_int_equal(w.nwire, 2);
    assert_string_equal(wire_id(1), wire_id(0));
}

/* Queued messages: some are too old before the end, and the callers of others go before it. */
static void what_waits_in_vain_is_refused(void **state)
{
    struct send_request q = keyed(STRANGER, "short", "x");

    (void)state;
    w.online = false;
    q.expires_s = 100;
    send_with(0, &q);
    q.key = SPAN_LIT("long");
    q.expires_s = 10000;
    q.wait_s = 30;
    send_with(1, &q);
    send_text(2, ANOTHER, "30 s");
    told(true, 3600);
    assert_int_equal(w.answers[0].result, CMD_RESTRICTED);
    assert_non_null(strstr(w.answers[0].text, "UTC"));
    assert_int_equal(w.answers[2].result, CMD_RESTRICTED);
    assert_false(w.answers[1].given);
    pass(30 * 1000);
    assert_int_equal(w.answers[1].result, CMD_ACCEPTED);
    /* The same key again gets the same answer; a caller that asks for the other message need not
     * wait. */
    q.key = SPAN_LIT("short");
    q.expires_s = 100;
    send_with(3, &q);
    assert_int_equal(w.answers[3].result, CMD_RESTRICTED);
    q.key = SPAN_LIT("long");
    send_with(4, &q);
    assert_int_equal(w.answers[4].result, CMD_ACCEPTED);
    assert_look_wa(&w.r, "SELECT count(*) FROM bridge_outbox WHERE state = 0", "1");
}

/* Callers without a key go before their message: each is told what it waited for. */
static void callers_are_told_what_it_waited_for(void **state)
{
    struct send_request q = request(STRANGER, "two minutes");

    (void)state;
    told(true, 0);
    q.wait_s = 120; /* longer than the end that we guess, behind which nobody answers */
    send_with(0, &q);
    pass(60 * 1000);
    assert_false(w.answers[0].given);
    pass(60 * 1000);
    assert_int_equal(w.answers[0].result, CMD_RESTRICTED);
    assert_non_null(strstr(w.answers[0].text, "restricted"));
    told(false, 0);
    w.behind = true;
    make_group(STORE_ADDRESSING_LID);
    send_text(1, ANOTHER, "while we are behind");
    send_text(2, GROUP, "the same");
    pass(30 * 1000);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(w.answers[i].result, CMD_NOT_SENT);
        assert_non_null(strstr(w.answers[i].text, "while it was away"));
    }
}

/* Encrypted, and stopped by the restriction until it was too old: nothing has left. */
static void what_never_left_was_not_sent(void **state)
{
    (void)state;
    for (int locked = 1; locked >= 0; locked--) {
        told(false, 0);
        w.hold = true;
        queue(0, STRANGER);
        w.hold = false;
        w.full = true;
        run();
        assert_int_equal(w.nwire, 0);
        assert_look_wa(&w.r, "SELECT state FROM bridge_outbox WHERE state < 2", "1");
        told(locked, 30LL * 24 * 3600);
        go_offline();
        pass((SEND_RESEND_S + 1) * 1000LL);
        w.full = false;
        go_online();
        OK(batch_commit(&w.r.b));
        assert_int_equal(w.nwire, 0);
        assert_look_wa(&w.r, "SELECT reason FROM bridge_outbox ORDER BY seq DESC LIMIT 1",
                       locked ? "restricted" : "not_sent");
    }
}

/* What waited at the server may say that we are restricted. */
static void first_messages_wait_for_what_was_missed(void **state)
{
    (void)state;
    send_text(0, CONTACT, "hello");
    ack(wire_id(0));
    w.behind = true;
    queue(1, STRANGER);
    send_text(2, CONTACT, "no stranger");
    assert_int_equal(w.nwire, 2);
    w.behind = false;
    events_emit_kind(&w.r.b.events, BRIDGE_EV_OFFLINE_DONE);
    run();
    assert_int_equal(w.nwire, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(texts),
        T(the_end_is_the_servers),
        T(refusals_without_an_end),
        T(the_state_is_asked_for),
        T(a_guessed_end_is_asked_about),
        T(a_guessed_end_lasts_until_there_is_an_answer),
        T(a_guess_is_one_after_a_restart),
        T(a_named_end_is_kept),
        T(who_knows_us_does_not_wait),
        T(who_knows_us_by_another_number_does_not_wait),
        T(whatever_has_not_left),
        T(what_waits_in_vain_is_refused),
        T(callers_are_told_what_it_waited_for),
        T(what_never_left_was_not_sent),
        T(first_messages_wait_for_what_was_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
