/* Signed prekeys over time, and the base keys that were used with them. */
#include "tests/unit/store/store_fixture.h"

#include "store/session/signed_prekeys.h"

#define T0  INT64_C(1790000000)
#define DAY INT64_C(86400)

static void identity_of(struct fixture *f, struct x25519_pair *ret)
{
    struct account a;

    OK(store_account_load(f->s, NULL, &a));
    *ret = a.keys.identity;
    account_wipe(&a);
}

static struct store_signed_prekey made(struct fixture *f, int64_t now)
{
    struct x25519_pair identity;
    struct store_signed_prekey k;
    uint8_t djb[DJB_KEY_BYTES];

    identity_of(f, &identity);
    OK(store_signed_prekey_make(f->s, &f->rng, &identity, now, &k));
    djb_encode(k.pair.pub, djb);
    OK(xeddsa_verify(identity.pub, SPAN_ARRAY(djb), k.sig));
    return k;
}

static struct store_signed_prekey current(struct fixture *f, int64_t now)
{
    struct store_signed_prekey k;

    OK(store_signed_prekey_current(f->s, now, &k));
    return k;
}

static bool accepted(struct fixture *f, uint32_t id)
{
    struct x25519_pair pair;
    enum wb_err err = store_signed_prekey_get(f->s, id, &pair);

    assert_true(err == WB_OK || err == WB_ERR_BAD_KEY_ID);
    return err == WB_OK;
}

static void retire(struct fixture *f, int64_t before)
{
    bool more = true;

    for (int i = 0; more; i++) {
        assert_true(i < 100);
        OK(store_signed_prekeys_retire(f->s, before, &more));
    }
}

static void reopen(struct fixture *f)
{
    struct account a;

    OK(store_commit(f->s));
    fixture_close(f);
    fixture_open(f);
    OK(store_account_load(f->s, NULL, &a));
    account_wipe(&a);
}

/* What another program does while we are not there. */
static void poked(struct fixture *f, const char *sql)
{
    struct account a;

    OK(store_commit(f->s));
    fixture_close(f);
    poke_sql(f->wa, sql);
    fixture_open(f);
    OK(store_account_load(f->s, NULL, &a));
    account_wipe(&a);
}

static void successor(void **state)
{
    (void)state;
    struct fixture f;
    struct store_signed_prekey first, second, k;
    struct x25519_pair pair;
    struct account a;
    fixture_ready(&f);
    first = current(&f, T0);
    assert_true(first.id == 1 && first.since == T0);
    assert_int_equal(current(&f, T0 + 5).since, T0);
    assert_int_equal(store_signed_prekey_pending(f.s, &k), WB_ERR_NOT_FOUND);
    second = made(&f, T0 + 30 * DAY);
    assert_int_equal(second.id, 2);
    reopen(&f);
    /* Not in use, and accepted: the server may have it. */
    OK(store_signed_prekey_pending(f.s, &k));
    assert_memory_equal(k.pair.priv, second.pair.priv, 32);
    assert_memory_equal(k.sig, second.sig, sizeof k.sig);
    assert_true(current(&f, T0 + 30 * DAY).id == 1 && accepted(&f, 2));
    OK(store_signed_prekey_use(f.s, 2, T0 + 31 * DAY));
    reopen(&f);
    OK(store_account_load(f.s, NULL, &a));
    assert_int_equal(a.keys.signed_prekey_id, 2);
    assert_memory_equal(a.keys.signed_prekey.pub, second.pair.pub, 32);
    assert_memory_equal(a.keys.signed_prekey_sig, second.sig, sizeof second.sig);
    assert_int_equal(current(&f, T0 + 40 * DAY).since, T0 + 31 * DAY);
    assert_int_equal(store_signed_prekey_pending(f.s, &k), WB_ERR_NOT_FOUND);
    OK(store_signed_prekey_get(f.s, 1, &pair));
    assert_memory_equal(pair.priv, first.pair.priv, 32);
    /* Accepted for a while; the current one never goes. */
    retire(&f, T0 + 31 * DAY - 1);
    assert_true(accepted(&f, 1));
    retire(&f, T0 + 31 * DAY);
    assert_false(accepted(&f, 1));
    retire(&f, T0 + 10000 * DAY);
    assert_true(accepted(&f, 2));
    account_wipe(&a);
    fixture_free(&f);
}

/* The highest id outlives its row, and the rows of whatever other programs did. */
static void ids_are_used_once(void **state)
{
    (void)state;
    struct fixture f;
    struct store_signed_prekey k;
    fixture_ready(&f);
    current(&f, T0);
    k = made(&f, T0);
    OK(store_signed_prekey_use(f.s, k.id, T0));
    k = made(&f, T0 + 1);
    assert_int_equal(k.id, 3);
    /* Another program has put its own key there, with a higher id than ours that was pending. */
    poked(&f, "UPDATE whatsmeow_device SET signed_pre_key_id = 7, signed_pre_key = zeroblob(32)");
    k = current(&f, T0 + 2);
    assert_true(k.id == 7 && k.since == T0 + 2);
    assert_int_equal(store_signed_prekey_pending(f.s, &k), WB_ERR_NOT_FOUND);
    assert_true(accepted(&f, 1) && accepted(&f, 2) && accepted(&f, 3) && accepted(&f, 7));
    retire(&f, T0 + 2);
    assert_false(accepted(&f, 1) || accepted(&f, 2) || accepted(&f, 3));
    assert_int_equal(made(&f, T0 + 3).id, 8);
    poked(&f, "DELETE FROM bridge_signed_prekeys");
    assert_int_equal(made(&f, T0 + 4).id, 9);
    poked(&f, "UPDATE whatsmeow_device SET signed_pre_key_id = 16777215");
    {
        struct x25519_pair identity;
        identity_of(&f, &identity);
        assert_int_equal(store_signed_prekey_make(f.s, &f.rng, &identity, T0, &k), WB_ERR_STATE);
    }
    fixture_free(&f);
}

static void time_in_the_future_becomes_now(void **state)
{
    (void)state;
    struct fixture f;
    fixture_ready(&f);
    assert_int_equal(current(&f, T0 + 1000 * DAY).since, T0 + 1000 * DAY);
    assert_int_equal(current(&f, T0).since, T0);
    assert_int_equal(current(&f, T0 + DAY).since, T0);
    fixture_free(&f);
}

/* An older copy of the file: the server may have a later key that we do not. */
static void restored_copy_makes_a_new_one(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t first;
    fixture_ready(&f);
    current(&f, T0);
    OK(store_commit(f.s));
    OK(store_signed_prekeys_restored(f.s, &f.rng));
    assert_int_equal(current(&f, T0 + 1).since, 0);
    first = made(&f, T0 + 1).id;
    assert_true(first > 1000);
    /* The same copy once more: not the id that the server has another key of now. */
    store_rollback(f.s);
    OK(store_signed_prekeys_restored(f.s, &f.rng));
    assert_int_not_equal(made(&f, T0 + 1).id, first);
    fixture_free(&f);
}

static void base_keys_go_with_their_signed_prekey(void **state)
{
    (void)state;
    enum { N = 2 * STORE_PRUNE_ROWS + 3 };
    struct fixture f;
    uint8_t key[32] = {0}, last[32];
    bool used = true;
    fixture_ready(&f);
    current(&f, T0);
    for (int i = 0; i < N; i++) {
        rng_fill(&f.rng, last, sizeof last);
        OK(store_base_key_put(f.s, 1, last));
    }
    OK(store_base_key_put(f.s, 1, last));
    OK(store_base_key_used(f.s, 1, key, &used));
    assert_false(used);
    OK(store_base_key_used(f.s, 2, last, &used));
    assert_false(used);
    OK(store_signed_prekey_use(f.s, made(&f, T0).id, T0));
    OK(store_base_key_put(f.s, 2, key));
    reopen(&f);
    retire(&f, T0 - 1);
    OK(store_base_key_used(f.s, 1, last, &used));
    assert_true(used);
    retire(&f, T0);
    OK(store_commit(f.s));
    assert_string_equal(peek_sql(f.wa, "SELECT count(*) || max(signed_prekey_id)"
                                       " FROM bridge_base_keys"),
                        "12");
    assert_string_equal(peek_sql(f.wa, "SELECT group_concat(id) FROM bridge_signed_prekeys"), "2");
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(successor),
        cmocka_unit_test(ids_are_used_once),
        cmocka_unit_test(time_in_the_future_becomes_now),
        cmocka_unit_test(restored_copy_makes_a_new_one),
        cmocka_unit_test(base_keys_go_with_their_signed_prekey),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
