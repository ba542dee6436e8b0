/* Sessions from fetched prekeys (P-SD-08..10): each key once, each failure only for its device. */
#include "bridge/sessions/device_notify.h"
#include "tests/unit/bridge/people_fixture.h"

#include "bridge/people/identity.h"
#include "crypto/signal.h"
#include "store/session/devices.h"
#include "store/session/signal_store.h"

static struct {
    unsigned calls;
    struct prekey_fetch_result r;
} told[8];

static void on_done(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r)
{
    (void)b;
    told[key].calls++;
    told[key].r = *r;
}

static int setup(void **state)
{
    memset(told, 0, sizeof told);
    return desk_setup(state);
}

/* Somebody's device, with the private halves. */
struct peer {
    struct x25519_pair identity, signed_prekey, prekey;
    uint8_t sig[XEDDSA_SIG_BYTES];
};

static void make_peer(struct desk *d, struct peer *p)
{
    struct device_keys k;
    OK(device_keys_generate(&d->rng, &k));
    p->identity = k.identity;
    p->signed_prekey = k.signed_prekey;
    memcpy(p->sig, k.signed_prekey_sig, sizeof p->sig);
    x25519_generate(&d->rng, &p->prekey);
}

static struct node *key_node(struct desk *d, const char *tag, uint8_t id, const uint8_t *value,
                             const uint8_t *sig)
{
    const uint8_t id_bytes[3] = {0, 1, id};
    struct node *n = node_new(&d->arena, tag);
    node_add(n, bytes_node(d, "id", id_bytes, 3));
    node_add(n, bytes_node(d, "value", value, 32));
    if (sig)
        node_add(n, bytes_node(d, "signature", sig, 64));
    return n;
}

static struct node *user_node(struct desk *d, const char *jid, const struct peer *p, bool one_time)
{
    const uint8_t registration[4] = {0, 0, 0, 9}, type[1] = {5};
    struct node *user = node_new(&d->arena, "user");
    node_attr_text(&d->arena, user, "jid", jid);
    node_add(user, bytes_node(d, "registration", registration, 4));
    node_add(user, bytes_node(d, "type", type, 1));
    node_add(user, bytes_node(d, "identity", p->identity.pub, 32));
    node_add(user, key_node(d, "skey", 7, p->signed_prekey.pub, p->sig));
    if (one_time)
        node_add(user, key_node(d, "key", 3, p->prekey.pub, NULL));
    return user;
}

static struct node *list_of(struct desk *d, struct node *one, struct node *two)
{
    struct node *list = node_new(&d->arena, "list");
    if (one)
        node_add(list, one);
    if (two)
        node_add(list, two);
    return list;
}

static bool can_send(struct desk *d, const char *device)
{
    struct jid j = J(device);
    bool yes;
    OK(store_session_has(d->b.store, &j, &yes));
    return yes;
}

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
    OK(prekey_fetch(&d->b, devices, 2, false, on_done, 1));
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

    OK(prekey_fetch(&d->b, devices, 2, false, on_done, 2));
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
    OK(prekey_fetch(&d->b, devices, 1, false, on_done, 1));
    OK(prekey_fetch(&d->b, devices, 1, false, on_done, 2));
    OK(prekey_fetch(&d->b, devices, 2, true, on_done, 3));
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
    OK(prekey_fetch(&d->b, devices, MANY, false, on_done, key));
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
    OK(prekey_fetch(&d->b, &other, 1, false, on_done, 2));
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
    OK(prekey_fetch(&d->b, &one, 1, false, on_done, 1));
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
    OK(prekey_fetch(&d->b, devices, 2, false, on_done, 1));
    desk_reply(d, desk_sent(d), "result",
               list_of(d, user_node(d, "900002@lid", &forged, true),
                       user_node(d, "900003@lid", &p, true)));
    OK(told[1].r.err);
    assert_int_equal(told[1].r.missing, 1);
    assert_false(can_send(d, "900002@lid"));
    assert_true(can_send(d, "900003@lid"));

    /* Refused for one, and keys of somebody who was not asked about. */
    OK(prekey_fetch(&d->b, devices, 1, false, on_done, 2));
    desk_reply(d, desk_sent(d), "result",
               list_of(d, xml(d, "<user jid='900002@lid'><error code='404'/></user>"),
                       user_node(d, "900004@lid", &p, true)));
    assert_int_equal(told[2].r.missing, 1);
    assert_false(can_send(d, "900004@lid"));
    OK(prekey_fetch(&d->b, devices, 1, false, on_done, 3));
    desk_error(d, desk_sent(d), "400");
    assert_int_equal(told[3].r.err, WB_ERR_REFUSED);
}

/* "Not now" is no word about the devices: nobody is to be left out because of it. */
static void trouble_of_the_server_passes(void **state)
{
    struct desk *d = *state;
    struct jid device = J("900002@lid");

    OK(prekey_fetch(&d->b, &device, 1, false, on_done, 1));
    desk_error(d, desk_sent(d), "503");
    assert_int_equal(told[1].r.err, WB_ERR_TIMEOUT);
    OK(prekey_fetch(&d->b, &device, 1, false, on_done, 2));
    desk_error(d, desk_sent(d), "429");
    assert_int_equal(told[2].r.err, WB_ERR_RATE_LIMITED);
    OK(prekey_fetch(&d->b, &device, 1, false, on_done, 3));
    assert_none_sent(d);
    desk_later(d, 0);
    assert_int_equal(told[3].r.err, WB_ERR_RATE_LIMITED);
}

/* ---- devices that are gone (406) ---- */

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
    OK(prekey_fetch(&d->b, devices, 4, false, on_done, 1));
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
    OK(prekey_fetch(&d->b, devices + 1, 1, false, on_done, 1));
    desk_error(d, desk_sent(d), "406");
    assert_int_equal(told[1].r.gone, 1);
    keep_list(d, "900004@lid");
    desk_later(d, 1000);
    OK(prekey_fetch(&d->b, devices, 2, false, on_done, 2));
    question = desk_sent(d);
    assert_int_equal(asked_for(question), 1);
    desk_reply(d, question, "result", list_of(d, user_node(d, "900002@lid", &p, true), NULL));
    assert_none_sent(d);
    assert_true(told[2].r.err == WB_OK && told[2].r.missing == 1 && told[2].r.gone == 0);
    assert_true(has_list(d, "900004@lid"));
    OK(prekey_fetch(&d->b, devices + 1, 1, false, on_done, 3));
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
    OK(prekey_fetch(&d->b, devices + 1, 1, false, on_done, 1));
    desk_error(d, desk_sent(d), "406");
    OK(prekey_fetch(&d->b, devices, 2, true, on_done, 4));
    question = desk_sent(d);
    assert_int_equal(asked_for(question), 1);
    desk_reply(d, question, "result", list_of(d, user_node(d, "900002@lid", &p, true), NULL));
    assert_int_equal(asked_for(desk_sent(d)), 1);
    iq_fail_all(&d->b.iq, WB_ERR_NET);
    desk_later(d, 3600 * 1000);
    OK(prekey_fetch(&d->b, devices, 2, true, on_done, 5));
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

    OK(prekey_fetch(&d->b, &phone, 1, false, on_done, 1));
    desk_error(d, desk_sent(d), "406");
    OK(device_sync_reinstalled(&d->b, &phone, d->now_ms / 1000));
    d->ntaken = d->nsent; /* its token */
    OK(prekey_fetch(&d->b, &phone, 1, false, on_done, 2));
    assert_int_equal(asked_for(desk_sent(d)), 1);
}

/* Asks about n devices, and answers until it is told: of every `gone`th the server knows nothing,
 * and after `most` requests it wants a pause. How many there were. */
static unsigned ask_crowd(struct desk *d, const struct peer *p, const struct jid *devices, size_t n,
                          int gone, unsigned most)
{
    unsigned asked = 0;
    const unsigned calls = told[1].calls;

    OK(prekey_fetch(&d->b, devices, n, false, on_done, 1));
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
    OK(prekey_fetch(&d->b, devices, 2, false, on_done, 1));
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
    OK(prekey_fetch(&d->b, devices, 2, false, on_done, 1));
    desk_reply(d, desk_sent(d), "result",
               list_of(d, xml(d, "<user jid='900002@lid'><error code='503'/></user>"),
                       user_node(d, "900003@lid", &p, true)));
    assert_true(told[1].r.err == WB_ERR_TIMEOUT && told[1].r.missing == 1);
    assert_true(can_send(d, "900003@lid"));
    OK(prekey_fetch(&d->b, devices, 2, false, on_done, 2));
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
    OK(prekey_fetch(&d->b, devices, 300, false, on_done, 1));
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
    OK(prekey_fetch(&d->b, devices, 2, false, on_done, 1));
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

    OK(prekey_fetch(&d->b, devices, 3, false, on_done, 1));
    desk_error(d, desk_sent(d), "406");
    (void)desk_sent(d);
    iq_fail_all(&d->b.iq, WB_ERR_NET);
    assert_true(told[1].calls == 1 && told[1].r.err == WB_ERR_NET);
    OK(prekey_fetch(&d->b, devices, 3, false, on_done, 2));
    desk_error(d, desk_sent(d), "406");
    desk_error(d, desk_sent(d), "429");
    assert_none_sent(d);
    assert_true(told[2].calls == 1 && told[2].r.err == WB_ERR_RATE_LIMITED);
    /* And with the bridge (desk_teardown). */
    desk_later(d, 60 * 1000);
    OK(prekey_fetch(&d->b, devices, 3, false, on_done, 3));
    desk_error(d, desk_sent(d), "406");
}

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
    OK(prekey_fetch(&d->b, &device, 1, false, on_done, 1));
    desk_reply(d, desk_sent(d), "result", list_of(d, user_node(d, "900002@lid", &old, true), NULL));
    OK(store_skdm_mark(d->b.store, &group, 5, &device, 1));
    OK(prekey_fetch(&d->b, &device, 1, true, on_done, 2));
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
    OK(prekey_fetch(&d->b, &device, 1, true, on_done, 1));
    desk_reply(d, desk_sent(d), "result", list_of(d, user_node(d, "900002@lid", &new, true), NULL));
    assert_int_equal(prekey_start_session(&d->b, &device, &bundle, SPAN_NULL),
                     WB_ERR_UNTRUSTED_IDENTITY);
    OK(store_identity_get(d->b.store, &device, identity));
    assert_memory_equal(identity, new.identity.pub, 32);
    assert_reads(d, "900002@lid", &new, true);
    OK(prekey_fetch(&d->b, &device, 1, true, on_done, 2));
    desk_reply(d, desk_sent(d), "result", list_of(d, user_node(d, "900002@lid", &old, true), NULL));
    assert_reads(d, "900002@lid", &old, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, desk_teardown)
        TEST(starts_sessions),
        TEST(asks_for_each_device_once),
        TEST(large_answers_are_taken_in_slices),
        TEST(repeated_answers_are_bounded),
        TEST(what_is_left_goes_with_the_connection),
        TEST(odd_keys_spoil_one_device_only),
        TEST(trouble_of_the_server_passes),
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
        TEST(takes_a_changed_identity),
        TEST(late_keys_of_a_former_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
