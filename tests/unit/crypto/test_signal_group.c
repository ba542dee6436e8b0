/* Sender keys: the constants, and the situations that real groups bring about. */
#include "tests/unit/crypto/group_fixture.h"

#include <stdio.h>

#include "proto/signal_wire.h"

static void message_key_vector(void **state)
{
    uint8_t k[32], expected[32];
    struct sender_message_key key;

    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        k[i] = i;
    sender_message_key_derive(3, k, &key);
    from_hex("ed1f5e26325b1399f6a34c76e47ff047", expected, 16);
    assert_memory_equal(key.iv, expected, 16);
    from_hex("d89f10a08215e845ceb4df3fc59c052ad09e01cd499650025ff83df48ed656e6", expected, 32);
    assert_memory_equal(key.cipher_key, expected, 32);
    assert_int_equal(key.iteration, 3);
    sender_chain_key_next(k); /* the same step as in P-TV-12 */
    from_hex("4304c22c84a53755ab08ead8d97a8d429be5efa480682d7ad1da27f73e1fbe1d", expected, 32);
    assert_memory_equal(k, expected, 32);
}

static void wire_form(void **state)
{
    struct group *g = *state;
    struct signal_wire_distribution d;
    struct signal_wire_sender_message m;
    struct buf skdm = distribution(g), message = write_text(g, "hello");

    assert_int_equal(skdm.p[0], 0x33);
    assert_int_equal(signal_wire_distribution_decode(SPAN(skdm.p + 1, skdm.n - 1), &d), WB_OK);
    assert_int_equal(d.iteration, 0);
    assert_int_equal(message.p[0], 0x33);
    assert_int_equal(signal_wire_sender_message_decode(SPAN(message.p + 1, message.n - 65), &m),
                     WB_OK);
    assert_int_equal(m.key_id, d.key_id);
    assert_int_equal(m.iteration, 0);
    assert_int_equal(m.ciphertext.n, 16);
    /* The signature is over version byte and protobuf (P-SG-26). */
    assert_int_equal(xeddsa_verify(d.signing_key + 1, SPAN(message.p, message.n - 64),
                                   message.p + message.n - 64),
                     WB_OK);
    buf_free(&skdm);
    buf_free(&message);
}

static void in_order(void **state)
{
    struct group *g = *state;
    char text[16];

    introduce(g);
    for (int i = 0; i < 40; i++) {
        struct buf m;

        snprintf(text, sizeof text, "m%d", i);
        m = write_text(g, text);
        reads(g, &m, text);
        refuses(g, &m, WB_ERR_OLD_COUNTER);
        buf_free(&m);
    }
    assert_int_equal(g->theirs->states[0]->nkeys, 0);
}

/* Read with the chain as it was before the message that carries it (P-SG-30), not earlier. */
static void late_member(void **state)
{
    struct group *g = *state;
    struct buf before = write_text(g, "not for you"), after;

    introduce(g);
    after = write_text(g, "for you");
    reads(g, &after, "for you");
    refuses(g, &before, WB_ERR_OLD_COUNTER);
    buf_free(&before);
    buf_free(&after);
}

static void out_of_order(void **state)
{
    struct group *g = *state;

    enum { N = 60 };
    struct buf m[N];
    char text[16];

    introduce(g);
    for (int i = 0; i < N; i++) {
        snprintf(text, sizeof text, "m%d", i);
        m[i] = write_text(g, text);
    }
    for (int i = 0; i < N; i++) {
        int at = i * 37 % N; /* 37 and 60 have no common factor: each once */

        snprintf(text, sizeof text, "m%d", at);
        reads(g, &m[at], text);
        refuses(g, &m[at], WB_ERR_OLD_COUNTER);
    }
    assert_int_equal(g->theirs->states[0]->nkeys, 0);
    for (int i = 0; i < N; i++)
        buf_free(&m[i]);
}

static void unknown_keys(void **state)
{
    struct group *g = *state;
    struct buf m = write_text(g, "x"), out = buf_new(TEXT_MAX);
    struct sender_key_record *empty = sender_key_record_new();

    refuses(g, &m, WB_ERR_NO_SENDER_KEY);
    introduce(g);
    buf_free(&m);
    assert_int_equal(sender_key_create(g->own, &g->rng), WB_OK);
    m = write_text(g, "under the new key");
    refuses(g, &m, WB_ERR_BAD_KEY_ID);
    /* What we only receive for cannot encrypt nor be passed on. */
    assert_int_equal(sender_key_encrypt(g->theirs, SPAN_LIT("x"), &g->rng, &out),
                     WB_ERR_NO_SENDER_KEY);
    assert_int_equal(sender_key_distribution(g->theirs, &out), WB_ERR_NO_SENDER_KEY);
    assert_int_equal(sender_key_distribution(empty, &out), WB_ERR_NO_SENDER_KEY);
    assert_int_equal(out.n, 0);
    sender_key_record_free(empty);
    buf_free(&m);
}

static void damaged_bytes(void **state)
{
    struct group *g = *state;
    struct buf m, skdm;

    introduce(g);
    m = write_text(g, "a message");
    for (size_t i = 0; i < m.n; i++) {
        uint8_t before[32], after[32];
        struct buf plain = buf_new(TEXT_MAX);

        record_digest(g->theirs, before);
        m.p[i] ^= 0x10;
        assert_int_not_equal(sender_key_decrypt(g->theirs, buf_span(&m), &plain), WB_OK);
        assert_int_not_equal(sender_key_decrypt(g->theirs, span_first(buf_span(&m), i), &plain),
                             WB_OK);
        m.p[i] ^= 0x10;
        record_digest(g->theirs, after);
        assert_memory_equal(before, after, 32);
        assert_int_equal(plain.n, 0);
        buf_free(&plain);
    }
    m.p[m.n - 1] ^= 1;
    refuses(g, &m, WB_ERR_BAD_SIGNATURE);
    m.p[m.n - 1] ^= 1;
    m.p[0] = 0x43;
    refuses(g, &m, WB_ERR_VERSION);
    m.p[0] = 0x33;
    reads(g, &m, "a message");
    buf_free(&m);

    skdm = distribution(g);
    for (size_t n = 0; n < skdm.n; n++)
        assert_int_not_equal(
            sender_key_process_distribution(g->theirs, span_first(buf_span(&skdm), n)), WB_OK);
    skdm.p[0] = 0x23;
    assert_int_equal(sender_key_process_distribution(g->theirs, buf_span(&skdm)), WB_ERR_VERSION);
    assert_int_equal(g->theirs->nstates, 1);
    buf_free(&skdm);
}

static void skip_limits(void **state)
{
    struct group *g = *state;
    struct buf first, second, at_limit, beyond, on;

    introduce(g);
    first = write_text(g, "first");
    second = write_text(g, "second");
    lose(g, SENDER_KEY_FORWARD_MAX - 2);
    at_limit = write_text(g, "2000 ahead");
    beyond = write_text(g, "2001 ahead");
    refuses(g, &beyond, WB_ERR_TOO_FAR_AHEAD);
    reads(g, &at_limit, "2000 ahead");
    assert_int_equal(g->theirs->states[0]->nkeys, SENDER_KEY_MESSAGE_KEYS_MAX);
    reads(g, &beyond, "2001 ahead");
    lose(g, 1);
    on = write_text(g, "on");
    reads(g, &on, "on");
    assert_int_equal(g->theirs->states[0]->nkeys, SENDER_KEY_MESSAGE_KEYS_MAX);
    refuses(g, &first, WB_ERR_OLD_COUNTER);
    reads(g, &second, "second");
    buf_free(&first);
    buf_free(&second);
    buf_free(&at_limit);
    buf_free(&beyond);
    buf_free(&on);
}

static void last_iteration_and_full_output(void **state)
{
    struct group *g = *state;
    struct buf small = buf_new(60), m;
    uint8_t before[32], after[32];

    record_digest(g->own, before);
    assert_int_equal(sender_key_encrypt(g->own, SPAN_LIT("x"), &g->rng, &small), WB_ERR_TOO_LARGE);
    assert_int_equal(small.n, 0);
    buf_free(&small);
    record_digest(g->own, after);
    assert_memory_equal(before, after, 32);
    g->own->states[0]->iteration = UINT32_MAX - 1;
    introduce(g);
    m = write_text(g, "the last one");
    small = buf_new(4);
    record_digest(g->theirs, before);
    assert_int_equal(sender_key_decrypt(g->theirs, buf_span(&m), &small), WB_ERR_TOO_LARGE);
    record_digest(g->theirs, after);
    assert_memory_equal(before, after, 32);
    buf_free(&small);
    reads(g, &m, "the last one");
    refuses(g, &m, WB_ERR_OLD_COUNTER);
    small = buf_new(TEXT_MAX);
    assert_int_equal(sender_key_encrypt(g->own, SPAN_LIT("x"), &g->rng, &small), WB_ERR_STATE);
    buf_free(&small);
    buf_free(&m);
}

static void clone_is_deep(void **state)
{
    struct group *g = *state;
    struct buf skipped, m;
    struct sender_key_record *copy;
    uint8_t a[32], b[32];

    introduce(g);
    skipped = write_text(g, "skipped");
    m = write_text(g, "m");
    reads(g, &m, "m");
    copy = sender_key_record_clone(g->theirs);
    assert_non_null(copy);
    record_digest(copy, a);
    record_digest(g->theirs, b);
    assert_memory_equal(a, b, 32);
    reads(g, &skipped, "skipped");
    record_digest(copy, b);
    assert_memory_equal(a, b, 32);
    sender_key_record_free(g->theirs);
    g->theirs = copy;
    reads(g, &skipped, "skipped");
    buf_free(&skipped);
    buf_free(&m);
}

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, group_setup, group_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(message_key_vector),
        SCENARIO(wire_form),
        SCENARIO(in_order),
        SCENARIO(late_member),
        SCENARIO(out_of_order),
        SCENARIO(unknown_keys),
        SCENARIO(damaged_bytes),
        SCENARIO(skip_limits),
        SCENARIO(last_iteration_and_full_output),
        SCENARIO(clone_is_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
