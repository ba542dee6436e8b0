/* Device lists and LIDs: asked for together, shared, cached (P-SD-04, P-SD-06, P-SD-07, P-US-05).
 */
#include "tests/unit/bridge/people_fixture.h"

#include "bridge/people/identity.h"
#include "bridge/people/phash.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"
#include "store/session/private_address.h"
#include "store/session/signal_store.h"

/* What callbacks were told last, by key. */
enum { KEYS = 8 };
static struct told {
    unsigned calls;
    enum wb_err err;
    size_t n;
    struct jid jids[600], named[4];
} told[KEYS];

static void on_devices(struct bridge *b, uint64_t key, const struct device_sync_result *r)
{
    (void)b;
    struct told *t = &told[key];
    t->calls++;
    t->err = r->err;
    t->n = r->ndevices;
    assert_true(r->ndevices <= 600);
    if (r->ndevices)
        memcpy(t->jids, r->devices, r->ndevices * sizeof *r->devices);
}

static void on_lids(struct bridge *b, uint64_t key, const struct lid_lookup_result *r)
{
    (void)b;
    struct told *t = &told[key];
    t->calls++;
    t->err = r->err;
    t->n = r->n;
    assert_true(r->n <= 4);
    memcpy(t->jids, r->lids, r->n * sizeof *r->lids);
    memcpy(t->named, r->named, r->n * sizeof *r->named);
}

static int setup(void **state)
{
    memset(told, 0, sizeof told);
    return desk_setup(state);
}

static bool has(uint64_t key, const char *device)
{
    struct jid j = J(device);

    for (size_t i = 0; i < told[key].n; i++)
        if (jid_eq(&told[key].jids[i], &j))
            return true;
    return false;
}

static void reply_users(struct desk *d, const struct node *iq, const char *users)
{
    struct buf text = buf_new(1 << 20);

    buf_printf(&text, "<usync><list>%s</list></usync>", users);
    desk_reply(d, iq, "result", xml(d, buf_cstr(&text)));
    buf_free(&text);
}

#define LIST(jid, devices)                                                                         \
    "<user jid='" jid "'><devices><device-list>" devices "</device-list></devices></user>"

static size_t users_in(const struct node *iq)
{
    return node_child_count(node_child(node_child(iq, "usync"), "list"));
}

/* A list that is dropped while others are asked about: nobody is left out for that. */
static void dropped_while_others_are_asked_about(void **state)
{
    struct desk *d = *state;
    struct jid users[] = {J("900002@lid"), J("900003@lid")};
    struct node *iq;

    OK(device_sync_get(&d->b, users, 1, false, on_devices, 1));
    reply_users(d, desk_sent(d), LIST("900002@lid", "<device id='0'/><device id='3'/>"));
    assert_true(has(1, "900002:3@lid"));
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 2));
    iq = desk_sent(d);
    assert_int_equal(users_in(iq), 1);
    OK(device_sync_drop(&d->b, users, 1));
    reply_users(d, iq, LIST("900003@lid", "<device id='0'/>"));
    assert_int_equal(told[2].calls, 0);
    iq = desk_sent(d);
    assert_int_equal(users_in(iq), 1);
    reply_users(d, iq, LIST("900002@lid", "<device id='0'/>"));
    assert_int_equal(told[2].calls, 1);
    assert_int_equal(told[2].err, WB_OK);
    assert_int_equal(told[2].n, 2);
    assert_true(has(2, "900002@lid") && has(2, "900003@lid"));
}

static void asks_once_for_all(void **state)
{
    struct desk *d = *state;
    struct jid users[] = {J("900002@lid"), J("900003:4@lid"), J("900002@lid")};

    OK(device_sync_get(&d->b, users, 3, true, on_devices, 1));
    struct node *iq = desk_sent(d);
    assert_none_sent(d);
    assert_int_equal(users_in(iq), 3); /* the two, and ourselves */
    assert_int_equal(told[1].calls, 0);
    reply_users(d, iq,
                LIST("900001@lid", "<device id='0'/><device id='5'/><device id='6'/>")
                    LIST("900002@lid", "<device id='0'/><device id='99' is_hosted='true'/>")
                        LIST("900003@lid", "<device id='0'/>")
                            LIST("900009@lid", "<device id='0'/>"));
    assert_int_equal(told[1].calls, 1);
    OK(told[1].err);
    assert_int_equal(told[1].n, 5);
    assert_true(has(1, "900001@lid") && has(1, "900001:6@lid")); /* but not 5: that is us */
    assert_true(has(1, "900002:99@hosted.lid"));
    struct store_device_list list;
    struct jid unasked = J("900009@lid");
    assert_int_equal(store_devices_get(d->b.store, &unasked, &d->arena, &list), WB_ERR_NOT_FOUND);

    /* Now from the cache, and never from within the call. */
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 2));
    assert_none_sent(d);
    assert_int_equal(told[2].calls, 0);
    desk_later(d, 0);
    assert_int_equal(told[2].calls, 1);
    assert_int_equal(told[2].n, 3);

    /* A day later the lists are looked at again. */
    desk_later(d, ((int64_t)DEVICE_LIST_AGE_S + 1) * 1000);
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 3));
    iq = desk_sent(d);
    reply_users(d, iq, "<user jid='900002@lid'/>" LIST("900003@lid", ""));
    assert_int_equal(told[3].n, 2); /* nothing said: as before; an empty list: none */
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 4));
    assert_int_equal(users_in(desk_sent(d)), 1); /* the empty one was not kept */
}

/* The age of a list is one of the server's time; one of the future was noted by a wrong clock. */
static void a_wall_clock_that_jumps_makes_no_list_old(void **state)
{
    struct desk *d = *state;
    struct jid user = J("900002@lid");
    struct store_device one = {0};
    struct store_device_list list = {.devices = &one, .n = 1};
    const int64_t year_s = 365LL * 86400, now_s = d->now_ms / 1000;

    bridge_server_time(&d->b, now_s);
    list.checked_at = now_s;
    OK(store_devices_put(d->b.store, &user, &list));
    for (int64_t jump = -year_s; jump <= year_s; jump += 2 * year_s) {
        d->jumped_ms = jump * 1000;
        OK(device_sync_get(&d->b, &user, 1, false, on_devices, 1));
        assert_none_sent(d);
        desk_later(d, 0);
    }
    list.checked_at = now_s + year_s;
    OK(store_devices_put(d->b.store, &user, &list));
    OK(device_sync_get(&d->b, &user, 1, false, on_devices, 2));
    reply_users(d, desk_sent(d), LIST("900002@lid", "<device id='0'/>"));
    OK(store_devices_get(d->b.store, &user, &d->arena, &list));
    assert_int_equal(list.checked_at, now_s);
}

static void shares_questions(void **state)
{
    struct desk *d = *state;
    struct jid users[] = {J("900002@lid"), J("900003@lid"), J("900004@lid")};

    OK(device_sync_get(&d->b, users, 2, false, on_devices, 1));
    OK(device_sync_get(&d->b, users + 1, 2, false, on_devices, 2));
    OK(device_sync_get(&d->b, users, 1, false, on_devices, 3));
    struct node *first = desk_sent(d), *second = desk_sent(d);
    assert_none_sent(d);
    assert_int_equal(users_in(first), 2);
    assert_int_equal(users_in(second), 1);
    reply_users(d, first,
                LIST("900002@lid", "<device id='0'/>") LIST("900003@lid", "<device id='0'/>"));
    assert_int_equal(told[1].calls, 1);
    assert_int_equal(told[2].calls, 0); /* waits for the other one too */
    assert_int_equal(told[3].calls, 1);
    reply_users(d, second, LIST("900004@lid", "<device id='0'/><device id='1'/>"));
    assert_int_equal(told[2].calls, 1);
    assert_int_equal(told[2].n, 3);
}

static void asks_in_chunks(void **state)
{
    struct desk *d = *state;
    struct jid users[500];
    struct buf text = buf_new(1 << 20);

    for (size_t i = 0; i < 500; i++) {
        char t[32];

        snprintf(t, sizeof t, "%zu@lid", 910000 + i);
        users[i] = J(t);
    }
    OK(device_sync_get(&d->b, users, 500, false, on_devices, 1));
    struct node *first = desk_sent(d), *second = desk_sent(d);
    assert_none_sent(d);
    assert_int_equal(users_in(first), USYNC_USERS_MAX);
    assert_int_equal(users_in(second), 500 - USYNC_USERS_MAX);
    for (size_t i = 0; i < 500; i++)
        buf_printf(&text, LIST("%zu@lid", "<device id='0'/>"), 910000 + i);
    reply_users(d, first, buf_cstr(&text));
    assert_int_equal(told[1].calls, 0);
    reply_users(d, second, buf_cstr(&text));
    assert_int_equal(told[1].calls, 1);
    assert_int_equal(told[1].n, 500);
    buf_free(&text);
}

static void tells_failures(void **state)
{
    struct desk *d = *state;
    struct jid users[] = {J("900002@lid"), J("900003@lid")};

    OK(device_sync_get(&d->b, users, 1, false, on_devices, 1));
    reply_users(d, desk_sent(d), LIST("900002@lid", "<device id='0'/>"));
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 2));
    desk_error(d, desk_sent(d), "400");
    assert_int_equal(told[2].err, WB_ERR_REFUSED);
    assert_int_equal(told[2].n, 1); /* what is known all the same */
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 6));
    desk_error(d, desk_sent(d), "503"); /* the server's own trouble passes */
    assert_int_equal(told[6].err, WB_ERR_TIMEOUT);
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 3));
    desk_reply(d, desk_sent(d), "result", xml(d, "<usync/>"));
    assert_int_equal(told[3].err, WB_ERR_PROTOCOL);
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 4));
    iq_fail_all(&d->b.iq, WB_ERR_NET);
    assert_int_equal(told[4].err, WB_ERR_NET);
    d->connected = false;
    OK(device_sync_get(&d->b, users, 2, false, on_devices, 5));
    assert_int_equal(told[5].calls, 0);
    desk_later(d, 0);
    assert_int_equal(told[5].err, WB_ERR_STATE);
    assert_int_equal(told[4].calls + told[5].calls, 2);
}

static void drops_both_forms(void **state)
{
    struct desk *d = *state;
    struct jid pn = J("27820000002@s.whatsapp.net"), lid = J("900002@lid");
    struct store_device one = {0};
    struct store_device_list list = {.devices = &one, .n = 1, .checked_at = d->now_ms / 1000};

    OK(identity_learn(&d->b, &pn, &lid));
    OK(store_devices_put(d->b.store, &pn, &list));
    OK(store_devices_put(d->b.store, &lid, &list));
    OK(device_sync_drop(&d->b, &pn, 1));
    assert_int_equal(store_devices_get(d->b.store, &pn, &d->arena, &list), WB_ERR_NOT_FOUND);
    assert_int_equal(store_devices_get(d->b.store, &lid, &d->arena, &list), WB_ERR_NOT_FOUND);
}

/* ---- LIDs ---- */

static void finds_lids(void **state)
{
    struct desk *d = *state;
    struct jid pns[] = {J("27820000003@s.whatsapp.net"), J("27820000002@s.whatsapp.net")};
    struct jid known = J("900003@lid"), found = J("900002@lid");

    OK(identity_learn(&d->b, &pns[0], &known));
    OK(lid_lookup(&d->b, pns, 2, on_lids, 1));
    struct node *iq = desk_sent(d);
    assert_int_equal(users_in(iq), 1); /* only the unknown one */
    reply_users(d, iq, "<user jid='27820000002@s.whatsapp.net'><lid val='900002@lid'/></user>");
    OK(told[1].err);
    assert_true(jid_eq(&told[1].jids[0], &known)); /* in the caller's order */
    assert_true(jid_eq(&told[1].jids[1], &found));
    OK(lid_lookup(&d->b, pns, 2, on_lids, 2));
    assert_none_sent(d);
    desk_later(d, 0);
    assert_int_equal(told[2].calls, 1);
    OK(told[2].err);
}

/* The server is asked as by a person who types a number, and names the account itself. */
static void numbers_that_lead_elsewhere(void **state)
{
    struct desk *d = *state;
    struct jid pns[] = {J("5511987654321@s.whatsapp.net"), J("27820000005@s.whatsapp.net")};
    struct jid named = J("551187654321@s.whatsapp.net"), lid = J("900005@lid"), got;

    OK(lid_lookup(&d->b, pns, 2, on_lids, 1));
    reply_users(d, desk_sent(d),
                "<user jid='900005@lid' pn_jid='551187654321@s.whatsapp.net'>"
                "<contact type='in'>+5511987654321@c.us</contact></user>"
                "<user jid='27820000005@s.whatsapp.net'>"
                "<contact type='in'>+27820000005@c.us</contact></user>");
    OK(told[1].err);
    assert_true(jid_eq(&told[1].jids[0], &lid));
    assert_true(jid_eq(&told[1].named[0], &named));
    assert_true(jid_is_none(&told[1].jids[1])); /* on WhatsApp, without a LID that is told */
    assert_true(jid_eq(&told[1].named[1], &pns[1]));
    OK(lid_lookup_named(&d->b, &pns[0], &got));
    assert_true(jid_eq(&got, &named));
    assert_int_equal(lid_lookup_named(&d->b, &pns[1], &got), WB_ERR_NOT_FOUND);
    OK(lid_lookup(&d->b, pns, 2, on_lids, 2)); /* within a day nobody is asked again */
    assert_none_sent(d);
    desk_later(d, 0);
    OK(told[2].err);
    d->now_ms += (int64_t)(NUMBER_AGE_S + 1) * 1000;
    assert_int_equal(lid_lookup_named(&d->b, &pns[0], &got), WB_ERR_NOT_FOUND);
    OK(lid_lookup(&d->b, pns, 2, on_lids, 3));
    reply_users(d, desk_sent(d),
                "<user><contact type='out'>+5511987654321@c.us</contact></user>"
                "<user jid='27820000005@s.whatsapp.net'>"
                "<contact><error code='429'/></contact></user>");
    assert_int_equal(told[3].err, WB_ERR_RATE_LIMITED); /* no answer about the second one */
    assert_int_equal(store_number_get(d->b.store, &pns[0], &got, NULL), WB_ERR_NOT_FOUND);
    OK(store_number_get(d->b.store, &pns[1], &got, NULL));
}

static const char devices_error[] =
    "<usync><result><devices><error code='429' backoff='598'/></devices></result>"
    "<list><user jid='900002@lid'/></list></usync>";
static const char contact_error[] =
    "<usync><list><user><contact><error code='429'/></contact></user></list></usync>";

/* Errors inside of an answer are no answer: people are asked about again, after the pause. */
static void an_error_within_an_answer_is_for_now(void **state)
{
    struct desk *d = *state;
    struct jid user = J("900002@lid"), pn = J("27820000002@s.whatsapp.net");
    struct store_device one = {0};
    const int64_t old = d->now_ms / 1000 - DEVICE_LIST_AGE_S - 1;
    struct store_device_list list = {.devices = &one, .n = 1, .checked_at = old};

    OK(store_devices_put(d->b.store, &user, &list));
    OK(device_sync_get(&d->b, &user, 1, false, on_devices, 1));
    desk_reply(d, desk_sent(d), "result", xml(d, devices_error));
    assert_int_equal(told[1].err, WB_ERR_RATE_LIMITED);
    assert_int_equal(iq_pause_left_ms(&d->b.iq, IQ_KIND_USYNC), 598 * 1000);
    OK(store_devices_get(d->b.store, &user, &d->arena, &list));
    assert_int_equal(list.checked_at, old); /* "nothing said" would have been news of it */
    desk_later(d, 598 * 1000);
    OK(device_sync_get(&d->b, &user, 1, false, on_devices, 2));
    reply_users(d, desk_sent(d), LIST("900002@lid", "<device id='0'/>"));
    OK(told[2].err);
    OK(lid_lookup(&d->b, &pn, 1, on_lids, 3));
    reply_users(d, desk_sent(d), "<user><contact><error code='400'/></contact></user>");
    assert_int_equal(told[3].err, WB_ERR_REFUSED); /* not that nobody is there */
}

/* One that stays makes the pauses grow, although each answer is a result. */
static void pauses_within_answers_grow(void **state)
{
    struct desk *d = *state;
    struct jid pn = J("27820000002@s.whatsapp.net");
    int64_t wanted = IQ_PAUSE_FIRST_S * INT64_C(1000), most = IQ_PAUSE_GROWN_S * INT64_C(1000);

    for (int i = 0; i < 12; i++) {
        OK(lid_lookup(&d->b, &pn, 1, on_lids, 1));
        desk_reply(d, desk_sent(d), "result", xml(d, contact_error));
        d->ntaken = d->nsent = 0;
        assert_int_equal(told[1].err, WB_ERR_RATE_LIMITED);
        assert_int_equal(iq_pause_left_ms(&d->b.iq, IQ_KIND_USYNC), wanted);
        desk_later(d, wanted);
        wanted = wanted * 2 < most ? wanted * 2 : most;
    }
    OK(lid_lookup(&d->b, &pn, 1, on_lids, 2));
    reply_users(d, desk_sent(d), "<user><contact type='out'>+27820000002@c.us</contact></user>");
    assert_int_equal(told[2].err, WB_ERR_NOT_FOUND);
    assert_int_equal(iq_pause_left_ms(&d->b.iq, IQ_KIND_USYNC), 0);
}

/* Every ack to that person says it again, so nothing is lost, and no batch fails for it. */
static void a_lid_out_of_date_waits_for_the_end_of_a_pause(void **state)
{
    struct desk *d = *state;
    struct jid pn = J("27820000002@s.whatsapp.net"), lid = J("900002@lid");

    OK(identity_learn(&d->b, &pn, &lid));
    iq_pause_begin(&d->b.iq.pauses, IQ_KIND_USYNC, 30, d->now_ms);
    OK(lid_refresh(&d->b, &lid));
    assert_none_sent(d);
    desk_later(d, 30 * 1000);
    OK(lid_refresh(&d->b, &lid));
    assert_int_equal(users_in(desk_sent(d)), 1);
}

/* The answer names the LID alone: what was typed is no better name than the number that is known.
 */
static void a_typed_number_replaces_no_known_one(void **state)
{
    struct desk *d = *state;
    struct jid typed = J("5511987654321@s.whatsapp.net"), pn = J("551187654321@s.whatsapp.net");
    struct jid lid = J("900005@lid"), got;

    OK(identity_learn(&d->b, &lid, &pn));
    OK(lid_lookup(&d->b, &typed, 1, on_lids, 1));
    reply_users(d, desk_sent(d),
                "<user jid='900005@lid'><contact type='in'>+5511987654321@c.us</contact></user>");
    OK(told[1].err);
    assert_true(jid_eq(&told[1].jids[0], &lid));
    assert_true(jid_eq(&told[1].named[0], &pn));
    OK(store_pn_of_lid(d->b.store, &lid, &got));
    assert_true(jid_eq(&got, &pn));
    OK(lid_lookup_named(&d->b, &typed, &got));
    assert_true(jid_eq(&got, &pn));
}

static void knows_who_is_not_on_whatsapp(void **state)
{
    struct desk *d = *state;
    struct jid pn = J("27820000004@s.whatsapp.net"), lid = J("900004@lid");

    OK(lid_lookup(&d->b, &pn, 1, on_lids, 1));
    reply_users(d, desk_sent(d), "<user jid='27820000004@s.whatsapp.net'/>");
    assert_int_equal(told[1].err, WB_ERR_NOT_FOUND);
    assert_true(jid_is_none(&told[1].jids[0]));
    OK(lid_lookup(&d->b, &pn, 1, on_lids, 2));
    desk_error(d, desk_sent(d), "500");
    assert_int_equal(told[2].err, WB_ERR_TIMEOUT);
    assert_int_equal(lid_lookup(&d->b, &lid, 1, on_lids, 3), WB_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, desk_teardown)
        TEST(numbers_that_lead_elsewhere),
        TEST(a_typed_number_replaces_no_known_one),
        TEST(asks_once_for_all),
        TEST(dropped_while_others_are_asked_about),
        TEST(shares_questions),
        TEST(asks_in_chunks),
        TEST(tells_failures),
        TEST(drops_both_forms),
        TEST(finds_lids),
        TEST(knows_who_is_not_on_whatsapp),
        TEST(a_lid_out_of_date_waits_for_the_end_of_a_pause),
        TEST(an_error_within_an_answer_is_for_now),
        TEST(pauses_within_answers_grow),
        TEST(a_wall_clock_that_jumps_makes_no_list_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
