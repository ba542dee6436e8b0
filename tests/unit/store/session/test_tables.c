/* The smaller tables: devices, groups, contacts, tokens, retries, app state. */
#include "tests/unit/store/store_fixture.h"

#include "store/core/state.h"
#include "store/messages/contacts.h"
#include "store/session/appstate_store.h"
#include "store/session/devices.h"
#include "store/session/groups.h"
#include "store/session/lid_map.h"
#include "store/session/retry.h"
#include "store/session/signal_store.h"
#include "store/session/tokens.h"

#define GROUP "120363000000000001@g.us"

static void know(struct fixture *f, const char *lid, const char *pn)
{
    struct jid l = J(lid), p = J(pn);

    OK(store_lid_put(f->s, &l, &p, NULL));
}

static void device_lists(void **state)
{
    (void)state;
    struct fixture f;
    struct arena a = arena_new(1 << 20);
    struct jid user = J("888:4@lid");
    struct store_device devices[3] = {{0, 0, false}, {17, 4294967295U, false}, {99, 3, true}};
    struct store_device_list got, list = {devices, 3, "2:abc", 1790000000};
    fixture_ready(&f);
    assert_int_equal(store_devices_get(f.s, &user, &a, &got), WB_ERR_NOT_FOUND);
    OK(store_devices_put(f.s, &user, &list));
    struct jid bare = J("888@lid");
    OK(store_devices_get(f.s, &bare, &a, &got));
    assert_int_equal(got.n, 3);
    assert_int_equal(got.devices[1].id, 17);
    assert_int_equal(got.devices[1].key_index, 4294967295U);
    assert_true(got.devices[2].hosted && !got.devices[1].hosted);
    assert_string_equal(got.hash, "2:abc");
    assert_int_equal(got.checked_at, 1790000000);
    list.n = 0;
    OK(store_devices_put(f.s, &user, &list));
    OK(store_devices_get(f.s, &bare, &a, &got));
    assert_int_equal(got.n, 0);
    list.n = STORE_DEVICES_MAX + 1;
    assert_int_equal(store_devices_put(f.s, &user, &list), WB_ERR_TOO_LARGE);
    OK(store_commit(f.s));
    poke_sql(f.wa, "UPDATE bridge_devices SET devices = '0:0,x'");
    assert_int_equal(store_devices_get(f.s, &bare, &a, &got), WB_ERR_NOT_FOUND);
    OK(store_devices_drop(f.s, &bare));
    arena_free(&a);
    fixture_free(&f);
}

static void sender_key_memory(void **state)
{
    (void)state;
    struct fixture f;
    struct jid g = J(GROUP), d[3] = {J("888:0@lid"), J("888:3@lid"), J("999:0@lid")};
    struct jid twice[4] = {d[2], d[1], d[1], d[0]};
    bool missing[4];
    size_t others = 9;
    fixture_ready(&f);
    OK(store_skdm_mark(f.s, &g, 7, d, 2));
    OK(store_skdm_missing(f.s, &g, 7, d, 3, missing));
    assert_true(!missing[0] && !missing[1] && missing[2]);
    OK(store_skdm_missing(f.s, &g, 7, twice, 4, missing));
    assert_true(missing[0] && !missing[1] && !missing[2] && !missing[3]);
    OK(store_skdm_missing(f.s, &g, 8, d, 1, missing)); /* another key: nobody has it */
    assert_true(missing[0]);
    OK(store_skdm_others(f.s, &g, 7, d, 2, &others));
    assert_int_equal(others, 0);
    OK(store_skdm_others(f.s, &g, 7, d + 1, 2, &others)); /* 888:0 is no longer a member */
    assert_int_equal(others, 1);
    fixture_free(&f);
}

/* What a message of ours gives is not theirs before the message was accepted. */
static void a_key_on_its_way(void **state)
{
    (void)state;
    struct fixture f;
    struct jid g = J(GROUP), d[3] = {J("888:0@lid"), J("888:3@lid"), J("999:0@lid")};
    bool missing[3];
    size_t others = 9;
    fixture_ready(&f);
    OK(store_skdm_mark(f.s, &g, 6, d, 3)); /* of the key before */
    OK(store_skdm_carry(f.s, &g, 7, d, 2, "M1"));
    OK(store_skdm_missing(f.s, &g, 7, d, 3, missing));
    assert_true(missing[0] && missing[1] && missing[2]);
    OK(store_skdm_others(f.s, &g, 7, d + 1, 2, &others)); /* may have read it all the same */
    assert_int_equal(others, 1);
    OK(store_skdm_others(f.s, &g, 6, d, 0, &others));
    assert_int_equal(others, 0);
    OK(store_skdm_carry(f.s, &g, 7, d + 1, 2, "M2"));
    OK(store_skdm_carried(f.s, &g, "M1")); /* says nothing of who was given it by M2 as well */
    OK(store_skdm_missing(f.s, &g, 7, d, 3, missing));
    assert_true(!missing[0] && missing[1] && missing[2]);
    OK(store_skdm_doubt_given(f.s, &g, &d[1]));
    OK(store_skdm_carried(f.s, &g, "M2"));
    OK(store_skdm_missing(f.s, &g, 7, d, 3, missing));
    assert_true(!missing[0] && missing[1] && !missing[2]);
    /* A device that is gone meanwhile does not come back with the ack. */
    OK(store_skdm_carry(f.s, &g, 7, d, 1, "M3"));
    OK(store_skdm_retire_device(f.s, &d[0]));
    OK(store_skdm_carried(f.s, &g, "M3"));
    OK(store_skdm_missing(f.s, &g, 7, d, 1, missing));
    assert_true(missing[0]);
    OK(store_skdm_carry(f.s, &g, 7, d + 2, 1, "M4"));
    OK(store_signal_forget_device(f.s, &d[2]));
    OK(store_skdm_carried(f.s, &g, "M4"));
    OK(store_skdm_missing(f.s, &g, 7, d + 2, 1, missing));
    assert_true(missing[0]);
    fixture_free(&f);
}

/* Who was given none does not get one by complaining. */
static void complaints_of_strangers(void **state)
{
    (void)state;
    struct fixture f;
    struct jid g = J(GROUP), d[2] = {J("888:0@lid"), J("999:0@lid")};
    size_t others = 9;
    fixture_ready(&f);
    OK(store_skdm_mark(f.s, &g, 7, d, 1));
    OK(store_skdm_doubt_given(f.s, &g, &d[1]));
    OK(store_skdm_others(f.s, &g, 7, d, 1, &others));
    assert_int_equal(others, 0);
    fixture_free(&f);
}

/* They have the key: whoever is not among the devices any more still counts. */
static void in_doubt_who_has_a_key(void **state)
{
    (void)state;
    struct fixture f;
    struct jid g = J(GROUP), d[3] = {J("888:0@lid"), J("888:3@lid"), J("999:0@lid")};
    bool missing[3];
    size_t others = 9;
    fixture_ready(&f);
    OK(store_skdm_mark(f.s, &g, 7, d, 2));
    OK(store_skdm_doubt_device(f.s, &g, 7, &d[0]));
    OK(store_skdm_doubt_device(f.s, &g, 7, &d[2])); /* was left out before */
    OK(store_skdm_missing(f.s, &g, 7, d, 3, missing));
    assert_true(missing[0] && !missing[1] && missing[2]);
    OK(store_skdm_others(f.s, &g, 7, d, 3, &others));
    assert_int_equal(others, 0);
    OK(store_skdm_others(f.s, &g, 7, d + 1, 1, &others));
    assert_int_equal(others, 2);
    OK(store_skdm_doubt_group(f.s, &g));
    OK(store_skdm_doubt_user(f.s, &d[0])); /* twice is once */
    OK(store_skdm_missing(f.s, &g, 7, d, 3, missing));
    assert_true(missing[0] && missing[1] && missing[2]);
    OK(store_skdm_others(f.s, &g, 7, d, 3, &others));
    assert_int_equal(others, 0);
    OK(store_skdm_mark(f.s, &g, 7, d, 3));
    OK(store_skdm_missing(f.s, &g, 7, d, 3, missing));
    assert_true(!missing[0] && !missing[1] && !missing[2]);
    OK(store_skdm_doubt_user(f.s, &d[0]));
    OK(store_skdm_missing(f.s, &g, 7, d, 3, missing));
    assert_true(missing[0] && missing[1] && !missing[2]);
    /* Gone, and its number given to another device: the key changes. */
    OK(store_skdm_retire_device(f.s, &d[0]));
    OK(store_skdm_others(f.s, &g, 7, d, 3, &others));
    assert_int_equal(others, 1);
    fixture_free(&f);
}

static void groups_and_members(void **state)
{
    (void)state;
    struct fixture f;
    struct arena a = arena_new(1 << 20);
    struct store_group *list = NULL, got;
    struct store_group_member m[2] = {{J("888@lid"), J("27820000009@s.whatsapp.net"), STORE_ADMIN},
                                      {{0}, J("27820000008@s.whatsapp.net"), STORE_MEMBER}};
    struct store_group g = {.jid = J(GROUP),
                            .subject = "Team",
                            .addressing = STORE_ADDRESSING_LID,
                            .ephemeral_s = 604800,
                            .announce = true,
                            .updated_at = 5,
                            .members = m,
                            .nmembers = 2};
    size_t n = 0;
    fixture_ready(&f);
    assert_int_equal(store_group_get(f.s, &g.jid, &a, &got), WB_ERR_NOT_FOUND);
    assert_int_equal(store_group_put_info(f.s, &g), WB_ERR_NOT_FOUND);
    assert_int_equal(store_group_member_put(f.s, &g.jid, &m[0]), WB_ERR_NOT_FOUND);
    OK(store_group_put(f.s, &g));
    OK(store_group_get(f.s, &g.jid, &a, &got));
    assert_int_equal(got.nmembers, 2);
    assert_true(got.announce && got.addressing == STORE_ADDRESSING_LID &&
                got.ephemeral_s == 604800);
    /* The LID of a member becomes known: one row, not two. */
    struct store_group_member known = {J("777@lid"), J("27820000008@s.whatsapp.net"), STORE_ADMIN};
    OK(store_group_member_put(f.s, &g.jid, &known));
    struct store_group_member promoted = {J("777@lid"), {0}, STORE_SUPERADMIN};
    OK(store_group_member_put(f.s, &g.jid, &promoted));
    OK(store_group_get(f.s, &g.jid, &a, &got));
    assert_int_equal(got.nmembers, 2);
    const struct store_group_member *x =
        strcmp(got.members[0].lid.user, "777") == 0 ? &got.members[0] : &got.members[1];
    assert_string_equal(x->pn.user, "27820000008");
    assert_int_equal(x->rank, STORE_SUPERADMIN);
    struct jid gone = J("27820000009:1@s.whatsapp.net");
    OK(store_group_member_remove(f.s, &g.jid, &gone));
    snprintf(g.subject, sizeof g.subject, "Other");
    OK(store_group_put_info(f.s, &g));
    OK(store_groups_list(f.s, &a, &list, &n));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].subject, "Other");
    assert_int_equal(list[0].nmembers, 1);
    m[1].pn = (struct jid){0};
    assert_int_equal(store_group_put(f.s, &g), WB_ERR_INVALID);
    OK(store_commit(f.s));
    arena_free(&a);
    fixture_free(&f);
}

static void contacts_of_two_identities(void **state)
{
    (void)state;
    struct fixture f;
    struct jid pn = J("27820000009:2@s.whatsapp.net"), lid = J("888@lid");
    struct store_contact c;
    bool changed = false;
    char longer[400];
    fixture_ready(&f);
    assert_int_equal(store_contact_get(f.s, &pn, &c), WB_ERR_NOT_FOUND);
    OK(store_contact_push_name(f.s, &lid, SPAN_LIT("Thandi"), &changed));
    assert_true(changed);
    OK(store_contact_push_name(f.s, &lid, SPAN_LIT("Thandi"), &changed));
    assert_false(changed);
    /* The address book's names: another program read them from app state. */
    OK(db_exec(&f.s->wa, "UPDATE whatsmeow_contacts SET first_name = 'T', full_name = 'Thandi M'"
                         " WHERE their_jid = '888@lid'"));
    know(&f, "888@lid", "27820000009@s.whatsapp.net");
    OK(store_contact_get(f.s, &pn, &c));
    assert_string_equal(c.push_name, "Thandi");
    assert_string_equal(c.full_name, "Thandi M");
    memset(longer, 'a', sizeof longer);
    OK(store_contact_business_name(f.s, &pn, SPAN(longer, sizeof longer), NULL));
    OK(store_contact_redacted_phone(f.s, &pn, SPAN_LIT("+27 .. 09")));
    OK(store_contact_get(f.s, &pn, &c));
    assert_int_equal(strlen(c.business_name), STORE_NAME_MAX);
    OK(store_contact_push_name(f.s, &lid, SPAN_LIT("\xff\xfe"), NULL)); /* not UTF-8 */
    OK(store_contact_get(f.s, &lid, &c));
    assert_string_equal(c.push_name, "");
    fixture_free(&f);
}

static void secrets_of_messages(void **state)
{
    (void)state;
    struct fixture f;
    struct jid pn = J("27820000009@s.whatsapp.net"), lid = J("888@lid");
    uint8_t secret[32] = {1, 2}, other[32] = {9}, out[32];
    fixture_ready(&f);
    OK(store_message_secret_put(f.s, &lid, &lid, SPAN_LIT("A1"), secret));
    OK(store_message_secret_put(f.s, &lid, &lid, SPAN_LIT("A1"), other)); /* the first one stays */
    assert_int_equal(store_message_secret_get(f.s, &pn, &pn, SPAN_LIT("A1"), out),
                     WB_ERR_NOT_FOUND);
    know(&f, "888@lid", "27820000009@s.whatsapp.net");
    OK(store_message_secret_get(f.s, &pn, &pn, SPAN_LIT("A1"), out));
    assert_memory_equal(out, secret, 32);
    fixture_free(&f);
}

static void tokens_by_buckets_of_a_week(void **state)
{
    (void)state;
    struct fixture f;
    struct buf out = buf_new(1000);
    struct jid pn = J("27820000009@s.whatsapp.net"), lid = J("888@lid");
    const int64_t week = STORE_TOKEN_BUCKET_S, bucket = 2900, now = bucket * week + 1000;
    int64_t at = 5;
    fixture_ready(&f);
    assert_int_equal(store_token_cutoff(now), (bucket - 3) * week);
    OK(store_token_put(f.s, &lid, SPAN_LIT("tok"), (bucket - 3) * week));
    OK(store_token_put(f.s, &lid, SPAN_LIT("old"), (bucket - 3) * week - 1));
    know(&f, "888@lid", "27820000009@s.whatsapp.net");
    OK(store_token_get(f.s, &pn, now, &out));
    assert_string_equal(buf_cstr(&out), "tok");
    assert_int_equal(store_token_get(f.s, &pn, now + week, &out), WB_ERR_NOT_FOUND);
    OK(store_token_issued_get(f.s, &pn, &at));
    assert_int_equal(at, 0);
    OK(store_token_issued_put(f.s, &lid, 77));
    OK(store_token_prune(f.s, now + week)); /* the token goes, what we issued stays known */
    OK(store_token_issued_get(f.s, &pn, &at));
    assert_int_equal(at, 77);
    assert_int_equal(store_token_get(f.s, &pn, now, &out), WB_ERR_NOT_FOUND);
    assert_int_equal(store_nct_salt_get(f.s, &out), WB_ERR_NOT_FOUND);
    OK(store_nct_salt_put(f.s, SPAN_LIT("one")));
    OK(store_nct_salt_put(f.s, SPAN_LIT("two")));
    buf_clear(&out);
    OK(store_nct_salt_get(f.s, &out));
    assert_string_equal(buf_cstr(&out), "two");
    buf_free(&out);
    fixture_free(&f);
}

static void sent_plaintexts_under_both_forms(void **state)
{
    (void)state;
    struct fixture f;
    bool more = true;
    struct arena a = arena_new(1 << 20);
    struct jid pn = J("27820000009@s.whatsapp.net"), lid = J("888:3@lid");
    struct span plain;
    fixture_ready(&f);
    OK(store_retry_sent_put(f.s, &pn, SPAN_LIT("M1"), SPAN_LIT("body"), 1000));
    assert_int_equal(store_retry_sent_get(f.s, &lid, SPAN_LIT("M1"), &a, &plain), WB_ERR_NOT_FOUND);
    know(&f, "888@lid", "27820000009@s.whatsapp.net");
    OK(store_retry_sent_get(f.s, &lid, SPAN_LIT("M1"), &a, &plain));
    assert_true(span_eq_cstr(plain, "body"));
    OK(store_retry_sent_prune(f.s, 1000, &more));
    OK(store_retry_sent_get(f.s, &pn, SPAN_LIT("M1"), &a, &plain));
    OK(store_retry_sent_prune(f.s, 1001, &more));
    assert_false(more);
    assert_int_equal(store_retry_sent_get(f.s, &pn, SPAN_LIT("M1"), &a, &plain), WB_ERR_NOT_FOUND);
    arena_free(&a);
    fixture_free(&f);
}

static void owed_retries_survive_a_restart(void **state)
{
    (void)state;
    struct fixture f;
    struct account acc;
    struct store_retry_owed got, o = {.id = "A1",
                                      .chat = J(GROUP),
                                      .sender = J("888:3@lid"),
                                      .stanza_from = J(GROUP),
                                      .participant = J("888:3@lid"),
                                      .count = 1,
                                      .timestamp = 100,
                                      .enc_type = "skmsg",
                                      .reason = "NO_SENDER_KEY"};
    bool any = false;
    fixture_ready(&f);
    OK(store_retry_owed_put(f.s, &o));
    o.count = 2;
    o.asked_at = 120;
    o.phone_asked = STORE_PHONE_ASKED;
    OK(store_retry_owed_put(f.s, &o));
    OK(store_commit(f.s));
    fixture_close(&f);
    fixture_open(&f);
    OK(store_account_load(f.s, NULL, &acc));
    OK(store_retry_owed_of_phone(f.s, STORE_PHONE_ASKED, 120, &got));
    assert_string_equal(got.id, "A1");
    assert_int_equal(got.count, 2);
    assert_true(got.phone_asked && jid_eq(&got.participant, &o.participant));
    assert_true(jid_is_none(&got.recipient));
    assert_string_equal(got.enc_type, "skmsg");
    assert_int_equal(store_retry_owed_of_phone(f.s, STORE_PHONE_ASKED, 119, &got),
                     WB_ERR_NOT_FOUND);
    OK(store_retry_owed_of_sender(f.s, 120, &got));
    OK(store_retry_owed_lost(f.s));
    OK(store_retry_owed_of_phone(f.s, STORE_PHONE_NOT_ASKED, 120, &got));
    /* The answer comes under the other identity, from another device. */
    know(&f, "888@lid", "27820000009@s.whatsapp.net");
    struct jid pn = J("27820000009:1@s.whatsapp.net");
    OK(store_retry_owed_get(f.s, &o.chat, &pn, SPAN_LIT("A1"), &got));
    OK(store_retry_owed_done(f.s, &o.chat, &pn, SPAN_LIT("A1")));
    OK(store_retry_owed_done(f.s, &o.chat, &pn, SPAN_LIT("A1")));
    OK(store_retry_owed_any(f.s, &any));
    assert_false(any);
    fixture_free(&f);
}

static void peers_requests_are_counted(void **state)
{
    (void)state;
    struct fixture f;
    struct jid d = J("888:3@lid");
    uint8_t key[32] = {5}, got[32];
    uint32_t count = 0;
    int64_t at = 1;
    bool more = true;
    fixture_ready(&f);
    OK(store_retry_peer_count(f.s, &d, SPAN_LIT("M1"), 10, &count));
    OK(store_retry_peer_count(f.s, &d, SPAN_LIT("M1"), 20, &count));
    assert_int_equal(count, 2);
    OK(store_retry_peer_count(f.s, &d, SPAN_LIT("M2"), 20, &count));
    assert_int_equal(count, 1);
    OK(store_retry_rebuild_get(f.s, &d, &at, got));
    assert_int_equal(at, 0);
    OK(store_retry_rebuild_put(f.s, &d, 30, key));
    OK(store_retry_rebuild_get(f.s, &d, &at, got));
    assert_int_equal(at, 30);
    assert_memory_equal(got, key, 32);
    OK(store_retry_peer_prune(f.s, 20, &more));
    OK(store_retry_peer_count(f.s, &d, SPAN_LIT("M1"), 20, &count));
    assert_int_equal(count, 3);
    OK(store_retry_peer_prune(f.s, 40, &more));
    assert_false(more);
    OK(store_retry_peer_count(f.s, &d, SPAN_LIT("M1"), 50, &count));
    assert_int_equal(count, 1);
    fixture_free(&f);
}

static void ciphertexts_seen(void **state)
{
    (void)state;
    struct fixture f;
    struct arena a = arena_new(1 << 16);
    uint8_t hash[32] = {4};
    struct span plain;
    bool more = false;
    fixture_ready(&f);
    assert_int_equal(store_event_get(f.s, hash, &a, &plain), WB_ERR_NOT_FOUND);
    OK(store_event_put(f.s, hash, SPAN_LIT("text"), 5, 5000));
    OK(store_event_get(f.s, hash, &a, &plain));
    assert_true(span_eq_cstr(plain, "text"));
    OK(store_event_clear(f.s, hash));
    OK(store_event_get(f.s, hash, &a, &plain));
    assert_null(plain.p);
    for (uint8_t i = 0; i < 2; i++) {
        for (int j = 0; j < STORE_PRUNE_ROWS; j++) {
            uint8_t other[32] = {7, i, (uint8_t)(j >> 8), (uint8_t)j};

            OK(store_event_put(f.s, other, SPAN_NULL, 6, 6000 + i));
        }
    }
    OK(store_event_prune(f.s, 5000, &more));
    assert_false(more);
    OK(store_event_get(f.s, hash, &a, &plain));
    OK(store_event_prune(f.s, 6001, &more));
    assert_true(more);
    OK(store_event_prune(f.s, 6001, &more));
    assert_false(more);
    assert_int_equal(store_event_get(f.s, hash, &a, &plain), WB_ERR_NOT_FOUND);
    arena_free(&a);
    fixture_free(&f);
}

static void app_state(void **state)
{
    (void)state;
    struct fixture f;
    struct store_appstate_key got, k = {.id = {0, 1, 2}, .id_n = 3, .timestamp_ms = 100};
    uint8_t hash[APPSTATE_HASH_BYTES] = {1}, out[APPSTATE_HASH_BYTES];
    uint8_t index[32] = {2}, value[32] = {3}, newer[32] = {4}, mac[32];
    uint64_t version = 0;
    fixture_ready(&f);
    k.data[0] = 1;
    OK(store_appstate_key_put(f.s, &k, SPAN_LIT("fp")));
    k.data[0] = 2;
    OK(store_appstate_key_put(f.s, &k, SPAN_NULL)); /* not newer */
    OK(store_appstate_key_get(f.s, SPAN(k.id, 3), &got));
    assert_int_equal(got.data[0], 1);
    k.timestamp_ms = 101;
    OK(store_appstate_key_put(f.s, &k, SPAN_NULL));
    OK(store_appstate_key_latest(f.s, &got));
    assert_int_equal(got.data[0], 2);
    assert_int_equal(store_appstate_version_get(f.s, "regular", &version, out), WB_ERR_NOT_FOUND);
    OK(store_appstate_version_put(f.s, "regular", 3, hash));
    OK(store_appstate_mac_put(f.s, "regular", 1, index, value));
    OK(store_appstate_mac_put(f.s, "regular", 3, index, newer));
    OK(store_appstate_mac_get(f.s, "regular", index, mac));
    assert_memory_equal(mac, newer, 32);
    OK(store_appstate_version_get(f.s, "regular", &version, out));
    assert_int_equal(version, 3);
    assert_memory_equal(out, hash, sizeof hash);
    OK(store_appstate_mac_delete(f.s, "regular", index));
    assert_int_equal(store_appstate_mac_get(f.s, "regular", index, mac), WB_ERR_NOT_FOUND);
    OK(store_appstate_mac_put(f.s, "regular", 3, index, newer));
    OK(store_commit(f.s));
    poke_sql(f.wa, "UPDATE whatsmeow_app_state_version SET version = 0"); /* P-DB-14 */
    assert_int_equal(store_appstate_version_get(f.s, "regular", &version, out), WB_ERR_NOT_FOUND);
    assert_int_equal(store_appstate_mac_get(f.s, "regular", index, mac), WB_ERR_NOT_FOUND);
    fixture_free(&f);
}

/* Before an account is there, nothing of an account can be asked. */
static void needs_an_account(void **state)
{
    (void)state;
    struct fixture f;
    struct jid j = J("888:1@lid");
    struct store_contact c;
    fixture_new(&f);
    fixture_open(&f);
    assert_int_equal(store_contact_get(f.s, &j, &c), WB_ERR_STATE);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_lists),
        cmocka_unit_test(sender_key_memory),
        cmocka_unit_test(a_key_on_its_way),
        cmocka_unit_test(complaints_of_strangers),
        cmocka_unit_test(in_doubt_who_has_a_key),
        cmocka_unit_test(groups_and_members),
        cmocka_unit_test(contacts_of_two_identities),
        cmocka_unit_test(secrets_of_messages),
        cmocka_unit_test(tokens_by_buckets_of_a_week),
        cmocka_unit_test(sent_plaintexts_under_both_forms),
        cmocka_unit_test(owed_retries_survive_a_restart),
        cmocka_unit_test(peers_requests_are_counted),
        cmocka_unit_test(ciphertexts_seen),
        cmocka_unit_test(app_state),
        cmocka_unit_test(needs_an_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
