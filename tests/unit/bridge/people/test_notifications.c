/* What notifications change (P-NT-04, P-NT-06..10, P-NT-13, P-NT-15, P-GR-14..17). */
#include "bridge/people/identity_change.h"
#include "tests/unit/bridge/people_fixture.h"

#include "bridge/people/identity.h"
#include "bridge/people/phash.h"
#include "bridge/send/out_queue.h"
#include "crypto/signal.h"
#include "store/messages/messages.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"
#include "store/session/signal_store.h"
#include "store/session/tokens.h"

#define GROUP_JID "120363000000000001@g.us"

static struct store_group stored(struct desk *d)
{
    struct jid j = J(GROUP_JID);
    struct store_group g;

    OK(store_group_get(d->b.store, &j, &d->arena, &g));
    return g;
}

static void put_group(struct desk *d)
{
    OK(group_info_store(
        &d->b,
        xml(d, "<group id='120363000000000001' subject='Trade desk' addressing_mode='lid'"
               " p_v_id='17'>"
               "<participant jid='900001@lid' phone_number='27820000001@s.whatsapp.net'/>"
               "<participant jid='900002@lid' phone_number='27820000002@s.whatsapp.net'/>"
               "</group>"),
        &d->arena, NULL));
}

static const struct store_group_member *member(const struct store_group *g, const char *jid)
{
    struct jid j = J(jid);

    for (size_t i = 0; i < g->nmembers; i++)
        if (jid_eq(&g->members[i].lid, &j) || jid_eq(&g->members[i].pn, &j))
            return &g->members[i];
    return NULL;
}

#define GP2(children)                                                                              \
    "<notification type='w:gp2' id='1' from='" GROUP_JID "' t='1790000000'>" children              \
    "</notification>"

static void members_come_and_go(void **state)
{
    struct desk *d = *state;

    put_group(d);
    OK(desk_notify(d, GP2("<add v_id='18' prev_v_id='17'><participant jid='900003@lid'"
                          " phone_number='27820000003@s.whatsapp.net'/><participant/></add>")));
    struct store_group g = stored(d);
    assert_int_equal(g.nmembers, 3);
    assert_string_equal(g.version, "18");
    assert_true(g.updated_at > 0);
    struct jid pn = J("27820000003@s.whatsapp.net"), lid;
    OK(store_lid_of_pn(d->b.store, &pn, &lid));
    OK(desk_notify(d, GP2("<promote v_id='19' prev_v_id='18'>"
                          "<participant jid='900003@lid'/></promote>")));
    g = stored(d);
    assert_int_equal(member(&g, "900003@lid")->rank, STORE_ADMIN);
    OK(desk_notify(d, GP2("<demote v_id='20' prev_v_id='19'>"
                          "<participant jid='900003@lid' type='admin'/></demote>")));
    g = stored(d);
    assert_int_equal(member(&g, "27820000003@s.whatsapp.net")->rank, STORE_MEMBER);
    /* Version 21 was missed: the group is asked for before it is used. */
    OK(desk_notify(d, GP2("<remove v_id='22' prev_v_id='21'>"
                          "<participant jid='900002@lid'/></remove>")));
    g = stored(d);
    assert_int_equal(g.nmembers, 2);
    assert_null(member(&g, "900002@lid"));
    assert_int_equal(g.updated_at, 0);
    assert_false(g.left);
}

static void we_are_removed(void **state)
{
    struct desk *d = *state;
    static const char *const forms[] = {"900001@lid", "27820000001@s.whatsapp.net"};

    for (size_t i = 0; i < 2; i++) {
        char text[512];

        put_group(d);
        assert_false(stored(d).left);
        snprintf(text, sizeof text, GP2("<remove><participant jid='%s'/></remove>"), forms[i]);
        OK(desk_notify(d, text));
        assert_true(stored(d).left);
        snprintf(text, sizeof text, GP2("<add><participant jid='%s'/></add>"), forms[i]);
        OK(desk_notify(d, text));
        assert_false(stored(d).left);
        assert_int_equal(stored(d).updated_at, 0);
    }
    OK(desk_notify(d, GP2("<delete reason='x'/>")));
    assert_true(stored(d).left);
    assert_none_sent(d);
}

static void settings_change(void **state)
{
    struct desk *d = *state;
    struct store_chat chat;
    struct jid group = J(GROUP_JID);

    put_group(d);
    OK(desk_notify(d, GP2("<subject subject='New name' s_t='1'/><announcement v_id='1'/>"
                          "<ephemeral expiration='604800'/><locked/><unheard_of/>")));
    struct store_group g = stored(d);
    assert_string_equal(g.subject, "New name");
    assert_true(g.announce);
    assert_int_equal(g.ephemeral_s, 604800);
    assert_int_equal(g.nmembers, 2);
    OK(store_chat_get(d->b.store, &group, &chat));
    assert_string_equal(chat.name, "New name");
    OK(desk_notify(d, GP2("<not_announcement/><not_ephemeral/>")));
    g = stored(d);
    assert_false(g.announce);
    assert_int_equal(g.ephemeral_s, 0);
    OK(desk_notify(d, GP2("<modify><participant jid='900005@lid'/></modify>")));
    assert_int_equal(stored(d).updated_at, 0);
}

/* P-X2-02: a notification that shows another addressing than the known one puts the group in doubt,
 * unless it is older than what is known, and not more than once an hour. */
static void another_addressing_puts_the_group_in_doubt(void **state)
{
#define SHOWN(mode, t)                                                                             \
    "<notification type='w:gp2' id='1' from='" GROUP_JID "' t='" t "' addressing_mode='" mode      \
    "'><locked/></notification>"
    struct desk *d = *state;

    put_group(d);
    OK(desk_notify(d, SHOWN("lid", "1790000000")));
    assert_int_equal(stored(d).updated_at, 1790000000);
    OK(desk_notify(d, SHOWN("pn", "1789999999")));
    assert_int_equal(stored(d).updated_at, 1790000000);
    OK(desk_notify(d, SHOWN("pn", "1790000000")));
    assert_int_equal(stored(d).updated_at, 0);
    put_group(d); /* it was asked for, and the server goes on showing the other one */
    OK(desk_notify(d, SHOWN("pn", "1790000000")));
    assert_int_equal(stored(d).updated_at, 1790000000);
    assert_none_sent(d);
#undef SHOWN
}

static void a_group_joins_and_leaves_a_community(void **state)
{
    struct desk *d = *state;
    struct jid parent = J("120363000000000009@g.us");
    struct store_group g;

    put_group(d);
    OK(desk_notify(d, GP2("<link link_type='parent_group'><group jid='120363000000000009@g.us'"
                          " subject='All'/></link>")));
    g = stored(d);
    assert_true(jid_eq(&g.parent, &parent));
    OK(desk_notify(d, GP2("<unlink unlink_type='parent_group' unlink_reason='unlink_group'>"
                          "<group jid='120363000000000009@g.us'/></unlink>")));
    g = stored(d);
    assert_true(jid_is_none(&g.parent));
    /* It is a community itself. */
    OK(desk_notify(d, GP2("<link link_type='sub_group'><group id='120363000000000007'>"
                          "<default_sub_group/></group></link>")));
    assert_int_equal(stored(d).kind, STORE_GROUP_COMMUNITY);
    OK(desk_notify(d, GP2("<link link_type='sub_group'/><link link_type='parent_group'><group "
                          "jid='1@lid'/></link><unlink unlink_type='sibling_group'><group "
                          "jid='120363000000000009@g.us'/></unlink>")));
    assert_int_equal(stored(d).kind, STORE_GROUP_COMMUNITY);
    assert_none_sent(d);
}

static void a_new_group_appears(void **state)
{
    struct desk *d = *state;

    OK(desk_notify(d, GP2("<create type='new'><group id='120363000000000001' subject='Fresh'>"
                          "<participant jid='27820000001@s.whatsapp.net' type='superadmin'/>"
                          "</group></create>")));
    assert_string_equal(stored(d).subject, "Fresh");
    OK(desk_notify(d, GP2("<create/>"))); /* odd, but answered */
    assert_none_sent(d);
}

static void an_unknown_group_is_looked_at(void **state)
{
    struct desk *d = *state;

    OK(desk_notify(d, GP2("<subject subject='Who?'/><add><participant jid='900002@lid'/></add>")));
    struct node *iq = desk_sent(d);
    assert_none_sent(d);
    assert_true(node_attr_is(iq, "to", GROUP_JID));
    desk_reply(d, iq, "result",
               xml(d, "<group id='120363000000000001' subject='Found'>"
                      "<participant jid='27820000001@s.whatsapp.net'/></group>"));
    assert_string_equal(stored(d).subject, "Found");
    assert_int_equal(
        desk_notify(d, "<notification type='w:gp2' from='900002@lid'><delete/></notification>"),
        WB_ERR_MALFORMED);
}

/* ---- devices ---- */

static void put_devices(struct desk *d, const char *user, unsigned n)
{
    struct store_device devices[8] = {0};
    struct store_device_list list = {.devices = devices, .n = n, .checked_at = 1};
    struct jid j = J(user);

    for (unsigned i = 0; i < n; i++)
        devices[i].id = (uint16_t)i;
    OK(store_devices_put(d->b.store, &j, &list));
}

/* Number of devices cached, -1 when there is no list. */
static int cached(struct desk *d, const char *user)
{
    struct jid j = J(user);
    struct store_device_list list;

    return store_devices_get(d->b.store, &j, &d->arena, &list) == WB_OK ? (int)list.n : -1;
}

static const char *hash(struct desk *d, const char *user, unsigned n)
{
    struct jid devices[8];
    char *text = arena_alloc(&d->arena, PHASH_TEXT_BYTES);

    for (unsigned i = 0; i < n; i++)
        devices[i] = jid_with_device(J(user), (uint16_t)i);
    OK(phash_of(devices, n, text));
    return text;
}

static void put_session(struct desk *d, const char *device)
{
    struct jid j = J(device);
    struct signal_session *s = signal_session_new();
    struct signal_local local = {.identity = d->account.keys.identity, .registration_id = 77};
    struct device_keys k;
    struct signal_bundle bundle = {.registration_id = 9, .signed_prekey_id = 1};

    OK(device_keys_generate(&d->rng, &k));
    memcpy(bundle.identity, k.identity.pub, 32);
    memcpy(bundle.signed_prekey, k.signed_prekey.pub, 32);
    memcpy(bundle.signed_prekey_sig, k.signed_prekey_sig, 64);
    OK(signal_session_start(s, &local, &bundle, &d->rng));
    OK(store_session_save(d->b.store, &j, s));
    OK(store_identity_put(d->b.store, &j, bundle.identity));
}

static bool has_session(struct desk *d, const char *device)
{
    struct jid j = J(device);
    bool yes;

    OK(store_session_has(d->b.store, &j, &yes));
    return yes;
}

#define PN  "27820000002@s.whatsapp.net"
#define LID "900002@lid"

static void notify_devices(struct desk *d, const char *what, unsigned device, const char *pn_hash,
                           const char *lid_hash)
{
    char text[1024];

    snprintf(text, sizeof text,
             "<notification type='devices' id='1' from='" PN "' lid='" LID "'>"
             "<%s device_hash='%s' device_lid_hash='%s'>"
             "<device jid='27820000002:%u@s.whatsapp.net' lid='900002:%u@lid' key-index='3'/>"
             "</%s></notification>",
             what, pn_hash, lid_hash, device, device, what);
    OK(desk_notify(d, text));
}

static void device_lists_follow(void **state)
{
    struct desk *d = *state;
    struct jid pn = J(PN), lid;

    notify_devices(d, "add", 2, "2:x", "2:x"); /* nothing cached: nothing to follow */
    assert_int_equal(cached(d, LID), -1);
    OK(store_lid_of_pn(d->b.store, &pn, &lid)); /* but the pair is learned */
    put_devices(d, PN, 2);
    put_devices(d, LID, 2);
    notify_devices(d, "add", 2, hash(d, PN, 3), hash(d, LID, 3));
    assert_int_equal(cached(d, PN), 3);
    assert_int_equal(cached(d, LID), 3);
    notify_devices(d, "remove", 2, hash(d, PN, 2), "2:other");
    assert_int_equal(cached(d, PN), 2);
    assert_int_equal(cached(d, LID), -1); /* asked for again */
    put_devices(d, LID, 2);
    OK(desk_notify(d, "<notification type='devices' from='" PN "'><update hash='abc'/>"
                      "</notification>"));
    assert_int_equal(cached(d, PN), -1);
    assert_int_equal(cached(d, LID), -1);
}

static void removed_devices_lose_everything(void **state)
{
    struct desk *d = *state;
    struct jid group = J(GROUP_JID), gone = J("900002:1@lid"), stays = J(LID);
    struct jid both[] = {gone, stays};
    bool missing[2];
    size_t others = 0;

    put_devices(d, LID, 2);
    put_session(d, "900002:1@lid");
    put_session(d, LID);
    OK(store_skdm_mark(d->b.store, &group, 5, both, 2));
    notify_devices(d, "remove", 1, hash(d, PN, 1), hash(d, LID, 1));
    assert_false(has_session(d, "900002:1@lid"));
    assert_true(has_session(d, LID));
    OK(store_skdm_others(d->b.store, &group, 5, &stays, 1, &others));
    assert_int_equal(others, 1); /* the key must change */
    /* Also when a device of that number comes back: it is somebody new. */
    OK(store_skdm_missing(d->b.store, &group, 5, both, 2, missing));
    assert_true(missing[0] && !missing[1]);
    OK(store_skdm_others(d->b.store, &group, 5, both, 2, &others));
    assert_int_equal(others, 1);
    /* Nobody can remove the devices of another person, nor a phone. */
    put_session(d, "900003:1@lid");
    OK(desk_notify(d, "<notification type='devices' from='" LID "'><remove device_hash='2:x'>"
                      "<device jid='900003:1@lid'/><device jid='" LID "'/></remove>"
                      "</notification>"));
    assert_true(has_session(d, "900003:1@lid"));
    assert_true(has_session(d, LID));
}

static void our_own_devices_follow(void **state)
{
    struct desk *d = *state;
    char text[1024];

    put_devices(d, "900001@lid", 3);
    put_session(d, "900001:2@lid");
    snprintf(text, sizeof text,
             "<notification type='account_sync' from='27820000001@s.whatsapp.net' pushname='Desk'>"
             "<devices dhash='%s'><device jid='27820000001@s.whatsapp.net'/>"
             "<device jid='27820000001:1@s.whatsapp.net' key-index='4'/></devices></notification>",
             hash(d, "27820000001@s.whatsapp.net", 2));
    OK(desk_notify(d, text));
    assert_int_equal(cached(d, "27820000001@s.whatsapp.net"), 2);
    assert_int_equal(cached(d, "900001@lid"), 2);
    assert_false(has_session(d, "900001:2@lid"));
    struct account a;
    OK(store_account_load(d->b.store, "27820000001", &a));
    assert_string_equal(a.push_name, "Desk");
    assert_memory_equal(a.keys.identity.pub, d->account.keys.identity.pub, 32);
    account_wipe(&a);
    OK(desk_notify(d, "<notification type='account_sync' from='900001@lid'><devices dhash='2:no'>"
                      "<device jid='900001@lid'/></devices></notification>"));
    assert_int_equal(cached(d, "27820000001@s.whatsapp.net"), -1);
    assert_int_equal(cached(d, "900001@lid"), -1);
    assert_int_equal(desk_notify(d, "<notification type='account_sync' from='900002@lid'>"
                                    "<devices dhash='2:no'/></notification>"),
                     WB_ERR_MALFORMED);
}

/* The server says it in its own name: then the devices tell whose list it is. */
static void our_own_devices_follow_when_the_server_tells(void **state)
{
    struct desk *d = *state;
    char text[1024];

    put_devices(d, "900001@lid", 3);
    put_session(d, "900001:2@lid");
    snprintf(text, sizeof text,
             "<notification type='account_sync' from='s.whatsapp.net'>"
             "<devices dhash='%s'><device jid='27820000001@s.whatsapp.net'/>"
             "<device jid='27820000001:1@s.whatsapp.net' key-index='4'/></devices></notification>",
             hash(d, "27820000001@s.whatsapp.net", 2));
    OK(desk_notify(d, text));
    assert_int_equal(cached(d, "27820000001@s.whatsapp.net"), 2);
    assert_int_equal(cached(d, "900001@lid"), 2);
    assert_false(has_session(d, "900001:2@lid"));
    /* Without its devices, or with those of somebody else, it says only that ours is old. */
    for (size_t i = 0; i < 2; i++) {
        put_devices(d, "27820000001@s.whatsapp.net", 2);
        put_devices(d, "900001@lid", 2);
        OK(desk_notify(d, i ? "<notification type='account_sync' from='s.whatsapp.net'>"
                              "<devices dhash='2:x'><device jid='900002@lid'/></devices>"
                              "</notification>"
                            : "<notification type='account_sync' from='s.whatsapp.net'>"
                              "<devices dhash='2:x'/></notification>"));
        assert_int_equal(cached(d, "27820000001@s.whatsapp.net"), -1);
        assert_int_equal(cached(d, "900001@lid"), -1);
    }
    assert_int_equal(desk_notify(d, "<notification type='account_sync' from='g.us'>"
                                    "<devices dhash='2:no'/></notification>"),
                     WB_ERR_MALFORMED);
}

static void a_reinstalled_phone_starts_anew(void **state)
{
    struct desk *d = *state;
    struct jid pn = J(PN), lid = J(LID), other = J("900003@lid");
    uint8_t identity[32];

    OK(identity_learn(&d->b, &pn, &lid));
    put_session(d, LID);
    put_session(d, "900002:4@lid");
    put_session(d, "900003@lid");
    put_devices(d, LID, 2);
    OK(desk_notify(d, "<notification type='encrypt' from='" PN "'><identity/></notification>"));
    assert_false(has_session(d, LID));
    assert_false(has_session(d, "900002:4@lid"));
    assert_int_equal(store_identity_get(d->b.store, &lid, identity), WB_ERR_NOT_FOUND);
    assert_int_equal(cached(d, LID), -1);
    assert_true(has_session(d, "900003@lid"));
    OK(store_identity_get(d->b.store, &other, identity));
}

/* The token that we gave them was on that phone. */
static void a_reinstalled_phone_gets_our_token_again(void **state)
{
    struct desk *d = *state;
    struct jid pn = J(PN), lid = J(LID);
    int64_t issued = d->now_ms / 1000 - 86400;

    OK(identity_learn(&d->b, &pn, &lid));
    OK(desk_notify(d, "<notification type='encrypt' from='" PN "'><identity/></notification>"));
    assert_none_sent(d); /* none was given */
    OK(store_token_issued_put(d->b.store, &lid, issued));
    OK(desk_notify(d, "<notification type='encrypt' from='" PN "'><identity/></notification>"));
    const struct node *token = node_child(node_child(desk_sent(d), "tokens"), "token");
    uint64_t t;
    assert_true(node_attr_is(token, "jid", LID));
    assert_true(node_attr_get_u64(token, "t", &t));
    assert_int_equal(t, issued);
    iq_fail_all(&d->b.iq, WB_ERR_NET);
}

/* The new installation's first message came before the server's notification about it. */
static void a_new_installation_that_is_known_gets_our_token_too(void **state)
{
    struct desk *d = *state;
    struct jid pn = J(PN), lid = J(LID);
    uint8_t identity[X25519_KEY_BYTES] = {1}, got[X25519_KEY_BYTES];
    const int64_t now = d->now_ms / 1000;
    char told[200];

    OK(identity_learn(&d->b, &pn, &lid));
    OK(identity_note(&d->b, &lid, identity, now, NULL));
    identity[0] = 2;
    OK(identity_note(&d->b, &lid, identity, now, NULL));
    OK(store_token_issued_put(d->b.store, &lid, now - 86400));
    snprintf(told, sizeof told,
             "<notification type='encrypt' from='" PN "' t='%lld'><identity/></notification>",
             (long long)now - 5);
    OK(desk_notify(d, told));
    OK(store_identity_get(d->b.store, &lid, got)); /* stays */
    const struct node *token = node_child(node_child(desk_sent(d), "tokens"), "token");
    assert_true(node_attr_is(token, "jid", LID));
    iq_fail_all(&d->b.iq, WB_ERR_NET);
}

static void keeps_tokens(void **state)
{
    struct desk *d = *state;
    struct jid lid = J(LID), pn = J(PN), known;
    struct buf token = buf_new(256);
    int64_t now = d->now_ms / 1000;

    OK(desk_notify(d, "<notification type='privacy_token' from='" PN "' sender_lid='" LID "'>"
                      "<tokens><token type='trusted_contact' t='1789999000'>tok1</token>"
                      "<token type='other' t='1789999999'>no</token>"
                      "<token type='trusted_contact' t='1'>old</token></tokens></notification>"));
    OK(store_token_get(d->b.store, &lid, now, &token));
    assert_true(span_eq_cstr(buf_span(&token), "tok1"));
    OK(store_lid_of_pn(d->b.store, &pn, &known));
    /* One of the far future is of now, and makes room for those that come later. */
    OK(desk_notify(d, "<notification type='privacy_token' from='" PN "'><tokens>"
                      "<token type='trusted_contact' t='9000000000000000000'>far</token>"
                      "</tokens></notification>"));
    d->now_ms += 1000;
    OK(desk_notify(d, "<notification type='privacy_token' from='" PN "'><tokens>"
                      "<token type='trusted_contact' t='1790000001'>tok2</token>"
                      "</tokens></notification>"));
    buf_clear(&token);
    OK(store_token_get(d->b.store, &lid, now, &token));
    assert_true(span_eq_cstr(buf_span(&token), "tok2"));
    buf_free(&token);
    assert_int_equal(desk_notify(d, "<notification type='privacy_token' from='" PN "'/>"),
                     WB_ERR_MALFORMED);
}

static void numbers_change(void **state)
{
    struct desk *d = *state;
    struct jid old = J(PN), now = J("27820000022@s.whatsapp.net"), lid = J(LID), got;

    OK(identity_learn(&d->b, &old, &lid));
    OK(desk_notify(d,
                   "<notification type='contacts' from='" PN "'><modify old='" PN "' old_lid='" LID
                   "' new='27820000022@s.whatsapp.net' new_lid='" LID "'/></notification>"));
    OK(store_pn_of_lid(d->b.store, &lid, &got));
    assert_true(jid_eq(&got, &now));
    assert_int_equal(store_lid_of_pn(d->b.store, &old, &got), WB_ERR_NOT_FOUND);
}

static void other_types_pass(void **state)
{
    struct desk *d = *state;
    struct jid lid = J(LID), pn;

    OK(desk_notify(d, "<notification type='server_sync' from='s.whatsapp.net'>"
                      "<collection name='regular' version='3'/></notification>"));
    OK(desk_notify(d, "<notification type='unheard_of' from='" GROUP_JID "' participant='" LID
                      "' participant_pn='" PN "'/>"));
    OK(store_pn_of_lid(d->b.store, &lid, &pn)); /* pairs are learned from any of them */
    OK(desk_notify(d, "<notification/>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)
        TEST(members_come_and_go),
        TEST(we_are_removed),
        TEST(settings_change),
        TEST(another_addressing_puts_the_group_in_doubt),
        TEST(a_group_joins_and_leaves_a_community),
        TEST(a_new_group_appears),
        TEST(an_unknown_group_is_looked_at),
        TEST(device_lists_follow),
        TEST(removed_devices_lose_everything),
        TEST(our_own_devices_follow),
        TEST(our_own_devices_follow_when_the_server_tells),
        TEST(a_reinstalled_phone_starts_anew),
        TEST(a_reinstalled_phone_gets_our_token_again),
        TEST(a_new_installation_that_is_known_gets_our_token_too),
        TEST(keeps_tokens),
        TEST(numbers_change),
        TEST(other_types_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
