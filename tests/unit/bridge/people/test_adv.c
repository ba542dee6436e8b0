/* An account's statements about its devices: true statements, and each way in which one can be
 * false. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/people/adv.h"
#include "crypto/pair_crypt.h"

#define OK(call) assert_int_equal((call), WB_OK)

struct papers {
    struct rng_seeded seed;
    struct rng rng;
    struct arena a;
    struct x25519_pair account, other, device;
    struct buf details, statement, list;
};

static int setup(void **state)
{
    static struct papers p;
    static const uint8_t seed[32] = {3};

    p = (struct papers){.a = arena_new(1 << 20),
                        .details = buf_new(1024),
                        .statement = buf_new(4096),
                        .list = buf_new(4096)};
    p.rng = rng_from_seed(&p.seed, seed);
    x25519_generate(&p.rng, &p.account);
    x25519_generate(&p.rng, &p.other);
    x25519_generate(&p.rng, &p.device);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct papers *p = *state;

    arena_free(&p->a);
    buf_free(&p->details);
    buf_free(&p->statement);
    buf_free(&p->list);
    return 0;
}

/* As an account writes it; by: who signs. */
static void write_statement(struct papers *p, const struct x25519_pair *by, bool hosted,
                            bool with_key)
{
    struct adv_identity inner = {
        .raw_id = 5, .timestamp = 1790000000, .key_index = 3, .device_type = hosted};
    struct adv_signed_identity id = {SPAN_NULL, SPAN_ARRAY(by->pub), SPAN_NULL, SPAN_NULL};
    uint8_t sig[XEDDSA_SIG_BYTES], own[XEDDSA_SIG_BYTES];

    buf_clear(&p->details);
    buf_clear(&p->statement);
    OK(adv_identity_encode(&inner, &p->details));
    id.details = buf_span(&p->details);
    OK(adv_make_account_signature(by, id.details, hosted, p->device.pub, &p->rng, sig));
    OK(adv_make_device_signature(&p->device, id.details, by->pub, &p->rng, own));
    id.account_signature = SPAN_ARRAY(sig);
    id.device_signature = SPAN_ARRAY(own);
    OK(adv_signed_identity_encode(&id, with_key, &p->statement));
}

static enum adv_verdict judge(struct papers *p, const uint8_t *account_key)
{
    struct adv_identity details = {0};
    enum adv_verdict v =
        adv_judge_device(buf_span(&p->statement), p->device.pub, account_key, &p->a, &details);

    if (!adv_is_complaint(v)) {
        assert_int_equal(details.key_index, 3);
        assert_int_equal(details.timestamp, 1790000000);
    }
    assert_non_null(adv_verdict_text(v));
    return v;
}

static void a_true_statement_is_genuine(void **state)
{
    struct papers *p = *state;

    for (int hosted = 0; hosted < 2; hosted++) {
        write_statement(p, &p->account, hosted, true);
        assert_int_equal(judge(p, p->account.pub), ADV_GENUINE);
        write_statement(p, &p->account, hosted, false); /* the key may be left out (P-PR-13) */
        assert_int_equal(judge(p, p->account.pub), ADV_GENUINE);
    }
}

/* Hosted devices sign with 06 06 (P-PR-11); for others that is no signature. */
static void hosted_devices_have_their_own_signature(void **state)
{
    struct papers *p = *state;
    static const uint8_t prefix[2] = {6, 6};
    struct span details;
    uint8_t sig[XEDDSA_SIG_BYTES];

    write_statement(p, &p->account, true, true);
    details = buf_span(&p->details);
    const struct span parts[] = {SPAN_ARRAY(prefix), details, SPAN_ARRAY(p->device.pub),
                                 SPAN_ARRAY(p->account.pub)};
    OK(xeddsa_sign_v(p->device.priv, parts, 4, &p->rng, sig));
    OK(adv_check_companion_signature(p->device.pub, details, true, p->account.pub,
                                     SPAN_ARRAY(sig)));
    assert_int_equal(adv_check_companion_signature(p->device.pub, details, false, p->account.pub,
                                                   SPAN_ARRAY(sig)),
                     WB_ERR_BAD_SIGNATURE);
}

static void what_is_not_known_is_no_complaint(void **state)
{
    struct papers *p = *state;

    write_statement(p, &p->other, false, true);
    assert_int_equal(judge(p, NULL), ADV_UNKNOWN); /* good in itself: more cannot be said */
    p->device.pub[4] ^= 1;
    assert_int_equal(judge(p, NULL), ADV_BAD_ACCOUNT_SIGNATURE);
}

static void false_statements_are_seen(void **state)
{
    struct papers *p = *state;
    struct adv_signed_identity id;
    struct buf out = buf_new(4096);

    write_statement(p, &p->other, false, true);
    assert_int_equal(judge(p, p->account.pub), ADV_OTHER_ACCOUNT);
    write_statement(p, &p->other, false, false);
    assert_int_equal(judge(p, p->account.pub), ADV_BAD_ACCOUNT_SIGNATURE);
    /* A true one, shown by another device. */
    write_statement(p, &p->account, false, true);
    p->device.pub[4] ^= 1;
    assert_int_equal(judge(p, p->account.pub), ADV_BAD_ACCOUNT_SIGNATURE);
    p->device.pub[4] ^= 1;
    /* Each part of it gone. */
    OK(adv_signed_identity_decode(buf_span(&p->statement), &p->a, &id));
    for (int i = 0; i < 2; i++) {
        struct adv_signed_identity less = id;
        struct adv_identity details;

        *(i ? &less.device_signature : &less.account_signature) = SPAN_NULL;
        buf_clear(&out);
        OK(adv_signed_identity_encode(&less, true, &out));
        assert_int_equal(
            adv_judge_device(buf_span(&out), p->device.pub, p->account.pub, &p->a, &details),
            i ? ADV_BAD_DEVICE_SIGNATURE : ADV_BAD_ACCOUNT_SIGNATURE);
    }
    buf_clear(&p->statement);
    assert_int_equal(judge(p, p->account.pub), ADV_MISSING);
    buf_append(&p->statement, SPAN_LIT("\x0a\x7fno statement"));
    assert_int_equal(judge(p, p->account.pub), ADV_MALFORMED);
    buf_free(&out);
}

static void lists_are_signed_by_their_account(void **state)
{
    struct papers *p = *state;
    static const uint8_t prefix[2] = {6, 2};
    const uint32_t valid[] = {0, 3};
    struct adv_key_list keys = {
        .raw_id = 5, .timestamp = 9, .current_index = 3, .valid = valid, .nvalid = 2};
    struct adv_signed_key_list list = {0};
    uint8_t sig[XEDDSA_SIG_BYTES];

    OK(adv_key_list_encode(&keys, &p->details));
    list.details = buf_span(&p->details);
    const struct span parts[] = {SPAN_ARRAY(prefix), list.details};
    OK(xeddsa_sign_v(p->account.priv, parts, 2, &p->rng, sig));
    list.account_signature = SPAN_ARRAY(sig);
    OK(adv_signed_key_list_encode(&list, &p->list));
    assert_int_equal(adv_judge_list(buf_span(&p->list), p->account.pub, &p->a), ADV_GENUINE);
    assert_int_equal(adv_judge_list(buf_span(&p->list), NULL, &p->a), ADV_UNKNOWN);
    assert_int_equal(adv_judge_list(buf_span(&p->list), p->other.pub, &p->a), ADV_BAD_LIST);
    assert_int_equal(adv_judge_list(SPAN_LIT("\x0a"), p->account.pub, &p->a), ADV_MALFORMED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_true_statement_is_genuine),       T(hosted_devices_have_their_own_signature),
        T(what_is_not_known_is_no_complaint), T(false_statements_are_seen),
        T(lists_are_signed_by_their_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
