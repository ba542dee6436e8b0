/* Devices for which the server has no keys (406): the bridge asks for them again later, alone, and
 * no other device suffers from them. */
#include "tests/unit/bridge/prekey_fixture.h"

#include "bridge/sessions/device_notify.h"
#include "crypto/signal.h"
#include "store/session/devices.h"
#include "store/session/signal_store.h"

static void keep_list(struct desk *d, const char *user)
{
    struct store_device devices[] = {{.id = 0}, {.id = 3}};
    struct store_device_list list = {.devices = devices, .n = 2, .checked_at = d->now_ms / 1000};
    struct jid j = J(user);

    OK(store_devices_put(d->b.store, &j, &list));
}

static bool has_list(struct desk *d, const char *user)
{
    struct store_device_list list;
    struct jid j = J(user);

    return store_devices_get(d->b.store, &j, &d->arena, &list) == WB_OK;
}

static size_t asked_for(struct node *question)
{
    return node_child_count(node_child(question, "key"));
}

/* One of four is gone, and the server does not say which: the others get their sessions. */
static void a_stale_device_costs_nobody_else(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("900002@lid"), J("900003@lid"), J("900004:3@lid"), J("900005@lid")};
    struct node *question;
    struct peer p;

    make_peer(d, &p);
    keep_list(d, "900002@lid");
    keep_list(d, "900004@lid");
    OK(prekey_fetch(&d->b, devices, 4, false, on_fetched, 1));
    desk_error(d, desk_sent(d), "406");
    question = desk_sent(d);
    assert_none_sent(d); /* one after the other */
    assert_int_equal(asked_for(question), 2);
    desk_reply(
        d, question, "result",
        list_of(d, user_node(d, "900002@lid", &p, true), user_node(d, "900003@lid", &p, true)));
    question = desk_sent(d);
    assert_int_equal(asked_for(question), 2);
    desk_error(d, question, "406");
    question = desk_sent(d);
    assert_int_equal(asked_for(question), 1);
    desk_error(d, question, "406");
    assert_int_equal(told[1].calls, 0);
    question = desk_sent(d);
    desk_reply(d, question, "result", list_of(d, user_node(d, "900005@lid", &p, true), NULL));
    assert_none_sent(d);
    assert_int_equal(told[1].calls, 1);
    OK(told[1].r.err);
    assert_int_equal(told[1].r.missing, 1);
    assert_int_equal(told[1].r.gone, 1);
    assert_true(can_send(d, "900002@lid") && can_send(d, "900003@lid") &&
                can_send(d, "900005@lid"));
    assert_false(has_list(d, "900004@lid"));
    assert_true(has_list(d, "900002@lid"));
}

/* The list comes back with the same device in it: neither it nor the list is asked about with each
 * message. */
static void a_device_that_stays_listed_is_not_asked_about_for_an_hour(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("900002@lid"), J("900004:3@lid")};
    struct node *question;
    struct peer p;

    make_peer(d, &p);
    OK(prekey_fetch(&d->b, devices + 1, 1, false, on_fetched, 1));
    desk_error(d, desk_sent(d), "406");
    assert_int_equal(told[1].r.gone, 1);
    keep_list(d, "900004@lid");
    desk_later(d, 1000);
    OK(prekey_fetch(&d->b, devices, 2, false, on_fetched, 2));
    question = desk_sent(d);
    assert_int_equal(asked_for(question), 1);
    desk_reply(d, question, "result", list_of(d, user_node(d, "900002@lid", &p, true), NULL));
    assert_none_sent(d);
    assert_true(told[2].r.err == WB_OK && told[2].r.missing == 1 && told[2].r.gone == 0);
    assert_true(has_list(d, "900004@lid"));
    OK(prekey_fetch(&d->b, devices + 1, 1, false, on_fetched, 3));
    assert_none_sent(d);
    desk_later(d, 0);
    assert_true(told[3].r.err == WB_OK && told[3].r.missing == 1);
}

/* It is, when it asks for a session itself, or the halving would begin anew; and an hour later it
 * is a device like others. */
static void a_device_that_stays_listed_is_asked_about_by_itself(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("900002@lid"), J("900004:3@lid")};
    struct node *question;
    struct peer p;

    make_peer(d, &p);
    OK(prekey_fetch(&d->b, devices + 1, 1, false, on_fetched, 1));
    desk_error(d, desk_sent(d), "406");
    OK(prekey_fetch(&d->b, devices, 2, true, on_fetched, 4));
    question = desk_sent(d);
    assert_int_equal(asked_for(question), 1);
    desk_reply(d, question, "result", list_of(d, user_node(d, "900002@lid", &p, true), NULL));
    assert_int_equal(asked_for(desk_sent(d)), 1);
    iq_fail_all(&d->b.iq, WB_ERR_NET);
    desk_later(d, 3600 * 1000);
    OK(prekey_fetch(&d->b, devices, 2, true, on_fetched, 5));
    question = desk_sent(d);
    assert_int_equal(asked_for(question), 2);
    desk_reply(d, question, "result",
               list_of(d, xml(d, "<user jid='900002@lid'><error code='406'/></user>"),
                       user_node(d, "900004:3@lid", &p, true)));
    assert_int_equal(told[5].r.missing, 0); /* the session of before stays */
    assert_true(can_send(d, "900004:3@lid"));
}

static void who_is_back_is_asked_about_at_once(void **state)
{
    struct desk *d = *state;
    struct jid phone = J("900004@lid");

    OK(prekey_fetch(&d->b, &phone, 1, false, on_fetched, 1));
    desk_error(d, desk_sent(d), "406");
    OK(device_notify_reinstalled(&d->b, &phone, d->now_ms / 1000));
    d->ntaken = d->nsent; /* its token */
    OK(prekey_fetch(&d->b, &phone, 1, false, on_fetched, 2));
    assert_int_equal(asked_for(desk_sent(d)), 1);
}

/* Asks about n devices, and answers until it is told: of every `gone`th the server knows nothing,
 * and after `most` requests it wants a pause. How many there were. */
static unsigned ask_crowd(struct desk *d, const struct peer *p, const struct jid *devices, size_t n,
                          int gone, unsigned most)
{
    unsigned asked = 0;
    const unsigned calls = told[1].calls;

    OK(prekey_fetch(&d->b, devices, n, false, on_fetched, 1));
    for (int idle = 0; told[1].calls == calls && idle < 100; idle++) {
        struct node *list = node_new(&d->arena, "list"), *question;
        bool bad = false;

        if (d->ntaken == d->nsent) {
            OK(store_commit(d->b.store));
            desk_later(d, 0);
            continue;
        }
        idle = 0;
        question = desk_sent(d);
        d->ntaken = d->nsent = 0;
        if (++asked > most) {
            desk_error(d, question, "429");
            continue;
        }
        for (const struct node *u = node_child(node_child(question, "key"), "user"); u;
             u = node_next(u, "user")) {
            const char *jid = arena_cstr(&d->arena, node_attr_str(u, "jid", &d->arena));

            bad |= strtol(jid, NULL, 10) % gone == 0;
            node_add(list, user_node(d, jid, p, true));
        }
        if (bad)
            desk_error(d, question, "406");
        else
            desk_reply(d, question, "result", list);
    }
    assert_int_equal(told[1].calls, calls + 1);
    return asked;
}

static void make_crowd(struct jid *devices, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[64];

        snprintf(text, sizeof text, "92%06zu@lid", i);
        devices[i] = J(text);
    }
}

/* The server has enough before everybody who is gone was found: after the pause it goes on from
 * there, and each request brings something. */
static void halving_goes_on_after_a_pause(void **state)
{
    struct desk *d = *state;
    static struct jid devices[256];
    unsigned rounds = 0;
    size_t missing = 256;
    struct peer p;

    make_peer(d, &p);
    make_crowd(devices, 256);
    do {
        (void)ask_crowd(d, &p, devices, 256, 32, 10);
        assert_true(told[1].r.missing < missing || told[1].r.err == WB_OK);
        missing = told[1].r.missing;
        desk_later(d, iq_pause_left_ms(&d->b.iq, IQ_KIND_PREKEYS));
    } while (++rounds < 20 && told[1].r.err != WB_OK);
    OK(told[1].r.err);
    assert_int_equal(told[1].r.missing, 256 / 32);
}

/* Many that are gone: a bounded number of requests for each message, and none once all are known.
 */
static void many_that_are_gone_make_no_storm(void **state)
{
    struct desk *d = *state;
    static struct jid devices[200];
    unsigned asked, all = 0, rounds = 0;
    struct peer p;

    make_peer(d, &p);
    make_crowd(devices, 200);
    do {
        asked = ask_crowd(d, &p, devices, 200, 1, 100000);
        assert_true(asked <= PREKEY_QUESTION_REQUESTS);
        assert_true(told[1].r.err == WB_OK || told[1].r.err == WB_ERR_TIMEOUT);
        all += asked;
        desk_later(d, 1000);
    } while (++rounds < 20 && told[1].r.err != WB_OK);
    assert_true(all < 2 * 200);
    assert_int_equal(told[1].r.missing, 200);
    assert_int_equal(ask_crowd(d, &p, devices, 200, 1, 100000), 0);
    OK(told[1].r.err);
}

/* The server's refusal of one half is no word about the other. */
static void a_refused_half_costs_nobody_else(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("900002@lid"), J("900003@lid")};
    struct peer p;

    make_peer(d, &p);
    OK(prekey_fetch(&d->b, devices, 2, false, on_fetched, 1));
    desk_error(d, desk_sent(d), "406");
    desk_error(d, desk_sent(d), "400");
    assert_int_equal(told[1].calls, 0);
    desk_reply(d, desk_sent(d), "result", list_of(d, user_node(d, "900003@lid", &p, true), NULL));
    assert_true(told[1].r.err == WB_ERR_REFUSED && told[1].r.missing == 1);
    assert_true(can_send(d, "900003@lid"));
}

/* "Not now" may be said of one device in the answer: it is not keyless for that. */
static void trouble_with_one_device_passes(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("900002@lid"), J("900003@lid")};
    struct peer p;

    make_peer(d, &p);
    OK(prekey_fetch(&d->b, devices, 2, false, on_fetched, 1));
    desk_reply(d, desk_sent(d), "result",
               list_of(d, xml(d, "<user jid='900002@lid'><error code='503'/></user>"),
                       user_node(d, "900003@lid", &p, true)));
    assert_true(told[1].r.err == WB_ERR_TIMEOUT && told[1].r.missing == 1);
    assert_true(can_send(d, "900003@lid"));
    OK(prekey_fetch(&d->b, devices, 2, false, on_fetched, 2));
    desk_reply(
        d, desk_sent(d), "result",
        list_of(d, xml(d, "<user jid='900002@lid'><error code='429' backoff='30'/></user>"), NULL));
    assert_int_equal(told[2].r.err, WB_ERR_RATE_LIMITED);
    assert_int_equal(iq_pause_left_ms(&d->b.iq, IQ_KIND_PREKEYS), 30 * 1000);
}

/* One chunk of a large question is refused for good, another for now: that is what counts. */
static void a_refusal_does_not_hide_trouble(void **state)
{
    struct desk *d = *state;
    static struct jid devices[300];
    struct node *first, *second;

    make_crowd(devices, 300);
    OK(prekey_fetch(&d->b, devices, 300, false, on_fetched, 1));
    first = desk_sent(d);
    second = desk_sent(d);
    desk_error(d, first, "400");
    desk_error(d, second, "503");
    assert_true(told[1].calls == 1 && told[1].r.err == WB_ERR_TIMEOUT);
}

/* Named one by one it is the same. */
static void a_stale_device_that_is_named(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("900002@lid"), J("900004:3@lid")};
    struct peer p;

    make_peer(d, &p);
    keep_list(d, "900004@lid");
    OK(prekey_fetch(&d->b, devices, 2, false, on_fetched, 1));
    desk_reply(d, desk_sent(d), "result",
               list_of(d, user_node(d, "900002@lid", &p, true),
                       xml(d, "<user jid='900004:3@lid'><error code='406'/></user>")));
    assert_true(told[1].r.err == WB_OK && told[1].r.missing == 1 && told[1].r.gone == 1);
    assert_false(has_list(d, "900004@lid"));
}

/* The connection ends, or a pause begins, in the middle of it. */
static void what_ends_a_split(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("900002@lid"), J("900003@lid"), J("900004:3@lid")};

    OK(prekey_fetch(&d->b, devices, 3, false, on_fetched, 1));
    desk_error(d, desk_sent(d), "406");
    (void)desk_sent(d);
    iq_fail_all(&d->b.iq, WB_ERR_NET);
    assert_true(told[1].calls == 1 && told[1].r.err == WB_ERR_NET);
    OK(prekey_fetch(&d->b, devices, 3, false, on_fetched, 2));
    desk_error(d, desk_sent(d), "406");
    desk_error(d, desk_sent(d), "429");
    assert_none_sent(d);
    assert_true(told[2].calls == 1 && told[2].r.err == WB_ERR_RATE_LIMITED);
    /* And with the bridge (desk_teardown). */
    desk_later(d, 60 * 1000);
    OK(prekey_fetch(&d->b, devices, 3, false, on_fetched, 3));
    desk_error(d, desk_sent(d), "406");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, prekey_setup, desk_teardown)
        TEST(a_stale_device_costs_nobody_else),
        TEST(a_device_that_stays_listed_is_not_asked_about_for_an_hour),
        TEST(a_device_that_stays_listed_is_asked_about_by_itself),
        TEST(who_is_back_is_asked_about_at_once),
        TEST(halving_goes_on_after_a_pause),
        TEST(many_that_are_gone_make_no_storm),
        TEST(a_refused_half_costs_nobody_else),
        TEST(trouble_with_one_device_passes),
        TEST(a_refusal_does_not_hide_trouble),
        TEST(a_stale_device_that_is_named),
        TEST(what_ends_a_split),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
