/* Sessions from fetched prekeys (P-SD-08..10): each key once, each failure only for its device. */
#include "tests/unit/bridge/prekey_fixture.h"

#include "bridge/people/identity.h"
#include "bridge/sessions/device_notify.h"
#include "crypto/signal.h"
#include "store/session/devices.h"
#include "store/session/signal_store.h"

/* What we encrypt, the peer decrypts with the keys that we fetched. */
static void assert_reads(struct desk *d, const char *device, const struct peer *p, bool one_time)
{
    struct jid j = J(device);
    struct signal_session *ours, *theirs = signal_session_new();
    struct signal_local local = {.identity = p->identity, .registration_id = 9};
    struct signal_prekey_header h;
    struct buf cipher = buf_new(4096), plain = buf_new(4096);
    enum signal_message_kind kind;
    bool used;

    OK(store_session_load(d->b.store, &j, &ours, NULL));
    OK(signal_encrypt(ours, SPAN_LIT("hello"), &kind, &cipher));
    assert_int_equal(kind, SIGNAL_PKMSG);
    OK(signal_prekey_header_parse(buf_span(&cipher), &h));
    assert_int_equal(h.registration_id, 77);
    assert_int_equal(h.has_prekey_id, one_time);
    assert_int_equal(h.signed_prekey_id, 0x107);
    OK(signal_decrypt_prekey(theirs, &local, &h, h.identity, &p->signed_prekey,
                             one_time ? &p->prekey : NULL, &d->rng, &plain, &used));
    assert_true(span_eq(buf_span(&plain), SPAN_LIT("hello")));
    OK(store_session_save(d->b.store, &j, ours));
    signal_session_free(theirs);
    buf_free(&cipher);
    buf_free(&plain);
}

static void starts_sessions(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("27820000002:3@s.whatsapp.net"), J("900003@lid")};
    struct jid pn = J("27820000002@s.whatsapp.net"), lid = J("900002@lid");
    struct peer one, two;

    make_peer(d, &one);
    make_peer(d, &two);
    OK(identity_learn(&d->b, &pn, &lid));
    OK(prekey_fetch(&d->b, devices, 2, false, on_fetched, 1));
    struct node *iq = desk_sent(d);
    struct buf expected = buf_new(1024);
    struct span id = node_attr_str(iq, "id", &d->arena);
    buf_printf(&expected,
               "<iq to='s.whatsapp.net' type='get' xmlns='encrypt' id='%.*s'><key>"
               "<user jid='27820000002:3@s.whatsapp.net' reason='identity'/>"
               "<user jid='900003@lid' reason='identity'/></key></iq>",
               (int)id.n, (const char *)id.p);
    assert_string_equal(print(d, iq), print(d, xml(d, buf_cstr(&expected))));
    buf_free(&expected);
    desk_reply(d, iq, "result",
               list_of(d, user_node(d, "27820000002:3@s.whatsapp.net", &one, true),
                       user_node(d, "900003@lid", &two, false)));
    OK(told[1].r.err);
    assert_int_equal(told[1].r.missing, 0);
    assert_reads(d, "900002:3@lid", &one, true);
    assert_reads(d, "900003@lid", &two, false);
    OK(store_commit(d->b.store));

    OK(prekey_fetch(&d->b, devices, 2, false, on_fetched, 2));
    assert_none_sent(d); /* there are sessions */
    assert_int_equal(told[2].calls, 0);
    desk_later(d, 0);
    assert_int_equal(told[2].calls, 1);
}

static void asks_for_each_device_once(void **state)
{
    struct desk *d = *state;
    struct jid devices[] = {J("900002@lid"), J("900003@lid")};
    struct peer p;

    make_peer(d, &p);
    OK(prekey_fetch(&d->b, devices, 1, false, on_fetched, 1));
    OK(prekey_fetch(&d->b, devices, 1, false, on_fetched, 2));
    OK(prekey_fetch(&d->b, devices, 2, true, on_fetched, 3));
    struct node *first = desk_sent(d), *second = desk_sent(d);
    assert_none_sent(d);
    assert_int_equal(node_child_count(node_child(second, "key")), 1);
    desk_reply(d, first, "result", list_of(d, user_node(d, "900002@lid", &p, true), NULL));
    assert_int_equal(told[1].calls, 1);
    assert_int_equal(told[2].calls, 1);
    assert_int_equal(told[3].calls, 0);
    desk_reply(d, second, "result", list_of(d, user_node(d, "900003@lid", &p, true), NULL));
    assert_int_equal(told[3].calls, 1);
}

/* ---- large answers ---- */

enum { MANY = 100, SLICE = 32 };

/* Asks about MANY people; the question. */
static struct node *ask_many(struct desk *d, struct jid *devices, uint64_t key)
{
    char text[32];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "91%04u@lid", i);
        devices[i] = J(text);
    }
    OK(prekey_fetch(&d->b, devices, MANY, false, on_fetched, key));
    return desk_sent(d);
}

static void answer_many(struct desk *d, const struct node *question, const struct jid *devices,
                        size_t n)
{
    struct node *list = node_new(&d->arena, "list");
    struct peer p;

    make_peer(d, &p);
    for (size_t i = 0; i < n; i++) {
        char text[JID_TEXT_MAX];

        node_add(list, user_node(d, jid_text(&devices[i], text), &p, true));
    }
    desk_reply(d, question, "result", list);
}

static size_t sessions_of(struct desk *d, const struct jid *devices)
{
    bool has[MANY];
    size_t n = 0;

    OK(store_sessions_prefetch(d->b.store, devices, MANY, has));
    for (size_t i = 0; i < MANY; i++)
        n += has[i];
    return n;
}

/* The sockets are looked at in between. */
static void large_answers_are_taken_in_slices(void **state)
{
    struct desk *d = *state;
    struct jid devices[MANY], other = J("900003@lid");
    struct node *question = ask_many(d, devices, 1), *second;
    struct peer p;

    make_peer(d, &p);
    OK(prekey_fetch(&d->b, &other, 1, false, on_fetched, 2));
    second = desk_sent(d);
    answer_many(d, question, devices, MANY);
    assert_int_equal(sessions_of(d, devices), SLICE);
    OK(store_commit(d->b.store)); /* as the loop does after each iteration */
    desk_reply(d, second, "result", list_of(d, user_node(d, "900003@lid", &p, true), NULL));
    assert_int_equal(told[2].calls, 0); /* its turn comes */
    for (size_t taken = 2 * SLICE; taken < MANY; taken += SLICE) {
        assert_int_equal(told[1].calls, 0);
        desk_later(d, 0);
        assert_int_equal(sessions_of(d, devices), taken);
    }
    desk_later(d, 0);
    assert_true(told[1].calls == 1 && told[1].r.err == WB_OK && told[1].r.missing == 0);
    desk_later(d, 0);
    assert_true(told[2].calls == 1 && told[2].r.missing == 0);
    assert_true(can_send(d, "900003@lid"));
}

/* What the server repeats does not make more work than was asked for. */
static void repeated_answers_are_bounded(void **state)
{
    struct desk *d = *state;
    struct jid one = J("900003@lid"), all[2 * SLICE];

    for (size_t i = 0; i < 2 * SLICE; i++)
        all[i] = one;
    OK(prekey_fetch(&d->b, &one, 1, false, on_fetched, 1));
    answer_many(d, desk_sent(d), all, 2 * SLICE);
    assert_true(told[1].calls == 1 && told[1].r.missing == 0);
}

/* Another session may be in the file before the rest could be taken. */
static void what_is_left_goes_with_the_connection(void **state)
{
    struct desk *d = *state;
    struct jid devices[MANY];

    answer_many(d, ask_many(d, devices, 1), devices, MANY);
    assert_int_equal(told[1].calls, 0);
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE);
    assert_true(told[1].calls == 1 && told[1].r.err == WB_ERR_NET);
    assert_int_equal(told[1].r.missing, MANY - SLICE);
    desk_later(d, 1000);
    assert_int_equal(sessions_of(d, devices), SLICE);
    /* And with the bridge (desk_teardown). */
    answer_many(d, ask_many(d, devices, 2), devices, MANY);
    assert_int_equal(told[2].calls, 0);
}

static void odd_keys_spoil_one_device_only(void **state)
{
    struct desk *d = *state;
    static const char *const spoiled[] = {"registration", "identity", "skey",
                                          "id",           "value",    "signature"};
    struct jid devices[] = {J("900002@lid"), J("900003@lid")};
    struct peer p;

    make_peer(d, &p);
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
        struct node *bad = user_node(d, "900002@lid", &p, true);
        struct signal_bundle bundle;
        const struct node *n = node_child(bad, spoiled[i]);

        if (!n)
            n = node_child(node_child(bad, "skey"), spoiled[i]);
        ((struct node *)n)->content = NODE_BYTES;
        ((struct node *)n)->bytes = SPAN_LIT("1234567");
        assert_int_equal(prekey_bundle_parse(bad, &bundle), WB_ERR_MALFORMED);
    }
    struct peer forged = p;
    forged.sig[5] ^= 1;
    OK(prekey_fetch(&d->b, devices, 2, false, on_fetched, 1));
    desk_reply(d, desk_sent(d), "result",
               list_of(d, user_node(d, "900002@lid", &forged, true),
                       user_node(d, "900003@lid", &p, true)));
    OK(told[1].r.err);
    assert_int_equal(told[1].r.missing, 1);
    assert_false(can_send(d, "900002@lid"));
    assert_true(can_send(d, "900003@lid"));

    /* Refused for one, and keys of somebody who was not asked about. */
    OK(prekey_fetch(&d->b, devices, 1, false, on_fetched, 2));
    desk_reply(d, desk_sent(d), "result",
               list_of(d, xml(d, "<user jid='900002@lid'><error code='404'/></user>"),
                       user_node(d, "900004@lid", &p, true)));
    assert_int_equal(told[2].r.missing, 1);
    assert_false(can_send(d, "900004@lid"));
    OK(prekey_fetch(&d->b, devices, 1, false, on_fetched, 3));
    desk_error(d, desk_sent(d), "400");
    assert_int_equal(told[3].r.err, WB_ERR_REFUSED);
}

/* "Not now" is no word about the devices: nobody is to be left out because of it. */
static void trouble_of_the_server_passes(void **state)
{
    struct desk *d = *state;
    struct jid device = J("900002@lid");

    OK(prekey_fetch(&d->b, &device, 1, false, on_fetched, 1));
    desk_error(d, desk_sent(d), "503");
    assert_int_equal(told[1].r.err, WB_ERR_TIMEOUT);
    OK(prekey_fetch(&d->b, &device, 1, false, on_fetched, 2));
    desk_error(d, desk_sent(d), "429");
    assert_int_equal(told[2].r.err, WB_ERR_RATE_LIMITED);
    OK(prekey_fetch(&d->b, &device, 1, false, on_fetched, 3));
    assert_none_sent(d);
    desk_later(d, 0);
    assert_int_equal(told[3].r.err, WB_ERR_RATE_LIMITED);
}

/* ---- devices that are gone (406) ---- */

/* A new identity is taken; who was given our sender key under the old one is given it again. */
static void takes_a_changed_identity(void **state)
{
    struct desk *d = *state;
    struct jid device = J("900002@lid"), group = J("120363000000000001@g.us");
    struct peer old, new;
    uint8_t identity[32];
    struct signal_session *s;
    bool missing = false;

    make_peer(d, &old);
    make_peer(d, &new);
    OK(prekey_fetch(&d->b, &device, 1, false, on_fetched, 1));
    desk_reply(d, desk_sent(d), "result", list_of(d, user_node(d, "900002@lid", &old, true), NULL));
    OK(store_skdm_mark(d->b.store, &group, 5, &device, 1));
    OK(prekey_fetch(&d->b, &device, 1, true, on_fetched, 2));
    desk_reply(d, desk_sent(d), "result", list_of(d, user_node(d, "900002@lid", &new, true), NULL));
    assert_reads(d, "900002@lid", &new, true);
    OK(store_identity_get(d->b.store, &device, identity));
    assert_memory_equal(identity, new.identity.pub, 32);
    OK(store_session_load(d->b.store, &device, &s, NULL));
    assert_int_equal(s->narchived, 1); /* what is still under way to us can be read */
    signal_session_free(s);
    OK(store_skdm_missing(d->b.store, &group, 5, &device, 1, &missing));
    assert_true(missing);
}

/* The keys that come with a retry receipt are the sender's word. Those of an installation that is
 * gone set up nothing; the server's own answer is believed whatever it says. */
static void late_keys_of_a_former_identity(void **state)
{
    struct desk *d = *state;
    struct jid device = J("900002@lid");
    struct peer old, new;
    struct signal_bundle bundle;
    uint8_t identity[32];

    make_peer(d, &old);
    make_peer(d, &new);
    OK(prekey_bundle_parse(user_node(d, "900002@lid", &old, true), &bundle));
    OK(prekey_start_session(&d->b, &device, &bundle, SPAN_NULL));
    OK(prekey_fetch(&d->b, &device, 1, true, on_fetched, 1));
    desk_reply(d, desk_sent(d), "result", list_of(d, user_node(d, "900002@lid", &new, true), NULL));
    assert_int_equal(prekey_start_session(&d->b, &device, &bundle, SPAN_NULL),
                     WB_ERR_UNTRUSTED_IDENTITY);
    OK(store_identity_get(d->b.store, &device, identity));
    assert_memory_equal(identity, new.identity.pub, 32);
    assert_reads(d, "900002@lid", &new, true);
    OK(prekey_fetch(&d->b, &device, 1, true, on_fetched, 2));
    desk_reply(d, desk_sent(d), "result", list_of(d, user_node(d, "900002@lid", &old, true), NULL));
    assert_reads(d, "900002@lid", &old, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, prekey_setup, desk_teardown)
        TEST(starts_sessions),
        TEST(asks_for_each_device_once),
        TEST(large_answers_are_taken_in_slices),
        TEST(repeated_answers_are_bounded),
        TEST(what_is_left_goes_with_the_connection),
        TEST(odd_keys_spoil_one_device_only),
        TEST(trouble_of_the_server_passes),
        TEST(takes_a_changed_identity),
        TEST(late_keys_of_a_former_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
