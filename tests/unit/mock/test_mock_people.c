/* What wa-mock plays for other projects' suites: accounts chosen by push name, pictures, 'about',
 * 'is typing' for devices that are away, messages between the clients of one account. */
#include "client_fixture.h"

#include "crypto/prim_hash.h"

#include "tools/mock/devices/privacy.h"
#include "tools/mock/people/phone_past.h"
#include "tools/mock/route/chatstate.h"
#include "tools/mock/route/message.h"
#include "tools/mock/service/group.h"
#include "tools/mock/service/names.h"

static struct mock_account *named(struct fixture *f, const char *name)
{
    struct mock_account *a = names_account(&f->m, name);

    assert_non_null(a);
    return a;
}

static void test_one_account_per_push_name(void **state)
{
    struct fixture *f = *state;
    struct mock_account *a = named(f, "Anna"), *b = named(f, "Bert");

    assert_ptr_not_equal(a, b);
    assert_ptr_equal(named(f, "Anna"), a);
    assert_ptr_not_equal(named(f, ""), named(f, ""));
    assert_true(a->silent);
    assert_false(a->traits.restricted);
    assert_string_equal(a->name, "Anna");
}

static void test_what_a_push_name_asks_for(void **state)
{
    struct fixture *f = *state;
    struct traits t = named(f, "restricted:Anna")->traits;

    assert_true(t.restricted && t.salted && t.sends_cstoken && !t.no_cstoken && !t.no_tctoken);
    t = named(f, "scenario:restricted,tc_enabled=0,cs_enabled=1:Anna")->traits;
    assert_true(t.restricted && t.no_tctoken && !t.no_cstoken);
    t = named(f, "scenario:nct_send_ab=1,nct_syncd_ab=1,nct_history_delivery=0:Anna")->traits;
    assert_true(!t.restricted && t.sends_cstoken && !t.salted);
    assert_null(map_get(&named(f, "Anna")->appstate, "regular_high"));
    struct mock_account *a = named(f, "scenario:nct_history_delivery=0,nct_syncd_delivery=1:Anna");
    assert_true(!a->traits.salted && a->traits.salt_in_state);
    assert_non_null(map_get(&a->appstate, "regular_high"));
    t = named(f, "scenario:restricted")->traits; /* no second ':': a name like others */
    assert_false(t.restricted);
}

static struct node *message_with(struct fixture *f, const char *token, struct span bytes)
{
    struct node *n = node_new(&f->a, "message");

    if (token)
        node_set_bytes(&f->a, node_child_new(&f->a, n, token), bytes);
    return n;
}

/* What `from` makes of its salt for `to` (P-SD-29). */
static struct node *message_by_salt(struct fixture *f, const struct mock_account *from,
                                    const struct mock_account *to)
{
    uint8_t salt[32], mac[SHA256_BYTES];
    char lid[JID_TEXT_MAX];

    privacy_salt(from, salt);
    hmac_sha256(SPAN_ARRAY(salt), span_cstr(jid_text(&to->lid, lid)), mac);
    return message_with(f, "cstoken", arena_copy(&f->a, SPAN_ARRAY(mac)));
}

static void test_restricted_accounts_want_a_token(void **state)
{
    struct fixture *f = *state;
    struct mock_account *open = named(f, "Anna"), *from = named(f, "Bert");
    struct mock_account *any = named(f, "restricted:A");
    struct mock_account *tc = named(f, "scenario:restricted,cs_enabled=0:A");
    struct mock_account *cs = named(f, "scenario:restricted,tc_enabled=0:A");
    const struct node *bare = message_with(f, NULL, SPAN_NULL);

    assert_int_equal(privacy_refuses(&f->m, from, open, bare), 0);
    assert_int_equal(privacy_refuses(&f->m, from, any, bare), 463);
    assert_int_equal(privacy_refuses(&f->m, from, any, message_by_salt(f, from, any)), 0);
    assert_int_equal(privacy_refuses(&f->m, from, any, message_by_salt(f, from, tc)), 463);
    assert_int_equal(privacy_refuses(&f->m, from, tc, message_by_salt(f, from, tc)), 463);
    mock_enter(&f->m);
    privacy_issue(&f->m, tc, from, 1);
    privacy_issue(&f->m, cs, from, 1);
    mock_leave(&f->m);
    const struct node *with = message_with(f, "tctoken", SPAN_ARRAY(tc->tokens->bytes));
    assert_int_equal(privacy_refuses(&f->m, from, tc, with), 0);
    assert_true(privacy_shows(tc, from, with));
    assert_false(privacy_shows(tc, from, bare));
    with = message_with(f, "tctoken", SPAN_ARRAY(cs->tokens->bytes));
    assert_int_equal(privacy_refuses(&f->m, from, cs, with), 463);
    assert_int_equal(privacy_refuses(&f->m, from, cs, message_by_salt(f, from, cs)), 0);
}

/* ---- through a client ---- */

static struct node *ask(struct fixture *f, const char *type, const char *xmlns, const char *id)
{
    struct node *iq = request(f, type, id);

    node_attr_text(&f->a, iq, "xmlns", xmlns);
    return iq;
}

static const struct node *notified(struct fixture *f, const char *type)
{
    const struct node *n;

    do
        n = await(f, "notification");
    while (!node_attr_is(n, "type", type));
    return n;
}

static const struct node *asked_picture(struct fixture *f, const struct jid *of, const char *id)
{
    struct node *get = ask(f, "get", "w:profile:picture", id);

    node_attr_jid(&f->a, get, "target", of);
    node_attr_text(&f->a, node_child_new(&f->a, get, "picture"), "type", "preview");
    send_node(f, get);
    return answer_to(f, id);
}

static void test_a_picture_is_shown_and_taken_back(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    const struct jid me = d->account->pn;

    assert_true(node_attr_is(asked_picture(f, &me, "P1"), "type", "error"));
    struct node *set = ask(f, "set", "w:profile:picture", "P2");
    node_set_bytes(&f->a, node_child_new(&f->a, set, "picture"), SPAN_LIT("\xff\xd8\xff\xe0"));
    send_node(f, set);
    const struct node *given = node_child(answer_to(f, "P2"), "picture");
    const struct node *told = node_child(notified(f, "picture"), "set");
    uint64_t id = 0, other = 0;
    assert_true(node_attr_get_u64(given, "id", &id) && node_attr_get_u64(told, "id", &other));
    assert_true(id != 0 && id == other);
    const struct node *shown = node_child(asked_picture(f, &me, "P3"), "picture");
    assert_true(node_attr_get_u64(shown, "id", &other) && id == other);
    assert_true(node_has_attr(shown, "url") && node_has_attr(shown, "direct_path"));
    send_node(f, ask(f, "set", "w:profile:picture", "P4"));
    (void)answer_to(f, "P4");
    assert_non_null(node_child(notified(f, "picture"), "delete"));
    assert_true(node_attr_is(asked_picture(f, &me, "P5"), "type", "error"));
}

static void test_about_is_told(void **state)
{
    struct fixture *f = *state;

    (void)online(f);
    struct node *set = ask(f, "set", "status", "S1");
    node_set_bytes(&f->a, node_child_new(&f->a, set, "status"), SPAN_LIT("at sea"));
    send_node(f, set);
    (void)answer_to(f, "S1");
    assert_true(
        span_eq(node_content_bytes(node_child(notified(f, "status"), "set")), SPAN_LIT("at sea")));
}

/* Somebody whose stanzas the mock takes as if they came from a client. */
static void types(struct fixture *f, struct mock_account *to, struct device *from)
{
    struct client other = {.m = &f->m, .state = CLIENT_LOGGED_IN, .device = from};
    struct jid chat = account_jid(to, true);
    struct node *n = node_new(&f->a, "chatstate");

    node_attr_jid(&f->a, n, "to", &chat);
    (void)node_child_new(&f->a, n, "composing");
    mock_enter(&f->m);
    chatstate_from_client(&other, n);
    mock_leave(&f->m);
}

static size_t chatstates(struct fixture *f)
{
    size_t n = 0;

    for (const struct node *k; (k = read_node(f)) != NULL;)
        n += node_is(k, "chatstate");
    return n;
}

static void come_back(struct fixture *f, const struct device *d)
{
    connect_as(f, false, strtoull(d->account->pn.user, NULL, 10), d->number);
}

static void test_typing_waits_for_who_comes_back_soon(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f), *anna = named(f, "Anna")->devices[0];

    types(f, d->account, anna);
    assert_int_equal(chatstates(f), 1);
    hang_up(f);
    types(f, d->account, anna);
    f->now_ms += 2000;
    come_back(f, d);
    assert_int_equal(chatstates(f), 1);
    hang_up(f);
    types(f, d->account, anna);
    f->now_ms += 4000;
    come_back(f, d);
    assert_int_equal(chatstates(f), 0);
}

static void test_members_let_in_is_part_of_the_group(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);

    mock_enter(&f->m);
    struct group *g = group_create(&f->m, "locked", true, d->account, NULL, 0);
    mock_leave(&f->m);
    assert_non_null(g);
    struct node *set = ask(f, "set", "w:g2", "G1");
    node_attr_jid(&f->a, set, "to", &g->jid);
    struct node *mode = node_child_new(&f->a, set, "membership_approval_mode");
    node_attr_text(&f->a, node_child_new(&f->a, mode, "group_join"), "state", "on");
    send_node(f, set);
    assert_true(node_attr_is(answer_to(f, "G1"), "type", "result"));
    struct node *get = ask(f, "get", "w:g2", "G2");
    node_attr_jid(&f->a, get, "to", &g->jid);
    (void)node_child_new(&f->a, get, "query");
    send_node(f, get);
    const struct node *shown = node_child(answer_to(f, "G2"), "group");
    assert_true(node_attr_is(
        node_child(node_child(shown, "membership_approval_mode"), "group_join"), "state", "on"));
}

static void test_added_members_are_answered_with_200(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct mock_account *anna = named(f, "Anna");

    mock_enter(&f->m);
    struct group *g = group_create(&f->m, "two", true, d->account, NULL, 0);
    mock_leave(&f->m);
    for (int i = 0; i < 2; i++) { /* the second time she is a member already */
        struct node *set = ask(f, "set", "w:g2", i == 0 ? "A1" : "A2");

        node_attr_jid(&f->a, set, "to", &g->jid);
        struct node *add = node_child_new(&f->a, set, "add");
        node_attr_jid(&f->a, node_child_new(&f->a, add, "participant"), "jid", &anna->lid);
        send_node(f, set);
        const struct node *answer = answer_to(f, i == 0 ? "A1" : "A2");
        const struct node *one = node_child(node_child(answer, "add"), "participant");
        assert_true(node_attr_is(one, i == 0 ? "type" : "error", i == 0 ? "200" : "409"));
        assert_false(node_has_attr(one, i == 0 ? "error" : "type"));
    }
}

/* Such as a request for the keys of the app state. */
static void test_clients_of_one_account_reach_each_other(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f), *beside = world_add_device(&f->m, d->account);

    assert_non_null(beside);
    struct jid to = device_jid(beside, false), from;
    struct node *n = node_new(&f->a, "message"), *queued;
    node_attr_jid(&f->a, n, "to", &to);
    node_attr_text(&f->a, n, "id", "KEYS");
    node_attr_text(&f->a, n, "type", "text");
    node_attr_text(&f->a, n, "category", "peer");
    struct node *enc = node_child_new(&f->a, n, "enc");
    node_attr_text(&f->a, enc, "type", "msg");
    node_set_bytes(&f->a, enc, SPAN_LIT("sealed"));
    send_node(f, n);
    assert_false(node_has_attr(await(f, "ack"), "error"));
    assert_int_equal(beside->nqueued, 1);
    OK(node_unpack(SPAN(beside->first->packed, beside->first->n), &f->a, &queued));
    assert_true(node_attr_get_jid(queued, "from", &from) && world_is_lid(&from));
    assert_int_equal(from.device, d->number);
    assert_int_equal(flag_count(&f->m, "bad-message", false), 0);
}

/* What the ack of a 1:1 message says of the devices; clients differ in whether the sender counts.
 */
static void test_phash_with_and_without_the_sender(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct mock_account *anna = named(f, "Anna");
    struct jid list[3] = {device_jid(anna->devices[0], true),
                          device_jid(d->account->devices[0], true), device_jid(d, true)};
    char with[PHASH_CHARS + 1], without[PHASH_CHARS + 1];
    struct message_verdict v;

    world_phash(list, 3, with);
    list[0] = device_jid(anna->devices[0], true);
    list[1] = device_jid(d->account->devices[0], true);
    world_phash(list, 2, without);
    struct node *n = node_new(&f->a, "message");
    node_attr_jid(&f->a, n, "to", &anna->lid);
    node_attr_text(&f->a, n, "type", "text");
    for (int i = 0; i < 2; i++) {
        node_attr_text(&f->a, n, "id", i == 0 ? "H1" : "H2");
        f->m.cfg.phash_without_sender = i == 1;
        mock_enter(&f->m);
        message_route(&f->m, d, "test", n, &v);
        mock_leave(&f->m);
        assert_string_equal(v.phash, i == 0 ? with : without);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_account_per_push_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_a_push_name_asks_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restricted_accounts_want_a_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_picture_is_shown_and_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_about_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_typing_waits_for_who_comes_back_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(test_members_let_in_is_part_of_the_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_added_members_are_answered_with_200, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clients_of_one_account_reach_each_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_phash_with_and_without_the_sender, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
