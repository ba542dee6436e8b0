/* Facts about people from the phone's history reach the store, in whatever order they come, twice
 * or late. */
#include "tests/unit/bridge/receive_fixture.h"

#include <zlib.h>

#include "bridge/core/own_name.h"
#include "bridge/history/history_facts.h"
#include "bridge/history/limits.h"
#include "proto/wire_field.h"
#include "store/messages/contacts.h"
#include "store/session/acquaintances.h"
#include "store/session/lid_map.h"
#include "store/session/tokens.h"

#define ALICE     "27820000011@s.whatsapp.net"
#define ALICE_LID "111000011@lid"

struct told {
    struct receiver r;
    struct buf plain, packed, facts;
};

static int setup(void **state)
{
    static struct told t;

    memset(&t, 0, sizeof t);
    receiver_init(&t.r);
    t.plain = buf_new(16 << 20);
    t.packed = buf_new(16 << 20);
    t.facts = buf_new(HISTORY_FACTS_BYTES_MAX);
    *state = &t;
    return 0;
}

static int teardown(void **state)
{
    struct told *t = *state;

    buf_free(&t->plain);
    buf_free(&t->packed);
    buf_free(&t->facts);
    receiver_free(&t->r);
    return 0;
}

static void chat(struct told *t, const char *jid, const char *token, uint64_t at, uint64_t issued)
{
    size_t open = wire_open(&t->plain, 2);

    wire_put_bytes(&t->plain, 1, span_cstr(jid));
    wire_put_bytes(&t->plain, 21, span_cstr(token));
    if (at)
        wire_put_uint(&t->plain, 22, at);
    wire_put_uint(&t->plain, 28, issued);
    wire_close(&t->plain, open);
}

static void two(struct told *t, uint32_t field, const char *one, const char *other)
{
    size_t open = wire_open(&t->plain, field);

    wire_put_bytes(&t->plain, 1, span_cstr(one));
    wire_put_bytes(&t->plain, 2, span_cstr(other));
    wire_close(&t->plain, open);
}

/* Reads and stores what was put together; how many slices that took. */
static unsigned take(struct told *t)
{
    struct history_facts_at at = {.offset = 0};

    uLongf n = compressBound((uLong)t->plain.n);
    unsigned slices = 0;
    bool more = true;

    buf_clear(&t->packed);
    buf_clear(&t->facts);
    uint8_t *to = buf_extend(&t->packed, n);
    assert_non_null(to);
    assert_int_equal(compress(to, &n, t->plain.p, (uLong)t->plain.n), Z_OK);
    t->packed.n = n;
    OK(history_facts_read(buf_span(&t->packed), &t->facts));
    for (; more; slices++) {
        OK(history_facts_apply(&t->r.b, buf_span(&t->facts), &at, &more));
        OK(batch_commit(&t->r.b));
    }
    buf_clear(&t->plain);
    return slices;
}

static void assert_token(struct told *t, const char *who, const char *wanted)
{
    struct buf b = buf_new(STORE_TOKEN_MAX);
    struct jid jid = J(who);
    enum wb_err err = store_token_get(t->r.f.s, &jid, bridge_server_now_s(&t->r.b), &b);

    assert_int_equal(err, wanted ? WB_OK : WB_ERR_NOT_FOUND);
    if (wanted)
        assert_string_equal(buf_cstr(&b), wanted);
    buf_free(&b);
}

/* The pair stands behind the chat that it belongs to. */
static void a_token_is_found_under_both_addresses(void **state)
{
    struct told *t = *state;
    const uint64_t now = (uint64_t)bridge_server_now_s(&t->r.b);
    struct jid alice = J(ALICE);
    int64_t issued = 0;

    chat(t, ALICE, "TOKEN", now - 100, now - 50);
    two(t, 15, "27820000011@c.us", ALICE_LID);
    take(t);
    assert_token(t, ALICE, "TOKEN");
    assert_token(t, ALICE_LID, "TOKEN");
    assert_look_wa(&t->r, "SELECT their_jid FROM whatsmeow_privacy_tokens", ALICE_LID);
    OK(store_token_issued_get(t->r.f.s, &alice, &issued));
    assert_int_equal(issued, now - 50);
    /* Older, without a time, of a group, of nobody: passed over. */
    chat(t, ALICE, "OLD", now - 200, now - 70);
    chat(t, ALICE_LID, "TIMELESS", 0, 0);
    chat(t, "120363000000000001@g.us", "GROUP", now, now);
    chat(t, "nobody", "NOBODY", now, now);
    take(t);
    assert_token(t, ALICE, "TOKEN");
    OK(store_token_issued_get(t->r.f.s, &alice, &issued));
    assert_int_equal(issued, now - 50);
    assert_look_wa(&t->r, "SELECT count(*) FROM whatsmeow_privacy_tokens", "1");
    chat(t, ALICE, "NEWER", now - 10, now - 10);
    take(t);
    assert_token(t, ALICE_LID, "NEWER");
}

static bool is_acquaintance(struct told *t, const char *who)
{
    struct jid jid = J(who);
    bool has = false;

    OK(store_acquaintance_has(t->r.f.s, &jid, &has));
    return has;
}

/* Old or without a token: a chat is one. */
static void chats_make_acquaintances(void **state)
{
    struct told *t = *state;
    size_t open;

    chat(t, ALICE, "OLD", 1700000000, 0);
    two(t, 15, "27820000011@c.us", ALICE_LID);
    open = wire_open(&t->plain, 2); /* with nothing but its address */
    wire_put_bytes(&t->plain, 1, SPAN_LIT("27820000012@s.whatsapp.net"));
    wire_close(&t->plain, open);
    chat(t, "120363000000000001@g.us", "GROUP", 0, 0);
    take(t);
    assert_true(is_acquaintance(t, ALICE));
    assert_true(is_acquaintance(t, ALICE_LID));
    assert_true(is_acquaintance(t, "27820000012@s.whatsapp.net"));
    assert_false(is_acquaintance(t, "27820000013@s.whatsapp.net"));
    assert_look_wa(&t->r, "SELECT count(*) FROM bridge_acquaintances", "2");
}

static void a_pair_that_is_known_stays(void **state)
{
    struct told *t = *state;
    struct jid lid = J(ALICE_LID), pn = J(ALICE), got;

    OK(store_lid_put(t->r.f.s, &lid, &pn, NULL));
    two(t, 15, ALICE, "999@lid");
    two(t, 15, "27820000099@s.whatsapp.net", ALICE_LID);
    two(t, 15, "27820000098@s.whatsapp.net", "998@lid");
    two(t, 15, "120363000000000001@g.us", "997@lid");
    take(t);
    OK(store_lid_of_pn(t->r.f.s, &pn, &got));
    assert_true(jid_eq(&got, &lid));
    OK(store_pn_of_lid(t->r.f.s, &lid, &got));
    assert_true(jid_eq(&got, &pn));
    assert_look_wa(&t->r, "SELECT pn FROM whatsmeow_lid_map WHERE lid = '998'", "27820000098");
    assert_look_wa(&t->r, "SELECT count(*) FROM whatsmeow_lid_map WHERE lid IN ('999', '997')",
                   "0");
    assert_int_equal(t->r.b.trust.foreign_keys, 0);
}

static void the_salt_fills_in_where_nothing_is(void **state)
{
    struct told *t = *state;
    struct buf b = buf_new(STORE_TOKEN_MAX);

    wire_put_bytes(&t->plain, 19, SPAN_LIT("FIRST"));
    take(t);
    wire_put_bytes(&t->plain, 19, SPAN_LIT("SECOND"));
    take(t);
    OK(store_nct_salt_get(t->r.f.s, &b));
    assert_string_equal(buf_cstr(&b), "FIRST");
    buf_free(&b);
}

static void names_and_our_own(void **state)
{
    struct told *t = *state;
    char own[JID_TEXT_MAX];
    struct jid me = jid_bare(t->r.b.own_pn);

    OK(store_account_push_name_set(t->r.f.s, ""));
    two(t, 7, ALICE, "Alice");
    two(t, 7, "27820000012@s.whatsapp.net", "-");
    two(t, 7, jid_text(&me, own), "Depot");
    take(t);
    assert_look_wa(&t->r, "SELECT their_jid || '=' || push_name FROM whatsmeow_contacts",
                   ALICE "=Alice");
    assert_look_wa(&t->r, "SELECT push_name FROM whatsmeow_device", "Depot");
    assert_true(t->r.b.own_name_changed);
}

/* Also twice: a crash behind the last slice is a second reading. */
static void many_are_stored_in_slices(void **state)
{
    struct told *t = *state;
    const uint64_t now = (uint64_t)bridge_server_now_s(&t->r.b);

    for (int again = 0; again < 2; again++) {
        for (unsigned i = 0; i < 2000; i++) {
            char lid[JID_TEXT_MAX], pn[JID_TEXT_MAX];

            snprintf(lid, sizeof lid, "5550%05u@lid", i);
            snprintf(pn, sizeof pn, "2783000%04u@s.whatsapp.net", i);
            chat(t, lid, "TOKEN", now - 100, 0);
            two(t, 15, pn, lid);
        }
        assert_true(take(t) >= 2 * 4000 / HISTORY_SLICE_FACTS);
        assert_look_wa(&t->r, "SELECT count(*) FROM whatsmeow_privacy_tokens", "2000");
        assert_look_wa(&t->r, "SELECT count(*) FROM whatsmeow_lid_map WHERE pn LIKE '2783%'",
                       "2000");
    }
}

static void what_finds_no_room_is_left_out(void **state)
{
    struct told *t = *state;

    buf_free(&t->facts);
    t->facts = buf_new(200);
    for (unsigned i = 0; i < 10; i++)
        two(t, 7, ALICE, "Alice");
    take(t);
    assert_true(history_facts_cut(buf_span(&t->facts)));
    assert_look_wa(&t->r, "SELECT push_name FROM whatsmeow_contacts", "Alice");
}

/* ---- our own name ---- */

static void learn(struct told *t, const char *name, enum own_name_source source)
{
    OK(own_name_learned(&t->r.b, span_cstr(name), source));
    OK(batch_commit(&t->r.b));
}

static void the_stronger_source_of_our_name_counts(void **state)
{
    struct told *t = *state;
    struct config config = {.phone = {0}};
    char name[STORE_NAME_MAX + 1], desk[] = "Desk 9", long_name[600];
    static const struct {
        const char *name;
        enum own_name_source source;
        const char *then;
    } steps[] = {
        {"-", OWN_NAME_NOTIFY, ""},
        {"", OWN_NAME_HISTORY, ""},
        {"Bad \xff", OWN_NAME_PHONE, ""},
        {"@ @", OWN_NAME_PHONE, ""}, /* nothing of it can be announced */
        {" \x01\xe2\x80\xae \xc2\x85", OWN_NAME_PHONE, ""},
        {"Notify", OWN_NAME_NOTIFY, "Notify"},
        {"Other", OWN_NAME_NOTIFY, "Other"},
        {"Business", OWN_NAME_BUSINESS, "Business"},
        {"Late", OWN_NAME_NOTIFY, "Business"},
        {"History", OWN_NAME_HISTORY, "History"},
        {"Business", OWN_NAME_BUSINESS, "History"},
        {"Phone", OWN_NAME_PHONE, "Phone"},
        {"History", OWN_NAME_HISTORY, "Phone"},
        {"Renamed", OWN_NAME_PHONE, "Renamed"},
        {"  De\x01pot\n \xe2\x80\xaeN\xc3\xa4me \xef\xbb\xbf", OWN_NAME_PHONE, "Depot N\xc3\xa4me"},
    };

    OK(store_account_push_name_set(t->r.f.s, ""));
    t->r.b.config = &config;
    assert_int_equal(own_name_get(&t->r.b, name), OWN_NAME_UNKNOWN);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        learn(t, steps[i].name, steps[i].source);
        own_name_get(&t->r.b, name);
        assert_string_equal(name, steps[i].then);
    }
    config.push_name = desk;
    assert_int_equal(own_name_get(&t->r.b, name), OWN_NAME_SETTING);
    assert_string_equal(name, "Desk 9");
    config.push_name = NULL;
    /* What another program has written in the file is the phone's word for us. */
    OK(store_account_push_name_set(t->r.f.s, "Whatsmeow"));
    learn(t, "History", OWN_NAME_HISTORY);
    assert_int_equal(own_name_get(&t->r.b, name), OWN_NAME_PHONE);
    assert_string_equal(name, "Whatsmeow");
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    learn(t, long_name, OWN_NAME_PHONE);
    own_name_get(&t->r.b, name);
    assert_int_equal(strlen(name), STORE_NAME_MAX);
    t->r.b.config = NULL;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_token_is_found_under_both_addresses),
        T(chats_make_acquaintances),
        T(a_pair_that_is_known_stays),
        T(the_salt_fills_in_where_nothing_is),
        T(names_and_our_own),
        T(many_are_stored_in_slices),
        T(what_finds_no_room_is_left_out),
        T(the_stronger_source_of_our_name_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
