/* The Noise handshake protobufs (P-HS-05..10, 16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/handshake_wire.h"
#include "tests/unit/proto/wire_vectors.h"

static const uint8_t sealed[48] = {7, 7, 7};

static void client_hello_bytes(void **state)
{
    (void)state;
    struct buf out = buf_new(256);
    struct arena a = arena_new(1 << 16);
    struct handshake_client_hello h = {0}, back;

    counting(h.ephemeral, 32, 1);
    assert_int_equal(handshake_client_hello_encode(&h, &out), WB_OK);
    assert_hex(&out, "1222"
                     "0a200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
    assert_int_equal(handshake_client_hello_decode(buf_span(&out), &a, &back), WB_OK);
    assert_memory_equal(back.ephemeral, h.ephemeral, 32);
    assert_true(span_is_null(back.static_ct) && span_is_null(back.payload_ct));
    buf_free(&out);
    arena_free(&a);
}

/* Post-quantum fields, as a newer client would send them, are passed over. */
static void unknown_fields_are_ignored(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 16);
    struct handshake_client_hello h;
    struct buf in =
        vector_bytes("122a"
                     "0a200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
                     "48035204aabbccdd"
                     "8a0103010203");

    assert_int_equal(handshake_client_hello_decode(buf_span(&in), &a, &h), WB_OK);
    assert_int_equal(h.ephemeral[31], 0x20);
    buf_free(&in);
    arena_free(&a);
}

static void server_hello_and_finish_round_trip(void **state)
{
    (void)state;
    struct buf out = buf_new(1024);
    struct arena a = arena_new(1 << 16);
    struct handshake_server_hello h = {.static_ct = SPAN_ARRAY(sealed),
                                       .payload_ct = SPAN_LIT("at least sixteen bytes")};
    struct handshake_server_hello h2;
    struct handshake_client_finish f = {SPAN_ARRAY(sealed), SPAN_LIT("another sealed payload")};
    struct handshake_client_finish f2;
    struct handshake_client_hello c;

    counting(h.ephemeral, 32, 9);
    assert_int_equal(handshake_server_hello_encode(&h, &out), WB_OK);
    assert_int_equal(out.p[0], 0x1a); /* field 3 */
    assert_int_equal(handshake_server_hello_decode(buf_span(&out), &a, &h2), WB_OK);
    assert_memory_equal(h2.ephemeral, h.ephemeral, 32);
    assert_true(span_eq(h2.static_ct, h.static_ct) && span_eq(h2.payload_ct, h.payload_ct));
    /* One message is not taken for another. */
    assert_int_equal(handshake_client_hello_decode(buf_span(&out), &a, &c), WB_ERR_PROTOCOL);
    assert_int_equal(handshake_client_finish_decode(buf_span(&out), &a, &f2), WB_ERR_PROTOCOL);

    buf_clear(&out);
    assert_int_equal(handshake_client_finish_encode(&f, &out), WB_OK);
    assert_int_equal(out.p[0], 0x22); /* field 4 */
    assert_int_equal(handshake_client_finish_decode(buf_span(&out), &a, &f2), WB_OK);
    assert_true(span_eq(f2.static_ct, f.static_ct) && span_eq(f2.payload_ct, f.payload_ct));
    buf_free(&out);
    arena_free(&a);
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    struct buf out = buf_new(1024);
    struct arena a = arena_new(1 << 16);
    struct handshake_client_hello c;
    struct handshake_server_hello h = {.static_ct = SPAN_LIT("short"),
                                       .payload_ct = SPAN_ARRAY(sealed)};
    struct buf key31 =
        vector_bytes("12210a1f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    /* serverHello with a 47 byte static and no payload */
    struct buf bare =
        vector_bytes("1a22"
                     "0a200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");

    assert_int_equal(handshake_server_hello_encode(&h, &out), WB_ERR_INVALID);
    assert_int_equal(out.n, 0);
    assert_int_equal(handshake_client_hello_decode(buf_span(&key31), &a, &c), WB_ERR_MALFORMED);
    assert_int_equal(handshake_server_hello_decode(buf_span(&bare), &a, &h), WB_ERR_MALFORMED);
    assert_int_equal(handshake_client_hello_decode(SPAN_LIT(""), &a, &c), WB_ERR_PROTOCOL);
    assert_int_equal(handshake_client_hello_decode(SPAN_LIT("\x12\x7f\x0a"), &a, &c),
                     WB_ERR_MALFORMED);
    buf_free(&key31);
    buf_free(&bare);
    buf_free(&out);
    arena_free(&a);
}

static void certificates_round_trip(void **state)
{
    (void)state;
    struct buf details = buf_new(256);
    struct buf out = buf_new(1024);
    struct arena a = arena_new(1 << 16);
    struct cert_wire_details d = {
        .serial = 7, .issuer_serial = 0, .not_before = 1700000000, .not_after = 1800000000};
    struct cert_wire_details d2;
    struct cert_wire_chain c = {0}, c2;

    counting(d.key, 32, 1);
    assert_int_equal(cert_wire_details_encode(&d, &details), WB_OK);
    assert_hex(&details, "08071000"
                         "1a200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
                         "2080e2cfaa062880a4a7da06");
    c.leaf.details = buf_span(&details);
    c.intermediate.details = SPAN_LIT("raw");
    counting(c.leaf.signature, 64, 3);
    counting(c.intermediate.signature, 64, 5);
    assert_int_equal(cert_wire_chain_encode(&c, &out), WB_OK);
    assert_int_equal(cert_wire_chain_decode(buf_span(&out), &a, &c2), WB_OK);
    assert_true(span_eq(c2.leaf.details, buf_span(&details)));
    assert_memory_equal(c2.leaf.signature, c.leaf.signature, 64);
    assert_memory_equal(c2.intermediate.signature, c.intermediate.signature, 64);
    assert_int_equal(cert_wire_details_decode(c2.leaf.details, &a, &d2), WB_OK);
    assert_int_equal(d2.serial, 7);
    assert_int_equal(d2.not_after, 1800000000);
    assert_memory_equal(d2.key, d.key, 32);
    /* Every cut of the chain is an error, never a crash. */
    for (size_t n = 0; n < out.n; n++)
        assert_int_not_equal(cert_wire_chain_decode(span_first(buf_span(&out), n), &a, &c2), WB_OK);
    buf_free(&details);
    buf_free(&out);
    arena_free(&a);
}

/* What a peer sends cannot take more memory than the arena has. */
static void arena_bounds_the_parser(void **state)
{
    (void)state;
    struct arena a = arena_new(512);
    struct buf in = buf_new(8192);
    struct handshake_client_hello h;

    buf_append(&in, SPAN_LIT("\x12\xa0\x1f")); /* clientHello of 4000 bytes */
    for (int i = 0; i < 2000; i++)
        buf_append(&in, SPAN_LIT("\x0a\x00"));
    assert_int_equal(buf_err(&in), WB_OK);
    assert_int_equal(handshake_client_hello_decode(buf_span(&in), &a, &h), WB_ERR_TOO_LARGE);
    buf_free(&in);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_hello_bytes),
        cmocka_unit_test(unknown_fields_are_ignored),
        cmocka_unit_test(server_hello_and_finish_round_trip),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(certificates_round_trip),
        cmocka_unit_test(arena_bounds_the_parser),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
