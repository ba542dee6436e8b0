/* Bodies of Signal messages (P-SG-10, 12, 19, 20, 25, 26). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/signal_wire.h"
#include "tests/unit/proto/wire_vectors.h"

#define KEY_HEX "05000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void fill_key(uint8_t key[33])
{
    key[0] = 5;
    counting(key + 1, 32, 0);
}

/* All four fields ascending, zeros written, minimal varints: what a Go peer re-serialises. */
static void message_is_canonical(void **state)
{
    (void)state;
    uint8_t key[33];
    struct buf out = buf_new(256);
    struct signal_wire_message m = {key, 0, UINT32_MAX, SPAN_LIT("ct")}, back;

    fill_key(key);
    assert_int_equal(signal_wire_message_encode(&m, &out), WB_OK);
    assert_hex(&out, "0a21" KEY_HEX "1000"
                     "18ffffffff0f"
                     "22026374");
    assert_int_equal(signal_wire_message_decode(buf_span(&out), &back), WB_OK);
    assert_memory_equal(back.ratchet_key, key, 33);
    assert_int_equal(back.counter, 0);
    assert_true(back.previous_counter == UINT32_MAX);
    assert_span(back.ciphertext, "ct");
    buf_free(&out);
}

static void prekey_message_with_and_without_prekey(void **state)
{
    (void)state;
    uint8_t key[33];
    struct buf out = buf_new(512);
    struct signal_wire_prekey_message m = {.has_prekey_id = true,
                                           .prekey_id = 300,
                                           .base_key = key,
                                           .identity = key,
                                           .message = SPAN_LIT("inner"),
                                           .registration_id = 0xffffffff,
                                           .signed_prekey_id = 1};
    struct signal_wire_prekey_message back;
    size_t with;

    fill_key(key);
    assert_int_equal(signal_wire_prekey_message_encode(&m, &out), WB_OK);
    assert_hex(&out, "08ac02"
                     "1221" KEY_HEX "1a21" KEY_HEX "2205696e6e6572"
                     "28ffffffff0f3001");
    assert_int_equal(signal_wire_prekey_message_decode(buf_span(&out), &back), WB_OK);
    assert_true(back.has_prekey_id && back.prekey_id == 300);
    assert_int_equal(back.signed_prekey_id, 1);
    with = out.n;
    m.has_prekey_id = false;
    buf_clear(&out);
    assert_int_equal(signal_wire_prekey_message_encode(&m, &out), WB_OK);
    assert_int_equal(out.n, with - 3);
    assert_int_equal(signal_wire_prekey_message_decode(buf_span(&out), &back), WB_OK);
    assert_false(back.has_prekey_id);
    /* An explicit 0 is the same as none. */
    struct buf zero = buf_new(512);
    buf_append(&zero, SPAN_LIT("\x08\x00"));
    buf_append(&zero, buf_span(&out));
    assert_int_equal(signal_wire_prekey_message_decode(buf_span(&zero), &back), WB_OK);
    assert_false(back.has_prekey_id);
    buf_free(&zero);
    buf_free(&out);
}

static void sender_key_messages(void **state)
{
    (void)state;
    uint8_t key[33], chain[32];
    struct buf out = buf_new(256);
    struct signal_wire_sender_message m = {0xfffffffe, 0, SPAN_LIT("ct")}, m2;
    struct signal_wire_distribution d = {7, 0, chain, key}, d2;

    fill_key(key);
    counting(chain, 32, 0);
    assert_int_equal(signal_wire_sender_message_encode(&m, &out), WB_OK);
    assert_hex(&out, "08feffffff0f10001a026374");
    assert_int_equal(signal_wire_sender_message_decode(buf_span(&out), &m2), WB_OK);
    assert_true(m2.key_id == 0xfffffffe && m2.iteration == 0);
    buf_clear(&out);
    assert_int_equal(signal_wire_distribution_encode(&d, &out), WB_OK);
    assert_hex(
        &out,
        "080710001a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2221" KEY_HEX);
    assert_int_equal(signal_wire_distribution_decode(buf_span(&out), &d2), WB_OK);
    assert_memory_equal(d2.chain_key, chain, 32);
    assert_memory_equal(d2.signing_key, key, 33);
    buf_free(&out);
}

static enum wb_err decode_hex(const char *hex)
{
    struct buf in = vector_bytes(hex);
    struct signal_wire_message m;
    enum wb_err err = signal_wire_message_decode(buf_span(&in), &m);

    buf_free(&in);
    return err;
}

static void hostile_messages(void **state)
{
    (void)state;
    /* missing parts, wrong key form, counter over 32 bits, wrong wire type, group, field 0 */
    assert_int_equal(decode_hex(""), WB_ERR_MALFORMED);
    assert_int_equal(decode_hex("0a21" KEY_HEX "10001800"), WB_ERR_MALFORMED);
    assert_int_equal(decode_hex("100018002200"), WB_ERR_MALFORMED);
    assert_int_equal(decode_hex("0a03050102"
                                "2200"),
                     WB_ERR_BAD_KEY);
    assert_int_equal(decode_hex("0a2106000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c"
                                "1d1e1f2200"),
                     WB_ERR_BAD_KEY);
    assert_int_equal(decode_hex("0a21" KEY_HEX "108080808010"
                                "2200"),
                     WB_ERR_MALFORMED);
    assert_int_equal(decode_hex("0a21" KEY_HEX "12012A"
                                "2200"),
                     WB_ERR_MALFORMED);
    assert_int_equal(decode_hex("0a21" KEY_HEX "2b"), WB_ERR_MALFORMED);
    assert_int_equal(decode_hex("0200"), WB_ERR_MALFORMED);
    assert_int_equal(decode_hex("0aff"), WB_ERR_TRUNCATED);
    assert_int_equal(decode_hex("10ffffffffffffffffff02"), WB_ERR_MALFORMED);
    /* Unknown fields of every wire type, in any order, are no obstacle. */
    assert_int_equal(decode_hex("2200"
                                "7801"
                                "79"
                                "0102030405060708"
                                "7a0161"
                                "7d"
                                "01020304"
                                "0a21" KEY_HEX),
                     WB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_canonical),
        cmocka_unit_test(prekey_message_with_and_without_prekey),
        cmocka_unit_test(sender_key_messages),
        cmocka_unit_test(hostile_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
