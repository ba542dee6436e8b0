/* ADV protobufs of pairing (P-PR-08..13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/pair_wire.h"
#include "tests/unit/proto/wire_vectors.h"

static void signed_identity_with_and_without_account_key(void **state)
{
    (void)state;
    struct buf in = vector_bytes(VECTOR_IDENTITY);
    struct buf out = buf_new(1024);
    struct arena a = arena_new(1 << 16);
    struct adv_signed_identity v, reply;

    assert_int_equal(adv_signed_identity_decode(buf_span(&in), &a, &v), WB_OK);
    assert_int_equal(v.account_key.n, 32);
    assert_int_equal(v.device_signature.p[0], 3);
    assert_int_equal(adv_signed_identity_encode(&v, true, &out), WB_OK);
    assert_hex(&out, VECTOR_IDENTITY);
    /* The reply to pair-success leaves out field 2 (P-PR-13). */
    buf_clear(&out);
    assert_int_equal(adv_signed_identity_encode(&v, false, &out), WB_OK);
    assert_int_equal(out.n, in.n - 34);
    assert_int_equal(adv_signed_identity_decode(buf_span(&out), &a, &reply), WB_OK);
    assert_true(span_is_null(reply.account_key));
    assert_true(span_eq(reply.account_signature, v.account_signature));
    buf_free(&in);
    buf_free(&out);
    arena_free(&a);
}

static void client_props_say_whether_chats_are_kept_under_lids(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 16);
    bool migrated = false;

    assert_int_equal(client_props_decode(SPAN_LIT("\x08\x01"), &a, &migrated), WB_OK);
    assert_true(migrated);
    assert_int_equal(client_props_decode(SPAN_LIT("\x08\0"), &a, &migrated), WB_OK);
    assert_false(migrated);
    /* Other fields alone say nothing of it. */
    assert_int_equal(client_props_decode(SPAN_LIT("\x10\x01"), &a, &migrated), WB_ERR_NOT_FOUND);
    assert_int_equal(client_props_decode(SPAN_NULL, &a, &migrated), WB_ERR_NOT_FOUND);
    assert_int_equal(client_props_decode(SPAN_LIT("\x08"), &a, &migrated), WB_ERR_MALFORMED);
    arena_free(&a);
}

static void hmac_envelope(void **state)
{
    (void)state;
    struct buf out = buf_new(256);
    struct arena a = arena_new(1 << 16);
    struct adv_signed_hmac v = {.details = SPAN_LIT("details"), .hosted = true}, back;

    counting(v.hmac, 32, 0);
    assert_int_equal(adv_signed_hmac_encode(&v, &out), WB_OK);
    assert_hex(&out, "0a0764657461696c73"
                     "1220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                     "1801");
    assert_int_equal(adv_signed_hmac_decode(buf_span(&out), &a, &back), WB_OK);
    assert_span(back.details, "details");
    assert_true(back.hosted);
    assert_memory_equal(back.hmac, v.hmac, 32);
    buf_free(&out);
    arena_free(&a);
}

static void device_identity(void **state)
{
    (void)state;
    struct buf out = buf_new(256);
    struct arena a = arena_new(1 << 16);
    struct adv_identity v = {300, 1700000000, 4, 0, 1}, back;

    assert_int_equal(adv_identity_encode(&v, &out), WB_OK);
    assert_hex(&out, "08ac021080e2cfaa0618042801");
    assert_int_equal(adv_identity_decode(buf_span(&out), &a, &back), WB_OK);
    assert_int_equal(back.raw_id, 300);
    assert_int_equal(back.timestamp, 1700000000);
    assert_int_equal(back.key_index, 4);
    assert_int_equal(back.account_type, ADV_E2EE);
    assert_int_equal(back.device_type, ADV_HOSTED);
    buf_free(&out);
    arena_free(&a);
}

static void key_index_lists(void **state)
{
    (void)state;
    static const uint32_t valid[] = {0, 2, 300};
    struct adv_key_list v = {300, 1700000000, 2, valid, 3, 0}, back;
    struct adv_signed_key_list s, s2;
    struct buf out = buf_new(512);
    struct buf sealed = buf_new(512);
    struct arena a = arena_new(1 << 16);
    uint8_t sig[64] = {1}, key[32] = {2};

    assert_int_equal(adv_key_list_encode(&v, &out), WB_OK);
    assert_hex(&out, VECTOR_KEYLIST);
    s = (struct adv_signed_key_list){buf_span(&out), SPAN_ARRAY(sig), SPAN_ARRAY(key)};
    assert_int_equal(adv_signed_key_list_encode(&s, &sealed), WB_OK);
    assert_int_equal(adv_signed_key_list_decode(buf_span(&sealed), &a, &s2), WB_OK);
    assert_int_equal(adv_key_list_decode(s2.details, &a, &back), WB_OK);
    assert_int_equal(back.nvalid, 3);
    assert_int_equal(back.valid[2], 300);
    /* Indexes that are not packed are read as well. */
    struct buf loose = vector_bytes("08ac0220002002");
    assert_int_equal(adv_key_list_decode(buf_span(&loose), &a, &back), WB_OK);
    assert_int_equal(back.nvalid, 2);
    buf_free(&loose);
    buf_free(&out);
    buf_free(&sealed);
    arena_free(&a);
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 16);
    struct adv_signed_identity v;
    struct adv_signed_hmac h;

    assert_int_equal(adv_signed_identity_decode(SPAN_LIT(""), &a, &v), WB_ERR_MALFORMED);
    assert_int_equal(adv_signed_identity_decode(SPAN_LIT("\x0a\x01x\x12\x02hi"), &a, &v),
                     WB_ERR_MALFORMED);
    assert_int_equal(adv_signed_identity_decode(SPAN_LIT("\x0a\x01x\x1a\x02hi"), &a, &v),
                     WB_ERR_MALFORMED);
    assert_int_equal(adv_signed_hmac_decode(SPAN_LIT("\x0a\x01x\x12\x02hi"), &a, &h),
                     WB_ERR_MALFORMED);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_identity_with_and_without_account_key),
        cmocka_unit_test(client_props_say_whether_chats_are_kept_under_lids),
        cmocka_unit_test(hmac_envelope),
        cmocka_unit_test(device_identity),
        cmocka_unit_test(key_index_lists),
        cmocka_unit_test(wrong_sizes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
