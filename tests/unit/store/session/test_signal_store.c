/* Sessions, prekeys and the map of LIDs: what stays after a commit, and what a rollback undoes. */
#include "tests/unit/store/store_fixture.h"

#include "crypto/signal.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"
#include "store/session/prekeys.h"
#include "store/session/signal_store.h"

/* A session that looks like one in use; tag tells it from others. */
static struct signal_session *a_session(struct fixture *f, uint32_t tag)
{
    struct signal_session *s = signal_session_new();
    struct x25519_pair pair;

    assert_non_null(s);
    s->current = signal_state_new();
    assert_non_null(s->current);
    x25519_generate(&f->rng, &pair);
    memcpy(s->current->base_key, pair.pub, sizeof pair.pub);
    s->current->remote_registration_id = tag;
    s->current->has_sender_chain = true;
    s->current->sender_chain.ratchet = pair;
    return s;
}

static uint32_t tag_of(struct fixture *f, const char *jid)
{
    struct jid j = J(jid);
    struct signal_session *s = NULL;
    enum wb_err err = store_session_load(f->s, &j, &s, NULL);

    if (err == WB_ERR_NOT_FOUND)
        return 0;
    OK(err);
    uint32_t tag = s->current ? s->current->remote_registration_id : 999;
    signal_session_free(s);
    return tag;
}

static void save(struct fixture *f, const char *jid, uint32_t tag)
{
    struct jid j = J(jid);

    OK(store_session_save(f->s, &j, a_session(f, tag)));
}

static void reopen(struct fixture *f)
{
    struct account a;

    fixture_close(f);
    fixture_open(f);
    OK(store_account_load(f->s, NULL, &a));
}

static void session_is_durable_after_commit_only(void **state)
{
    (void)state;
    struct fixture f, crash;
    struct account a;
    fixture_ready(&f);
    assert_int_equal(tag_of(&f, "555:2@lid"), 0);
    save(&f, "555:2@lid", 5);
    assert_true(store_batch_open(f.s));
    assert_int_equal(tag_of(&f, "555:2@lid"), 5);
    fixture_crash_copy(&f, &crash);
    fixture_open(&crash);
    OK(store_account_load(crash.s, NULL, &a));
    assert_int_equal(tag_of(&crash, "555:2@lid"), 0);
    fixture_free(&crash);
    OK(store_commit(f.s));
    assert_false(store_batch_open(f.s));
    fixture_crash_copy(&f, &crash);
    fixture_open(&crash);
    OK(store_account_load(crash.s, NULL, &a));
    assert_int_equal(tag_of(&crash, "555:2@lid"), 5);
    assert_false(crash.info.used_without_us);
    fixture_free(&crash);
    assert_string_equal(peek_sql(f.wa, "SELECT their_id FROM whatsmeow_sessions"), "555_1:2");
    fixture_free(&f);
}

static void rollback_forgets_decoded_records(void **state)
{
    (void)state;
    struct fixture f;
    struct jid j = J("555:2@lid");
    fixture_ready(&f);
    save(&f, "555:2@lid", 5);
    OK(store_commit(f.s));
    save(&f, "555:2@lid", 6);
    OK(store_session_delete(f.s, &j));
    store_rollback(f.s);
    assert_int_equal(tag_of(&f, "555:2@lid"), 5);
    fixture_free(&f);
}

static void mark_undoes_one_stanza(void **state)
{
    (void)state;
    struct fixture f;
    struct jid gone = J("777:0@lid");
    fixture_ready(&f);
    save(&f, "555:2@lid", 1);
    save(&f, "777:0@lid", 7);
    OK(store_commit(f.s));
    save(&f, "555:2@lid", 2); /* an earlier stanza of the batch */
    OK(store_mark(f.s));
    assert_int_equal(store_mark(f.s), WB_ERR_STATE);
    save(&f, "555:2@lid", 3);
    save(&f, "555:2@lid", 4);
    save(&f, "666:0@lid", 6);
    OK(store_session_delete(f.s, &gone));
    OK(store_mark_undo(f.s));
    assert_int_equal(tag_of(&f, "555:2@lid"), 2);
    assert_int_equal(tag_of(&f, "666:0@lid"), 0);
    assert_int_equal(tag_of(&f, "777:0@lid"), 7);
    OK(store_mark(f.s));
    save(&f, "666:0@lid", 6);
    OK(store_mark_keep(f.s));
    assert_int_equal(store_mark_keep(f.s), WB_ERR_STATE);
    OK(store_commit(f.s));
    reopen(&f);
    assert_int_equal(tag_of(&f, "555:2@lid"), 2);
    assert_int_equal(tag_of(&f, "666:0@lid"), 6);
    assert_int_equal(tag_of(&f, "777:0@lid"), 7);
    fixture_free(&f);
}

static void more_sessions_than_the_cache_holds(void **state)
{
    (void)state;
    struct fixture f;
    enum { N = STORE_SESSION_CACHE_MAX + 50 };
    struct jid devices[N + 1];
    bool has[N + 1];
    char text[40];
    fixture_ready(&f);
    for (uint32_t i = 0; i <= N; i++) {
        snprintf(text, sizeof text, "%u:1@lid", 1000 + i);
        devices[i] = J(text);
        if (i < N)
            save(&f, text, i + 1);
    }
    OK(store_mark(f.s)); /* under a mark nothing changed may be written out early */
    for (uint32_t i = 0; i < N; i++) {
        snprintf(text, sizeof text, "%u:1@lid", 1000 + i);
        save(&f, text, i + 100000);
    }
    OK(store_mark_undo(f.s));
    OK(store_commit(f.s));
    OK(store_sessions_prefetch(f.s, devices, N + 1, has));
    for (size_t i = 0; i < N; i++)
        assert_true(has[i]);
    assert_false(has[N]);
    reopen(&f);
    OK(store_sessions_prefetch(f.s, devices, N + 1, has));
    assert_true(has[0] && has[N - 1]);
    assert_false(has[N]);
    assert_int_equal(tag_of(&f, "1000:1@lid"), 1);
    snprintf(text, sizeof text, "%u:1@lid", 1000 + N - 1);
    assert_int_equal(tag_of(&f, text), N);
    fixture_free(&f);
}

static void receive_only_record_stays_out_of_whatsmeows_table(void **state)
{
    (void)state;
    struct fixture f;
    struct jid j = J("555:2@lid");
    bool has = true;
    fixture_ready(&f);
    struct signal_session *s = a_session(&f, 5);
    signal_session_archive_current(s);
    assert_null(s->current);
    OK(store_session_save(f.s, &j, s));
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "0");
    reopen(&f);
    OK(store_session_has(f.s, &j, &has));
    assert_false(has);
    OK(store_session_load(f.s, &j, &s, NULL));
    assert_int_equal(s->narchived, 1);
    s->current = signal_state_clone(s->archived[0]);
    OK(store_session_save(f.s, &j, s));
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "1");
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM bridge_sessions_receive"), "0");
    fixture_free(&f);
}

static void unreadable_record_is_no_session(void **state)
{
    (void)state;
    struct fixture f;
    struct jid j = J("555:2@lid");
    struct signal_session *s = NULL;
    bool unreadable = false;
    fixture_ready(&f);
    poke_sql(f.wa, "INSERT INTO whatsmeow_sessions VALUES ('27820000001:7@s.whatsapp.net',"
                   " '555_1:2', '{\"SessionState\":')");
    assert_int_equal(store_commit(f.s), WB_ERR_LOCKED); /* noticed, once */
    assert_int_equal(store_session_load(f.s, &j, &s, &unreadable), WB_ERR_NOT_FOUND);
    assert_true(unreadable);
    save(&f, "555:2@lid", 8);
    OK(store_commit(f.s));
    assert_int_equal(tag_of(&f, "555:2@lid"), 8);
    fixture_free(&f);
}

static void migration_keeps_the_lid_session_current(void **state)
{
    (void)state;
    struct fixture f;
    struct jid pn = J("27820000009@s.whatsapp.net"), lid = J("888@lid");
    struct jid group = J("123456789@g.us"), sender = J("27820000009:1@s.whatsapp.net");
    struct jid sender_lid = J("888:1@lid");
    uint8_t key[32] = {1}, got[32];
    size_t moved = 0;
    fixture_ready(&f);
    save(&f, "27820000009:0@s.whatsapp.net", 10);
    save(&f, "27820000009:1@s.whatsapp.net", 11);
    save(&f, "2782000000:1@s.whatsapp.net", 12); /* a prefix of the number: another person */
    OK(store_commit(f.s));
    save(&f, "27820000009:3@s.whatsapp.net", 13); /* not yet written */
    save(&f, "888:0@lid", 20);
    OK(store_identity_put(f.s, &sender, key));
    struct sender_key_record *r = sender_key_record_new();
    OK(sender_key_create(r, &f.rng));
    OK(store_sender_key_save(f.s, &group, &sender, r));
    OK(store_signal_migrate(f.s, &pn, &lid, &moved));
    assert_int_equal(moved, 5);
    OK(store_signal_migrate(f.s, &pn, &lid, &moved));
    assert_int_equal(moved, 0);
    OK(store_commit(f.s));
    reopen(&f);
    assert_int_equal(tag_of(&f, "888:0@lid"), 20);
    assert_int_equal(tag_of(&f, "888:1@lid"), 11);
    assert_int_equal(tag_of(&f, "888:3@lid"), 13);
    assert_int_equal(tag_of(&f, "27820000009:0@s.whatsapp.net"), 0);
    assert_int_equal(tag_of(&f, "2782000000:1@s.whatsapp.net"), 12);
    struct jid zero = J("888:0@lid");
    struct signal_session *s = NULL;
    OK(store_session_load(f.s, &zero, &s, NULL));
    assert_int_equal(s->narchived, 1);
    assert_int_equal(s->archived[0]->remote_registration_id, 10);
    signal_session_free(s);
    OK(store_identity_get(f.s, &sender_lid, got));
    assert_memory_equal(got, key, 32);
    assert_int_equal(store_identity_get(f.s, &sender, got), WB_ERR_NOT_FOUND);
    OK(store_sender_key_load(f.s, &group, &sender_lid, &r));
    sender_key_record_free(r);
    assert_int_equal(store_sender_key_load(f.s, &group, &sender, &r), WB_ERR_NOT_FOUND);
    fixture_free(&f);
}

static void forgetting_a_user_takes_all_devices(void **state)
{
    (void)state;
    struct fixture f;
    struct jid lid = J("888@lid"), group = J("1@g.us"),
               others[2] = {J("888:3@lid"), J("889:0@lid")};
    uint8_t key[32] = {3}, got[32];
    bool missing[2];
    fixture_ready(&f);
    save(&f, "888:0@lid", 1);
    save(&f, "888:3@lid", 2);
    save(&f, "8881:0@lid", 3); /* '_' as a wildcard would match this one */
    OK(store_identity_put(f.s, &others[0], key));
    OK(store_identity_get(f.s, &others[0], got));
    assert_memory_equal(got, key, sizeof key);
    assert_int_equal(store_identity_get(f.s, &others[1], got), WB_ERR_NOT_FOUND);
    OK(store_skdm_mark(f.s, &group, 5, others, 2));
    OK(store_signal_forget_user(f.s, &lid));
    OK(store_commit(f.s));
    assert_int_equal(tag_of(&f, "888:0@lid"), 0);
    assert_int_equal(tag_of(&f, "888:3@lid"), 0);
    assert_int_equal(tag_of(&f, "8881:0@lid"), 3);
    assert_int_equal(store_identity_get(f.s, &others[0], got), WB_ERR_NOT_FOUND);
    OK(store_skdm_missing(f.s, &group, 5, others, 2, missing));
    assert_true(missing[0]);
    assert_false(missing[1]);
    fixture_free(&f);
}

/* Another program writes while we run: what we hold decoded is neither written nor used. */
static void written_by_another_program(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    save(&f, "555:2@lid", 8);
    OK(store_commit(f.s));
    save(&f, "555:2@lid", 9);
    save(&f, "556:2@lid", 1);
    poke_sql(f.wa, "UPDATE bridge_meta SET value = value; DELETE FROM whatsmeow_sessions");
    assert_int_equal(store_commit(f.s), WB_ERR_LOCKED);
    assert_non_null(strstr(store_error_text(f.s), "another program has written whatsapp.db"));
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "0");
    save(&f, "556:2@lid", 2);
    OK(store_commit(f.s));
    assert_int_equal(tag_of(&f, "556:2@lid"), 2);
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) FROM whatsmeow_sessions"), "1");
    fixture_free(&f);
}

static void prekeys_are_offered_once(void **state)
{
    (void)state;
    struct fixture f;
    struct store_prekey k[8];
    struct x25519_pair pair;
    size_t all = 0, offered = 0;
    fixture_ready(&f);
    poke_sql(f.wa, "INSERT INTO whatsmeow_pre_keys VALUES ('27820000001:7@s.whatsapp.net', 4,"
                   " zeroblob(32), 1), ('27820000001:7@s.whatsapp.net', 5, zeroblob(32), 0)");
    assert_int_equal(store_commit(f.s), WB_ERR_LOCKED); /* noticed, once */
    OK(store_prekeys_offer(f.s, &f.rng, 3, k));
    assert_int_equal(k[0].id, 5); /* never offered by whatsmeow */
    assert_int_equal(k[1].id, 6);
    assert_int_equal(k[2].id, 7);
    OK(store_commit(f.s));
    OK(store_prekeys_count(f.s, &all, &offered));
    assert_int_equal(all, 4);
    assert_int_equal(offered, 4);
    OK(store_prekey_get(f.s, 7, &pair));
    assert_memory_equal(&pair, &k[2].pair, sizeof pair);
    OK(store_prekey_delete(f.s, 7));
    OK(store_prekey_delete(f.s, 6));
    OK(store_commit(f.s));
    assert_int_equal(store_prekey_get(f.s, 7, &pair), WB_ERR_BAD_KEY_ID);
    reopen(&f);
    OK(store_prekeys_offer(f.s, &f.rng, 1, k));
    assert_int_equal(k[0].id, 8); /* 7 is gone and is not used again */
    store_rollback(f.s);
    poke_sql(f.wa, "UPDATE bridge_meta SET value = 16777214 WHERE name = 'prekey_high'");
    assert_int_equal(store_prekeys_offer(f.s, &f.rng, 2, k), WB_ERR_STATE);
    OK(store_prekeys_offer(f.s, &f.rng, 1, k));
    assert_int_equal(k[0].id, PREKEY_ID_MAX);
    fixture_free(&f);
}

/* Ids begin with 1. The highest of whatsmeow's keys may go before we have offered one of our own:
 * its id is not used for another key all the same. */
static void prekeys_of_whatsmeow_count(void **state)
{
    (void)state;
    struct fixture f;
    struct store_prekey k[1];
    fixture_ready(&f);
    poke_sql(f.wa, "INSERT INTO whatsmeow_pre_keys VALUES ('27820000001:7@s.whatsapp.net', 1,"
                   " zeroblob(32), 0), ('27820000001:7@s.whatsapp.net', 9, zeroblob(32), 1)");
    assert_int_equal(store_commit(f.s), WB_ERR_LOCKED); /* noticed, once */
    OK(store_prekey_delete(f.s, 9));
    OK(store_commit(f.s));
    OK(store_prekeys_offer(f.s, &f.rng, 1, k));
    assert_int_equal(k[0].id, 1);
    OK(store_commit(f.s));
    OK(store_prekeys_offer(f.s, &f.rng, 1, k));
    assert_int_equal(k[0].id, 10);
    fixture_free(&f);
}

static void lid_map_is_one_to_one(void **state)
{
    (void)state;
    struct fixture f;
    struct jid lid = J("888:4@lid"), pn = J("27820000009:1@s.whatsapp.net"), got;
    struct jid lid2 = J("999@lid"), pn2 = J("27820000008@s.whatsapp.net");
    bool changed = false;
    fixture_ready(&f);
    OK(store_lid_put(f.s, &lid, &pn, &changed));
    assert_true(changed);
    OK(store_lid_put(f.s, &pn, &lid, &changed)); /* either order */
    assert_false(changed);
    OK(store_lid_of_pn(f.s, &pn, &got));
    assert_int_equal(got.device, 1);
    assert_string_equal(got.user, "888");
    OK(store_canonical(f.s, &pn, &got));
    assert_int_equal(got.server, JID_LID);
    OK(store_lid_put(f.s, &lid2, &pn, &changed)); /* the number has a new LID */
    assert_true(changed);
    assert_int_equal(store_pn_of_lid(f.s, &lid, &got), WB_ERR_NOT_FOUND);
    OK(store_lid_put(f.s, &lid2, &pn2, &changed)); /* the LID has a new number */
    assert_int_equal(store_lid_of_pn(f.s, &pn, &got), WB_ERR_NOT_FOUND);
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.wa, "SELECT group_concat(lid || '=' || pn)"
                                       " FROM whatsmeow_lid_map"),
                        "999=27820000008");
    assert_int_equal(store_lid_put(f.s, &lid, &lid2, NULL), WB_ERR_INVALID);
    OK(store_lid_put(f.s, &lid, &pn, NULL));
    store_rollback(f.s); /* the cache does not remember what was not committed */
    assert_int_equal(store_pn_of_lid(f.s, &lid, &got), WB_ERR_NOT_FOUND);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_is_durable_after_commit_only),
        cmocka_unit_test(rollback_forgets_decoded_records),
        cmocka_unit_test(mark_undoes_one_stanza),
        cmocka_unit_test(more_sessions_than_the_cache_holds),
        cmocka_unit_test(receive_only_record_stays_out_of_whatsmeows_table),
        cmocka_unit_test(unreadable_record_is_no_session),
        cmocka_unit_test(migration_keeps_the_lid_session_current),
        cmocka_unit_test(forgetting_a_user_takes_all_devices),
        cmocka_unit_test(written_by_another_program),
        cmocka_unit_test(prekeys_are_offered_once),
        cmocka_unit_test(prekeys_of_whatsmeow_count),
        cmocka_unit_test(lid_map_is_one_to_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
