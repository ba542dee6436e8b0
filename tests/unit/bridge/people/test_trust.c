/* Who may speak for our phone, and how people learn of a changed security code. */
#include "bridge/core/msgid.h"
#include "bridge/people/identity_change.h"
#include "bridge/sessions/device_notify.h"
#include "tests/unit/bridge/receive_people.h"

#include "bridge/people/device_sync.h"
#include "bridge/people/identity.h"
#include "bridge/people/trust.h"
#include "bridge/sessions/prekey_fetch.h"
#include "proto/pair_wire.h"
#include "proto/peer_wire.h"
#include "store/messages/messages.h"
#include "store/session/devices.h"
#include "store/session/identity_log.h"
#include "store/session/lid_map.h"
#include "store/session/signal_store.h"

#define OWN_LID "111000111@lid"
#define EVENTS  "SELECT count(*) FROM messages WHERE kind = 'event'"

/* ---- our phone ---- */

static void only_its_own_key_speaks_for_our_phone(void **state)
{
    static const char *const forms[] = {OWN_PHONE, OWN_LID};
    struct receiver *r = *state;

    for (size_t i = 0; i < 2; i++) {
        struct writer forger;
        struct node *n;
        char id[8];

        writer_init(&forger, (uint8_t)(20 + i));
        writer_start(&forger, r);
        snprintf(id, sizeof id, "F%zu", i);
        n = letter(r, &forger, forms[i], id, "I am your phone");
        receive(r, n);
        assert_int_equal(nsent, 1); /* the ack: nobody is asked for it again */
        has(sent[0], "<ack");
        hasnt(sent[0], "error");
        assert_int_equal(r->b.trust.foreign_keys, i + 1);
        writer_free(&forger);
    }
    assert_look(r, "SELECT count(*) FROM messages WHERE state = 'waiting' AND content = ''", "2");
    assert_look(r, "SELECT count(*) FROM messages WHERE content <> ''", "0");
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_identity_keys", "0");
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_sessions", "0");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "0");
}

/* Files of other programs may lack the account's key: the key that verifies its signature is it. */
static void without_the_accounts_key_its_signature_tells(void **state)
{
    struct receiver *r = *state;
    const struct x25519_pair phone = phone_identity_pair();
    const struct jid device = J(OWN_PHONE);
    struct account *a = &r->account;

    for (int hosted = 0; hosted < 2; hosted++) {
        memset(a->adv_account_sig_key, 0, sizeof a->adv_account_sig_key);
        OK(adv_make_account_signature(&phone, SPAN(a->adv_details, a->adv_details_n), hosted,
                                      a->keys.identity.pub, &r->f.rng, a->adv_account_sig));
        OK(trust_own(&r->b, &device, &device, phone.pub));
        assert_int_equal(trust_own(&r->b, &device, &device, a->keys.identity.pub),
                         WB_ERR_FOREIGN_IDENTITY);
    }
}

static void prekeys_of_our_phone_and_of_ourselves_are_known(void **state)
{
    struct receiver *r = *state;
    struct jid phone = J(OWN_LID), us = J("111000111:7@lid"), other = J("111000111:8@lid");
    const uint8_t *foreign = r->account.keys.noise.pub;

    OK(trust_own(&r->b, &phone, &phone, phone_identity_pair().pub));
    assert_int_equal(trust_own(&r->b, &phone, &phone, foreign), WB_ERR_FOREIGN_IDENTITY);
    OK(trust_own(&r->b, &us, &us, r->account.keys.identity.pub));
    assert_int_equal(trust_own(&r->b, &us, &us, foreign), WB_ERR_FOREIGN_IDENTITY);
    OK(trust_own(&r->b, &other, &other, foreign)); /* its account says who it is */
    assert_int_equal(r->b.trust.foreign_keys, 2);
}

/* Our number under somebody else's LID, or our LID with their number, would be another address
 * under which to speak for us. */
static void nobody_becomes_us_by_a_pair(void **state)
{
    struct receiver *r = *state;
    struct jid pn = J(OWN_PHONE), lid = J(OWN_LID), alice = J(ALICE), alice_lid = J(ALICE_LID);
    struct jid got;

    OK(identity_learn(&r->b, &lid, &pn));
    OK(identity_learn(&r->b, &alice_lid, &pn));
    OK(identity_learn(&r->b, &lid, &alice));
    OK(store_lid_of_pn(r->f.s, &pn, &got));
    assert_true(jid_same_user(&got, &lid));
    OK(identity_learn(&r->b, &alice_lid, &alice));
    OK(store_lid_of_pn(r->f.s, &alice, &got));
    assert_int_equal(r->b.trust.foreign_keys, 2);
}

/* An old file has our number only, until the login names our LID. */
static void until_the_login_nobody_is_our_lid(void **state)
{
    struct receiver *r = *state;
    struct jid pn = J(OWN_PHONE), lid = r->b.own_lid, alice_lid = J(ALICE_LID), got;

    r->b.own_lid = (struct jid){0};
    OK(identity_learn(&r->b, &alice_lid, &pn));
    OK(identity_learn(&r->b, &pn, &alice_lid));
    assert_int_equal(store_lid_of_pn(r->f.s, &pn, &got), WB_ERR_NOT_FOUND);
    assert_int_equal(r->b.trust.foreign_keys, 0); /* it may as well be true */
    r->b.own_lid = lid;
    OK(trust_pin_phone(&r->b));
    OK(store_lid_of_pn(r->f.s, &pn, &got));
    assert_true(jid_same_user(&got, &lid));
}

static void states_with_somebody_else_are_dropped_at_login(void **state)
{
    struct receiver *r = *state;
    struct jid phone = J(OWN_LID);
    struct signal_session *s;
    struct writer own, forger;
    uint8_t got[X25519_KEY_BYTES];

    writer_init(&own, PHONE_NUMBER);
    writer_start(&own, r);
    receive(r, letter(r, &own, OWN_LID, "P1", "from the phone"));
    /* As a program without the check would have left it: the forger is current, the phone archived.
     */
    writer_init(&forger, 20);
    OK(store_session_load(r->f.s, &phone, &s, NULL));
    signal_session_archive_current(s);
    s->current = signal_state_clone(s->archived[0]);
    memcpy(s->current->remote_identity, forger.local.identity.pub, 32);
    OK(store_session_save(r->f.s, &phone, s));
    OK(store_identity_put(r->f.s, &phone, forger.local.identity.pub));
    OK(trust_pin_phone(&r->b));
    OK(batch_commit(&r->b));
    OK(store_identity_get(r->f.s, &phone, got));
    assert_memory_equal(got, r->account.adv_account_sig_key, sizeof got);
    OK(store_session_load(r->f.s, &phone, &s, NULL));
    assert_null(s->current);
    assert_int_equal(s->narchived, 1);
    assert_memory_equal(s->archived[0]->remote_identity, own.local.identity.pub, 32);
    signal_session_free(s);
    /* Once more: nothing to be done. */
    r->b.trust.foreign_keys = 0;
    OK(trust_pin_phone(&r->b));
    assert_int_equal(r->b.trust.foreign_keys, 0);
    receive(r, letter(r, &own, OWN_LID, "P2", "still the phone"));
    assert_look(r, "SELECT content FROM messages WHERE id = 'P2'", "still the phone");
    writer_free(&own);
    writer_free(&forger);
}

static void other_linked_devices_hand_over_nothing(void **state)
{
    struct receiver *r = *state;
    uint8_t data[32] = {5};
    const struct app_state_key k = {.key_id = SPAN_LIT("\x01"), .key_data = SPAN_ARRAY(data)};
    const struct app_state_keys keys = {&k, 1};
    struct lid_mapping pair = {.pn = 27820000012, .assigned_lid = 333000333};
    const struct lid_mappings maps = {.pairs = &pair, .n = 1, .chat_db_timestamp = 1754000000};
    struct buf b = buf_new(1 << 16);
    struct writer tablet;

    writer_init(&tablet, 21);
    writer_start(&tablet, r);
    for (int i = 0; i < 2; i++) {
        struct node *n = stanza(r, "111000111:8@lid", i ? "T2" : "T1");

        node_attr_text(&r->arena, n, "category", "peer");
        if (i)
            OK(lid_mappings_encode(&maps, &b));
        else
            OK(app_state_keys_encode(&keys, &b));
        add_sealed(r, &tablet, n, keep(r, &b));
        b = buf_new(1 << 16);
        receive(r, n);
    }
    buf_free(&b);
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_app_state_sync_keys", "0");
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_lid_map WHERE pn = '27820000012'", "0");
    assert_look_wa(r, "SELECT lid_migration_ts FROM whatsmeow_device", "0");
    writer_free(&tablet);
}

/* ---- codes ---- */

static char told[8][64];
static size_t ntold;
static void note_told(void *ctx, const struct bridge_event *e)
{
    (void)ctx;
    assert_true(ntold < 8);
    jid_text(e->chat, told[ntold++]);
}

static void hear_trust(struct receiver *r)
{
    ntold = 0;
    OK(identity_news_new(&r->b, &r->b.identity_news));
    OK(events_on(&r->b.events, BRIDGE_EV_IDENTITY, note_told, r));
}

static void change_to(struct receiver *r, const char *who, uint8_t key)
{
    uint8_t identity[X25519_KEY_BYTES] = {key};
    struct jid j = J(who);
    bool changed;

    OK(identity_note(&r->b, &j, identity, fixture_time, &changed));
}

static void each_change_has_one_row_in_the_persons_chat(void **state)
{
    struct receiver *r = *state;
    struct jid lid = J(ALICE_LID), pn = J(ALICE);
    static const uint8_t keys[] = {1, 2, 2, 1, 2};
    struct store_identity_change c;

    hear_trust(r);
    OK(identity_learn(&r->b, &lid, &pn));
    for (size_t i = 0; i < sizeof keys; i++) {
        change_to(r, ALICE_LID, keys[i]);
        OK(batch_commit(&r->b));
    }
    assert_look(r, EVENTS, "3"); /* the first is no change, the third neither; back is one */
    assert_look(r, "SELECT count(DISTINCT id) FROM messages WHERE id LIKE 'event %'", "3");
    assert_look(r, "SELECT DISTINCT chat_jid||sender||content||summary||is_from_me FROM messages",
                ALICE "27820000011Security code with +27820000011 changed0");
    assert_look(r, "SELECT last_message_time IS NULL FROM chats", "1");
    OK(store_identity_change_get(r->f.s, &pn, &c)); /* under either form */
    assert_int_equal(c.changes, 3);
    assert_int_equal(c.changed_at, fixture_time);
    assert_int_equal(ntold, 3);
    assert_string_equal(told[2], ALICE);
    assert_int_equal(r->b.trust.codes_changed, 3);
    identity_news_free(r->b.identity_news);
}

/* As after a crash between the commits: messages.db has the row, whatsapp.db not the key. */
static void a_change_that_is_noted_again_has_its_row(void **state)
{
    struct receiver *r = *state;

    change_to(r, ALICE, 1);
    change_to(r, ALICE, 2);
    OK(store_commit(r->f.s));
    poke_sql(r->f.wa, "DELETE FROM bridge_identity_changes");
    poke_sql(r->f.wa, "UPDATE whatsmeow_identity_keys SET identity ="
                      " CAST(x'01' || zeroblob(31) AS BLOB)");
    receiver_restart(r);
    change_to(r, ALICE, 2);
    OK(store_commit(r->f.s));
    assert_look(r, EVENTS, "1");
    assert_look_wa(r, "SELECT changes FROM bridge_identity_changes", "1");
}

static void what_was_undone_is_not_told(void **state)
{
    struct receiver *r = *state;

    hear_trust(r);
    change_to(r, ALICE, 1);
    OK(batch_commit(&r->b));
    OK(store_mark(r->f.s));
    change_to(r, ALICE, 2);
    OK(store_mark_undo(r->f.s));
    change_to(r, BOB, 1);
    OK(batch_commit(&r->b));
    assert_int_equal(ntold, 0);
    assert_look(r, EVENTS, "0");
    identity_news_free(r->b.identity_news);
}

static void an_old_notification_does_not_forget_the_new_key(void **state)
{
    struct receiver *r = *state;
    struct jid alice = J(ALICE), bob = J(BOB);
    uint8_t got[X25519_KEY_BYTES];

    change_to(r, ALICE, 1);
    change_to(r, ALICE, 2);

    OK(device_notify_reinstalled(&r->b, &alice, fixture_time - 5)); /* that change, told late */
    OK(store_identity_get(r->f.s, &alice, got));
    assert_int_equal(got[0], 2);
    OK(device_notify_reinstalled(&r->b, &alice, fixture_time + 5)); /* the future is now */
    OK(store_identity_get(r->f.s, &alice, got));
    OK(store_commit(r->f.s));
    assert_look(r, EVENTS, "1");
    fixture_time += 60;
    OK(device_notify_reinstalled(&r->b, &alice, fixture_time));
    assert_int_equal(store_identity_get(r->f.s, &alice, got), WB_ERR_NOT_FOUND);
    change_to(r, ALICE, 3);                                   /* told already */
    OK(device_notify_reinstalled(&r->b, &bob, fixture_time)); /* never met */
    OK(store_commit(r->f.s));
    assert_look(r, EVENTS, "2");
    assert_look(r, "SELECT count(*) FROM messages WHERE chat_jid = '" BOB "'", "0");
}

/* The tablet was linked anew at T2; that the phone was installed anew at T1 is told after that. */
static void a_linked_devices_change_does_not_hide_the_phones(void **state)
{
    struct receiver *r = *state;
    struct jid phone = J(ALICE), tablet = J("27820000011:4@s.whatsapp.net");
    uint8_t identity[X25519_KEY_BYTES] = {7}, got[X25519_KEY_BYTES];

    change_to(r, ALICE, 1);
    OK(identity_note(&r->b, &tablet, identity, fixture_time, NULL));
    identity[0] = 8;
    OK(identity_note(&r->b, &tablet, identity, fixture_time, NULL));
    OK(device_notify_reinstalled(&r->b, &phone, fixture_time - 5));
    assert_int_equal(store_identity_get(r->f.s, &phone, got), WB_ERR_NOT_FOUND);
    OK(store_identity_get(r->f.s, &tablet, got)); /* what it has since then */
    assert_int_equal(got[0], 8);
    change_to(r, ALICE, 2);
    OK(device_notify_reinstalled(&r->b, &phone, fixture_time - 5)); /* delivered twice */
    OK(store_identity_get(r->f.s, &phone, got));
    OK(store_commit(r->f.s));
    assert_look(r, EVENTS, "2");
}

static void the_time_of_a_change_is_not_in_the_future(void **state)
{
    struct receiver *r = *state;
    struct jid alice = J(ALICE);
    struct store_identity_change c;
    uint8_t identity[X25519_KEY_BYTES] = {1};

    OK(identity_note(&r->b, &alice, identity, INT64_MAX, NULL));
    identity[0] = 2;
    OK(identity_note(&r->b, &alice, identity, INT64_MAX, NULL));
    OK(store_identity_change_get(r->f.s, &alice, &c));
    assert_int_equal(c.changed_at, fixture_time);
}

/* No id of a stanza has a space in it. */
static void nobody_can_change_such_a_row(void **state)
{
    struct receiver *r = *state;
    struct store_message m = {.id = SPAN_LIT("event"),
                              .chat = J(ALICE),
                              .sender = J(ALICE),
                              .kind = STORE_EVENT_KIND,
                              .content = SPAN_LIT("x")};
    int64_t last = -1;

    assert_int_equal(store_message_event(r->f.s, &m), WB_ERR_INVALID);
    assert_false(msgid_valid(SPAN_LIT("event 00112233445566778899aabbccddeeff")));
    change_to(r, ALICE, 1);
    change_to(r, ALICE, 2);
    OK(store_commit(r->f.s));
    OK(store_message_last_time(r->f.s, &last)); /* of messages */
    assert_int_equal(last, 0);
}

/* ---- devices of others ---- */

/* What Alice's account says of her tablet. */
static void vouch(struct receiver *r, struct writer *alice, struct writer *tablet,
                  struct buf *statement)
{
    struct adv_identity inner = {.raw_id = 5, .key_index = 2};
    struct adv_signed_identity id = {0};
    struct buf details = buf_new(1000);
    uint8_t sig[XEDDSA_SIG_BYTES], own[XEDDSA_SIG_BYTES];

    inner.timestamp = (uint64_t)fixture_time - 1000; /* linked then */
    OK(adv_identity_encode(&inner, &details));
    id.details = buf_span(&details);
    OK(adv_make_account_signature(&alice->local.identity, id.details, false,
                                  tablet->local.identity.pub, &r->f.rng, sig));
    OK(adv_make_device_signature(&tablet->local.identity, id.details, alice->local.identity.pub,
                                 &r->f.rng, own));
    id.account_signature = SPAN_ARRAY(sig);
    id.device_signature = SPAN_ARRAY(own);
    OK(adv_signed_identity_encode(&id, false, statement));
    buf_free(&details);
}

static void a_device_that_is_no_longer_listed_is_seen(void **state)
{
    struct receiver *r = *state;
    struct jid device = J("27820000011:4@s.whatsapp.net"), phone = J(ALICE);
    struct config config = {.adv_check = ADV_CHECK_WARN};
    struct writer alice, tablet;
    struct store_device devices[] = {{.id = 0}, {.id = 3, .key_index = 1}};
    struct store_device_list list = {.devices = devices, .n = 2};
    struct buf statement = buf_new(1000);

    writer_init(&alice, 1);
    writer_init(&tablet, 2);
    vouch(r, &alice, &tablet, &statement);
    OK(store_identity_put(r->f.s, &phone, alice.local.identity.pub));
    r->b.config = &config;
    /* No list, a list older than the device, a newer one without it. */
    OK(trust_companion(&r->b, &device, tablet.local.identity.pub, buf_span(&statement)));
    list.checked_at = fixture_time - 2000;
    OK(store_devices_put(r->f.s, &phone, &list));
    OK(trust_companion(&r->b, &device, tablet.local.identity.pub, buf_span(&statement)));
    assert_int_equal(r->b.trust.unvouched_devices, 0);
    list.checked_at = fixture_time;
    OK(store_devices_put(r->f.s, &phone, &list));
    OK(trust_companion(&r->b, &device, tablet.local.identity.pub, buf_span(&statement)));
    assert_int_equal(r->b.trust.unvouched_devices, 1);
    config.adv_check = ADV_CHECK_REFUSE;
    assert_int_equal(
        trust_companion(&r->b, &device, tablet.local.identity.pub, buf_span(&statement)),
        WB_ERR_NOT_VOUCHED);
    config.adv_check = ADV_CHECK_OFF;
    OK(trust_companion(&r->b, &device, tablet.local.identity.pub, SPAN_NULL));
    assert_int_equal(r->b.trust.unvouched_devices, 2);
    assert_int_equal(r->b.trust.unvouched_refused, 1);
    buf_free(&statement);
    writer_free(&alice);
    writer_free(&tablet);
}

/* Cut to what may be read, the fields that are left would be a statement. */
static void a_statement_that_is_too_large_is_none(void **state)
{
    struct receiver *r = *state;
    struct jid device = J("27820000011:4@s.whatsapp.net"), phone = J(ALICE);
    struct config config = {.adv_check = ADV_CHECK_REFUSE};
    struct prekey_kept_statement kept;
    struct writer alice, tablet;
    struct buf statement = buf_new(2 * ADV_STATEMENT_MAX);

    writer_init(&alice, 1);
    writer_init(&tablet, 2);
    vouch(r, &alice, &tablet, &statement);
    if (statement.n % 2) /* a field with a number of three bytes, then of two */
        buf_append(&statement, SPAN_LIT("\x78\x81\x01"));
    while (statement.n < ADV_STATEMENT_MAX)
        buf_append(&statement, SPAN_LIT("\x78\x01"));
    OK(buf_err(&statement));
    assert_int_equal(statement.n, ADV_STATEMENT_MAX);
    OK(store_identity_put(r->f.s, &phone, alice.local.identity.pub));
    r->b.config = &config;
    prekey_keep_statement(&kept, buf_span(&statement));
    OK(trust_companion(&r->b, &device, tablet.local.identity.pub, SPAN(kept.bytes, kept.n)));
    buf_append(&statement, SPAN_LIT("\x78\x01"));
    prekey_keep_statement(&kept, buf_span(&statement));
    assert_int_equal(
        trust_companion(&r->b, &device, tablet.local.identity.pub, SPAN(kept.bytes, kept.n)),
        WB_ERR_NOT_VOUCHED);
    buf_free(&statement);
    writer_free(&alice);
    writer_free(&tablet);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_its_own_key_speaks_for_our_phone),
        T(without_the_accounts_key_its_signature_tells),
        T(prekeys_of_our_phone_and_of_ourselves_are_known),
        T(nobody_becomes_us_by_a_pair),
        T(until_the_login_nobody_is_our_lid),
        T(states_with_somebody_else_are_dropped_at_login),
        T(other_linked_devices_hand_over_nothing),
        T(each_change_has_one_row_in_the_persons_chat),
        T(a_change_that_is_noted_again_has_its_row),
        T(what_was_undone_is_not_told),
        T(an_old_notification_does_not_forget_the_new_key),
        T(a_linked_devices_change_does_not_hide_the_phones),
        T(the_time_of_a_change_is_not_in_the_future),
        T(nobody_can_change_such_a_row),
        T(a_device_that_is_no_longer_listed_is_seen),
        T(a_statement_that_is_too_large_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
