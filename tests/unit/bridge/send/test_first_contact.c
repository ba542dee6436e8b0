/* First messages to people are spaced out (P-SD-26). */
#include "tests/unit/bridge/send_fixture.h"

#include "bridge/people/mex.h"
#include "store/messages/messages.h"
#include "store/session/acquaintances.h"
#include "store/session/private_address.h"

enum { INTERVAL_S = 20, STRANGERS = FIRST_CONTACT_BURST + 2 };

static const char *stranger(size_t i, char out[32])
{
    snprintf(out, 32, "2220001%02zu@lid", i);
    return out;
}

static int setup(void **state)
{
    char jid[32];

    (void)state;
    world_init();
    w.config.first_contact_s = INTERVAL_S;
    for (size_t i = 0; i < STRANGERS; i++)
        add_peer(stranger(i, jid));
    return 0;
}

/* Queued for as long as it takes. */
static void queue(const char *to)
{
    struct send_request q = request(to, "hello");

    q.wait_s = 0;
    send_with(0, &q);
}

static void use_up_the_burst(void)
{
    char to[32];

    for (size_t i = 0; i < FIRST_CONTACT_BURST; i++)
        queue(stranger(i, to));
    assert_int_equal(w.nwire, FIRST_CONTACT_BURST);
    for (size_t i = 0; i < w.nwire; i++)
        ack(wire_id(i));
}

static void strangers_are_spaced_out(void **state)
{
    const size_t n = FIRST_CONTACT_BURST;
    char to[32];

    (void)state;
    use_up_the_burst();
    queue(stranger(n, to));
    queue(stranger(n + 1, to));
    assert_int_equal(w.nwire, n);
    /* A reconnect is no way around it. */
    go_offline();
    go_online();
    pass((INTERVAL_S - 1) * 1000);
    assert_int_equal(w.nwire, n);
    pass(2 * 1000);
    assert_int_equal(w.nwire, n + 1);
    pass((INTERVAL_S - 2) * 1000);
    assert_int_equal(w.nwire, n + 1);
    pass(2 * 1000);
    assert_int_equal(w.nwire, n + 2);
}

/* Whoever we have a chat with, ourselves, and groups. */
static void others_do_not_wait(void **state)
{
    struct jid lid = J("111000111@lid"), pn = J("27820000001@s.whatsapp.net");
    char to[32];

    (void)state;
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    use_up_the_burst();
    queue(stranger(FIRST_CONTACT_BURST, to));
    send_text(1, stranger(0, to), "again");
    assert_int_equal(w.nwire, FIRST_CONTACT_BURST + 1);
    send_text(2, "27820000001", "note to self");
    assert_int_equal(w.nwire, FIRST_CONTACT_BURST + 2);
    make_group(STORE_ADDRESSING_LID);
    send_text(3, "120363000000000001@g.us", "all");
    assert_int_equal(w.nwire, FIRST_CONTACT_BURST + 3);
    /* The setting may change while it runs. */
    w.config.first_contact_s = 0;
    pass(INTERVAL_S * 1000);
    queue(stranger(FIRST_CONTACT_BURST + 1, to));
    assert_int_equal(w.nwire, FIRST_CONTACT_BURST + 5);
}

/* Whom the phone has written with before we were linked, as its history says: by either address,
 * and by a number that leads to theirs. A restriction holds for them all the same: WhatsApp goes by
 * messages and tokens. */
static void chats_of_the_phone_are_known(void **state)
{
    struct jid lid = J("222000190@lid"), pn = J("27825550190@s.whatsapp.net");
    struct jid typed = J("27825550191@s.whatsapp.net");

    (void)state;
    OK(store_acquaintance_put(w.r.f.s, &pn));
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    OK(store_number_put(w.r.f.s, &typed, &pn, fixture_time - 2 * NUMBER_AGE_S));
    use_up_the_burst();
    w.hold = true; /* what is asked for has begun */
    queue("222000190@lid");
    assert_int_equal(w.npending, 1);
    queue("27825550191");
    assert_int_equal(w.npending, 2);
    queue("27825550192");
    assert_int_equal(w.npending, 2);
    OK(time_lock_told(w.r.b.time_lock, &(struct mex_time_lock){true, fixture_time + 3600}));
    assert_true(first_contact_lock_s(&w.r.b, &lid) > 0);
}

/* A changed security code makes a chat without a message in it: they are strangers all the same. */
static void an_event_is_no_acquaintance(void **state)
{
    struct store_message event = {
        .id = SPAN_LIT("event 1"), .timestamp = fixture_time, .kind = STORE_EVENT_KIND};
    char to[32];
    const char *who;

    (void)state;
    use_up_the_burst();
    who = stranger(FIRST_CONTACT_BURST, to);
    event.chat = event.sender = J(who);
    OK(store_message_event(w.r.f.s, &event));
    OK(store_commit(w.r.f.s));
    queue(who);
    assert_int_equal(w.nwire, FIRST_CONTACT_BURST);
}

/* A second message to somebody is no first one, also while the first waits for its ack; by either
 * of the two forms. */
static void two_messages_to_each(void **state)
{
    struct jid lid = J("222000101@lid"), pn = J("27820000101@s.whatsapp.net");
    char to[32];

    (void)state;
    OK(store_lid_put(w.r.f.s, &lid, &pn, NULL));
    for (size_t i = 0; i < FIRST_CONTACT_BURST; i++) {
        queue(stranger(i, to));
        queue(i == 1 ? "27820000101" : to);
    }
    assert_int_equal(w.nwire, 2 * FIRST_CONTACT_BURST);
    queue(stranger(FIRST_CONTACT_BURST, to));
    assert_int_equal(w.nwire, 2 * FIRST_CONTACT_BURST);
}

static void callers_are_told(void **state)
{
    struct send_request q;
    char to[32];

    (void)state;
    use_up_the_burst();
    q = request(stranger(FIRST_CONTACT_BURST, to), "hello");
    q.wait_s = INTERVAL_S / 2;
    send_with(1, &q);
    assert_false(w.answers[1].given);
    pass((INTERVAL_S / 2 + 1) * 1000);
    assert_int_equal(w.answers[1].result, CMD_RATE_LIMITED);
    assert_non_null(strstr(w.answers[1].text, "spaced out"));
    pass(600 * 1000);
    assert_int_equal(w.nwire, FIRST_CONTACT_BURST);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(chats_of_the_phone_are_known), T(strangers_are_spaced_out), T(others_do_not_wait),
        T(an_event_is_no_acquaintance),  T(two_messages_to_each),     T(callers_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
