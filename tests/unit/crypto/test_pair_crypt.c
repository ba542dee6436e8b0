/* Device keys and ADV signatures, against an independent generator. */
#include "base/secret.h"
#include "crypto/pair_crypt.h"
#include "tests/vectors/fixed_rng.h"

static struct vec_file v;

static void device_keys(void **state)
{
    (void)state;
    struct device_keys k, other;
    struct x25519_pair again;
    uint8_t djb[DJB_KEY_BYTES], nothing[ADV_SECRET_BYTES] = {0};

    assert_int_equal(device_keys_generate(&rng_system, &k), WB_OK);
    assert_int_equal(device_keys_generate(&rng_system, &other), WB_OK);
    assert_int_equal(k.signed_prekey_id, 1);
    djb_encode(k.signed_prekey.pub, djb);
    assert_int_equal(xeddsa_verify(k.identity.pub, SPAN_ARRAY(djb), k.signed_prekey_sig), WB_OK);
    /* The 05 is part of what is signed. */
    assert_int_equal(
        xeddsa_verify(k.identity.pub, SPAN_ARRAY(k.signed_prekey.pub), k.signed_prekey_sig),
        WB_ERR_BAD_SIGNATURE);
    x25519_from_private(k.noise.priv, &again);
    assert_memory_equal(&again, &k.noise, sizeof again);
    assert_memory_not_equal(&k.noise, &k.identity, sizeof again);
    assert_memory_not_equal(&k.noise, &k.signed_prekey, sizeof again);
    assert_memory_not_equal(&k.noise, &other.noise, sizeof again);
    assert_memory_not_equal(k.adv_secret, other.adv_secret, sizeof k.adv_secret);
    assert_memory_not_equal(k.adv_secret, nothing, sizeof nothing);
    assert_true(k.registration_id != other.registration_id);
}

/* A MAC or signature of the other kind must not pass. */
static void check_adv(void)
{
    bool hosted = vec_number(&v, "hosted") != 0;
    const uint8_t *secret = vec_bytes(&v, "adv_secret", ADV_SECRET_BYTES);
    struct span details = vec_span(&v, "details");
    struct x25519_pair account, identity;
    struct fixed_rng bytes;
    struct rng rng;
    uint8_t mac[32], sig[XEDDSA_SIG_BYTES], device_sig[XEDDSA_SIG_BYTES];

    x25519_from_private(vec_bytes(&v, "account_private", 32), &account);
    x25519_from_private(vec_bytes(&v, "identity_private", 32), &identity);

    adv_make_hmac(secret, details, hosted, mac);
    vec_check(&v, "hmac", SPAN_ARRAY(mac));
    assert_int_equal(adv_check_hmac(secret, details, hosted, SPAN_ARRAY(mac)), WB_OK);
    assert_int_equal(adv_check_hmac(secret, details, !hosted, SPAN_ARRAY(mac)), WB_ERR_BAD_MAC);
    assert_int_equal(adv_check_hmac(secret, details, hosted, SPAN(mac, 31)), WB_ERR_BAD_MAC);
    assert_int_equal(adv_check_hmac(secret, span_skip(details, 1), hosted, SPAN_ARRAY(mac)),
                     WB_ERR_BAD_MAC);

    rng = rng_from_bytes(&bytes, vec_span(&v, "random"));
    assert_int_equal(adv_make_account_signature(&account, details, hosted, identity.pub, &rng, sig),
                     WB_OK);
    vec_check(&v, "account_signature", SPAN_ARRAY(sig));
    rng = rng_from_bytes(&bytes, vec_span(&v, "random"));
    assert_int_equal(adv_make_device_signature(&identity, details, account.pub, &rng, device_sig),
                     WB_OK);
    vec_check(&v, "device_signature", SPAN_ARRAY(device_sig));

    assert_int_equal(
        adv_check_account_signature(account.pub, details, hosted, identity.pub, SPAN_ARRAY(sig)),
        WB_OK);
    assert_int_equal(
        adv_check_account_signature(account.pub, details, !hosted, identity.pub, SPAN_ARRAY(sig)),
        WB_ERR_BAD_SIGNATURE);
    assert_int_equal(
        adv_check_account_signature(account.pub, details, hosted, account.pub, SPAN_ARRAY(sig)),
        WB_ERR_BAD_SIGNATURE);
    assert_int_equal(
        adv_check_account_signature(account.pub, details, hosted, identity.pub, SPAN(sig, 63)),
        WB_ERR_BAD_SIGNATURE);
    assert_int_equal(
        adv_check_device_signature(identity.pub, details, account.pub, SPAN_ARRAY(device_sig)),
        WB_OK);
    assert_int_equal(
        adv_check_device_signature(identity.pub, details, identity.pub, SPAN_ARRAY(device_sig)),
        WB_ERR_BAD_SIGNATURE);
    assert_int_equal(
        adv_check_device_signature(identity.pub, details, account.pub, SPAN_ARRAY(sig)),
        WB_ERR_BAD_SIGNATURE);
    assert_int_equal(adv_check_device_signature(identity.pub, details, account.pub, SPAN_NULL),
                     WB_ERR_BAD_SIGNATURE);
}

static void adv(void **state)
{
    (void)state;
    int records = 0;

    vec_open(&v, "pairing.txt");
    while (vec_next(&v)) {
        if (!span_eq_cstr(vec_span(&v, "kind"), "adv"))
            continue;
        check_adv();
        records++;
    }
    assert_int_equal(records, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_keys),
        cmocka_unit_test(adv),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
