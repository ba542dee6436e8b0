/* Identities that a person no longer has, and sessions that still belong to one of them. */
#include "tests/unit/store/store_fixture.h"

#include "crypto/signal.h"
#include "store/session/identity_gone.h"
#include "store/session/signal_store.h"

static void identity_of(uint8_t n, uint8_t ret[static 32])
{
    memset(ret, n, 32);
}

/* A session that can send, with this identity. */
static void save_with(struct fixture *f, const struct jid *device, uint8_t identity)
{
    struct signal_session *s = signal_session_new();
    struct x25519_pair pair;

    assert_non_null(s);
    s->current = signal_state_new();
    assert_non_null(s->current);
    x25519_generate(&f->rng, &pair);
    memcpy(s->current->base_key, pair.pub, sizeof pair.pub);
    identity_of(identity, s->current->remote_identity);
    s->current->has_sender_chain = true;
    s->current->sender_chain.ratchet = pair;
    OK(store_session_save(f->s, device, s));
}

static void put(struct fixture *f, const struct jid *device, uint8_t n)
{
    uint8_t identity[32];

    identity_of(n, identity);
    OK(store_identity_put(f->s, device, identity));
}

static bool gone(struct fixture *f, const struct jid *device, uint8_t n)
{
    uint8_t identity[32];
    bool ret = false;

    identity_of(n, identity);
    OK(store_identity_is_gone(f->s, device, identity, &ret));
    return ret;
}

static bool has(struct fixture *f, const struct jid *device)
{
    struct signal_session *s = NULL;
    bool ret = false;
    enum wb_err err = store_session_for_sending(f->s, device, &s);

    OK(store_session_has(f->s, device, &ret));
    assert_int_equal(err, ret ? WB_OK : WB_ERR_NO_SESSION);
    signal_session_free(s);
    return ret;
}

static void reopen(struct fixture *f)
{
    struct account a;

    fixture_close(f);
    fixture_open(f);
    OK(store_account_load(f->s, NULL, &a));
}

/* Replaced, and back because somebody who knows says so. */
static void replaced_identity_is_remembered(void **state)
{
    (void)state;
    struct fixture f;
    struct jid device = J("555:0@lid"), other = J("555:1@lid");
    fixture_ready(&f);
    put(&f, &device, 1);
    assert_false(gone(&f, &device, 1));
    put(&f, &device, 2);
    put(&f, &device, 2);
    OK(store_commit(f.s));
    reopen(&f);
    assert_true(gone(&f, &device, 1));
    assert_false(gone(&f, &device, 2));
    assert_false(gone(&f, &other, 1));
    put(&f, &device, 1);
    assert_false(gone(&f, &device, 1));
    assert_true(gone(&f, &device, 2));
    fixture_free(&f);
}

/* The phone was installed anew: all its devices' identities are of the past, nobody else's. */
static void forgotten_identities_are_remembered(void **state)
{
    (void)state;
    struct fixture f;
    struct jid user = J("555@lid"), phone = J("555:0@lid"), companion = J("555:12@lid");
    struct jid other = J("5555:0@lid");
    fixture_ready(&f);
    put(&f, &phone, 1);
    put(&f, &companion, 2);
    put(&f, &other, 3);
    OK(store_signal_forget_user(f.s, &user));
    assert_true(gone(&f, &phone, 1) && gone(&f, &companion, 2));
    assert_false(gone(&f, &other, 3));
    put(&f, &phone, 4);
    OK(store_signal_forget_device(f.s, &phone));
    assert_true(gone(&f, &phone, 4) && gone(&f, &phone, 1));
    OK(store_signal_forget_device(f.s, &phone));
    fixture_free(&f);
}

static void former_identities_are_bounded(void **state)
{
    (void)state;
    struct fixture f;
    struct jid device = J("555:1@lid"), next = J("555:11@lid");
    fixture_ready(&f);
    put(&f, &next, 1);
    put(&f, &next, 2);
    for (uint8_t n = 1; n <= 100; n++)
        put(&f, &device, n);
    for (uint8_t n = 1; n <= 100; n++)
        assert_int_equal(gone(&f, &device, n), n >= 100 - STORE_IDENTITIES_GONE_MAX && n < 100);
    assert_true(gone(&f, &next, 1));
    fixture_free(&f);
}

/* The two forms of a person: what the number's had before counts for the LID, and so does its last
 * identity where the LID has another. */
static void former_identities_follow_to_the_lid(void **state)
{
    (void)state;
    struct fixture f;
    struct jid pn = J("27820000009@s.whatsapp.net"), lid = J("888@lid");
    struct jid pn0 = J("27820000009:0@s.whatsapp.net"), lid0 = J("888:0@lid");
    struct jid pn1 = J("27820000009:1@s.whatsapp.net"), lid1 = J("888:1@lid");
    size_t moved = 0;
    fixture_ready(&f);
    put(&f, &pn0, 1);
    put(&f, &pn0, 2);
    put(&f, &lid0, 3);
    put(&f, &pn1, 7);
    save_with(&f, &pn0, 2);
    save_with(&f, &pn1, 7);
    OK(store_signal_migrate(f.s, &pn, &lid, &moved));
    assert_true(gone(&f, &lid0, 1) && gone(&f, &lid0, 2));
    assert_false(gone(&f, &lid0, 3) || gone(&f, &lid1, 7));
    /* The moved session is with an identity of the past: a new one is due. */
    assert_false(has(&f, &lid0));
    assert_true(has(&f, &lid1));
    fixture_free(&f);
}

static void assert_gone_rows(struct fixture *f, const char *n)
{
    OK(store_commit(f->s));
    assert_string_equal(peek_sql(f->wa, "SELECT count(*) FROM bridge_identities_gone"), n);
}

/* The number's record went from 1 to 2, the LID's is still (or again) 1. */
static void what_the_lid_has_now_is_not_gone(void **state)
{
    (void)state;
    struct fixture f;
    struct jid pn = J("27820000009@s.whatsapp.net"), lid = J("888@lid");
    struct jid pn0 = J("27820000009:0@s.whatsapp.net"), lid0 = J("888:0@lid");
    struct jid pn1 = J("27820000009:1@s.whatsapp.net"), lid1 = J("888:1@lid");
    struct jid pn2 = J("27820000009:2@s.whatsapp.net"), lid2 = J("888:2@lid");
    fixture_ready(&f);
    put(&f, &pn0, 1);
    put(&f, &pn0, 2);
    put(&f, &lid0, 1);
    save_with(&f, &lid0, 1);
    /* Forgotten under the number: there is a row of the past only. */
    put(&f, &pn1, 3);
    OK(store_signal_forget_device(f.s, &pn1));
    put(&f, &lid1, 3);
    /* Forgotten under the LID, and what moves there is the same. */
    put(&f, &lid2, 4);
    OK(store_signal_forget_device(f.s, &lid2));
    put(&f, &pn2, 4);
    OK(store_signal_migrate(f.s, &pn, &lid, NULL));
    assert_false(gone(&f, &lid0, 1) || gone(&f, &lid1, 3) || gone(&f, &lid2, 4));
    assert_true(gone(&f, &lid0, 2));
    assert_true(has(&f, &lid0));
    assert_gone_rows(&f, "1");
    /* Replaced after that, it is one of the past as any other. */
    put(&f, &lid0, 5);
    assert_true(gone(&f, &lid0, 1));
    fixture_free(&f);
}

/* A file in which both stand is put right by whoever knows the present one. */
static void a_present_identity_in_the_list_heals(void **state)
{
    (void)state;
    struct fixture f;
    struct jid device = J("888:0@lid");
    uint8_t identity[32];
    fixture_ready(&f);
    put(&f, &device, 1);
    identity_of(1, identity);
    OK(identity_gone_add(f.s, &device, identity));
    assert_false(gone(&f, &device, 1));
    assert_gone_rows(&f, "1");
    put(&f, &device, 1);
    assert_gone_rows(&f, "0");
    fixture_free(&f);
}

/* Whatever made a state current (whatsmeow, an import, a late message): only one with the stored
 * identity sends. */
static void session_of_another_identity_does_not_send(void **state)
{
    (void)state;
    struct fixture f;
    struct jid device = J("555:0@lid");
    fixture_ready(&f);
    save_with(&f, &device, 1);
    assert_true(has(&f, &device)); /* nothing is known to the contrary */
    put(&f, &device, 1);
    assert_true(has(&f, &device));
    put(&f, &device, 2);
    assert_false(has(&f, &device));
    OK(store_commit(f.s));
    reopen(&f);
    assert_false(has(&f, &device));
    put(&f, &device, 1);
    assert_true(has(&f, &device));
    fixture_free(&f);
}

/* Of more devices than the cache holds, too. */
static void many_devices_are_looked_at(void **state)
{
    (void)state;
    enum { N = STORE_SESSION_CACHE_MAX + 50 };
    static struct jid devices[N];
    static bool can[N];
    struct fixture f;
    fixture_ready(&f);
    for (size_t i = 0; i < N; i++) {
        devices[i] = J("555:0@lid");
        devices[i].device = (uint16_t)i;
        save_with(&f, &devices[i], 1);
        put(&f, &devices[i], i % 3 == 0 ? 2 : 1);
    }
    OK(store_commit(f.s));
    reopen(&f);
    OK(store_sessions_prefetch(f.s, devices, N, can));
    for (size_t i = 0; i < N; i++)
        assert_int_equal(can[i], i % 3 != 0);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaced_identity_is_remembered),
        cmocka_unit_test(forgotten_identities_are_remembered),
        cmocka_unit_test(former_identities_are_bounded),
        cmocka_unit_test(former_identities_follow_to_the_lid),
        cmocka_unit_test(what_the_lid_has_now_is_not_gone),
        cmocka_unit_test(a_present_identity_in_the_list_heals),
        cmocka_unit_test(session_of_another_identity_does_not_send),
        cmocka_unit_test(many_devices_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
