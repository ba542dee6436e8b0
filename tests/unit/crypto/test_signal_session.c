/* Pairwise sessions: the constants, and the situations that real peers bring about. */
#include <stdio.h>

#include "proto/signal_wire.h"
#include "signal_pair.h"

static void assert_hex(const uint8_t *p, size_t n, const char *hex)
{
    uint8_t expected[128];

    from_hex(hex, expected, n);
    assert_memory_equal(p, expected, n);
}

static void counting(uint8_t k[static 32])
{
    for (uint8_t i = 0; i < 32; i++)
        k[i] = i;
}

static void first_keys_vector(void **unused)
{
    uint8_t k[32], root[32];
    struct signal_chain_key chain;

    (void)unused;
    counting(k);
    signal_derive_first(SPAN_ARRAY(k), root, &chain);
    assert_hex(root, 32, "31b2e937b12363c3e3aa8ff5c5b6a1be59a180a1e59b0351cc998092ed4fa336");
    assert_hex(chain.key, 32, "6a4902c7db8e6c8c05ef832902aabcfdeb2fb4fa346f66de0c346112818df1a5");
    assert_int_equal(chain.index, 0);
}

static void message_keys_vector(void **unused)
{
    struct signal_chain_key chain = {.index = 7};
    struct signal_message_keys keys;

    (void)unused;
    counting(chain.key);
    signal_message_keys_derive(&chain, &keys);
    assert_hex(keys.cipher_key, 32,
               "86268814b41f5fd154659f26873660e3dbc8b205155c3b59b8570b015d773c0c");
    assert_hex(keys.mac_key, 32,
               "dea51fa5beca2618971c4292647b81e83f2b4edd03e0d292a87ec66e0163abdb");
    assert_hex(keys.iv, 16, "21cfd5b9956a1631f6b7b5b5bdf7b791");
    assert_int_equal(keys.index, 7);
    signal_chain_key_next(&chain);
    assert_hex(chain.key, 32, "4304c22c84a53755ab08ead8d97a8d429be5efa480682d7ad1da27f73e1fbe1d");
    assert_int_equal(chain.index, 8);
}

static void conversation(void **state)
{
    struct pair *p = *state;
    struct letter l;

    /* pkmsg until the peer has answered (P-SG-13). */
    for (int i = 0; i < 3; i++) {
        l = person_write(&p->a, "hello");
        assert_int_equal(l.kind, SIGNAL_PKMSG);
        person_reads(&p->b, &l, "hello");
        letter_free(&l);
    }
    assert_true(p->b.gone[0]);
    l = person_write(&p->b, "yes?");
    assert_int_equal(l.kind, SIGNAL_MSG);
    person_reads(&p->a, &l, "yes?");
    letter_free(&l);
    l = person_write(&p->a, "now msg");
    assert_int_equal(l.kind, SIGNAL_MSG);
    person_reads(&p->b, &l, "now msg");
    letter_free(&l);
    for (int i = 0; i < 30; i++) {
        talk(&p->a, &p->b, "ping");
        talk(&p->a, &p->b, "");
        talk(&p->b, &p->a, "pong");
    }
    assert_int_equal(p->a.session->current->nreceiver_chains, SIGNAL_RECEIVER_CHAINS_MAX);
    assert_int_equal(p->a.session->current->remote_registration_id, 1002);
    assert_int_equal(p->b.session->current->remote_registration_id, 1001);
}

/* Fields 1 to 4 in ascending order, zeros included (P-SG-19); the header says what it should. */
static void wire_form(void **state)
{
    struct pair *p = *state;
    struct letter l = person_write(&p->a, "hello");
    struct signal_prekey_header h;
    struct signal_wire_message m;
    const uint8_t *in;

    assert_int_equal(signal_prekey_header_parse(buf_span(&l.bytes), &h), WB_OK);
    assert_int_equal(l.bytes.p[0], 0x33);
    assert_true(h.has_prekey_id);
    assert_int_equal(h.prekey_id, 1);
    assert_int_equal(h.signed_prekey_id, 2);
    assert_int_equal(h.registration_id, 1001);
    assert_memory_equal(h.identity, p->a.local.identity.pub, 32);
    assert_memory_equal(h.base_key, p->a.session->current->base_key, 32);
    in = h.message.p;
    assert_int_equal(h.message.n, 1 + 2 + 33 + 2 + 2 + 2 + 16 + 8);
    assert_int_equal(in[0], 0x33);
    assert_memory_equal(in + 1, "\x0a\x21\x05", 3);
    assert_memory_equal(in + 36, "\x10\x00\x18\x00\x22\x10", 6);
    assert_int_equal(signal_wire_message_decode(SPAN(in + 1, h.message.n - 9), &m), WB_OK);
    assert_int_equal(m.counter, 0);
    letter_free(&l);
}

static void without_one_time_prekey(void **state)
{
    struct pair *p = *state;
    struct signal_prekey_header h;
    struct letter l;

    person_start(&p->a, &p->b, 0);
    l = person_write(&p->a, "no prekey");
    assert_int_equal(signal_prekey_header_parse(buf_span(&l.bytes), &h), WB_OK);
    assert_false(h.has_prekey_id);
    person_reads(&p->b, &l, "no prekey");
    for (int i = 0; i < PREKEYS; i++)
        assert_false(p->b.gone[i]);
    letter_free(&l);
    talk(&p->b, &p->a, "fine");
}

/* The other end takes a prekey id of 0 for none (P-SG-12): such a key is not used. */
static void a_one_time_prekey_with_the_id_0_is_none(void **state)
{
    struct pair *p = *state;
    struct signal_bundle bundle = person_bundle(&p->b, 1);
    struct signal_prekey_header h;
    struct letter l;

    bundle.prekey_id = 0;
    assert_int_equal(signal_session_start(p->a.session, &p->a.local, &bundle, &p->a.rng), WB_OK);
    l = person_write(&p->a, "no prekey");
    assert_int_equal(signal_prekey_header_parse(buf_span(&l.bytes), &h), WB_OK);
    assert_false(h.has_prekey_id);
    person_reads(&p->b, &l, "no prekey");
    letter_free(&l);
    talk(&p->b, &p->a, "fine");
}

static void bundle_signature(void **state)
{
    struct pair *p = *state;
    struct signal_bundle b = person_bundle(&p->b, 2);
    uint8_t before[32], after[32];

    session_digest(p->a.session, before);
    b.signed_prekey[3] ^= 1;
    assert_int_equal(signal_session_start(p->a.session, &p->a.local, &b, &p->a.rng),
                     WB_ERR_BAD_SIGNATURE);
    b.signed_prekey[3] ^= 1;
    memset(b.prekey, 0, sizeof b.prekey);
    assert_int_equal(signal_session_start(p->a.session, &p->a.local, &b, &p->a.rng),
                     WB_ERR_BAD_KEY);
    session_digest(p->a.session, after);
    assert_memory_equal(before, after, 32);
}

static void out_of_order_in_one_chain(void **state)
{
    struct pair *p = *state;

    enum { N = 50 };
    struct letter l[N];
    char text[16];

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    for (int i = 0; i < N; i++) {
        snprintf(text, sizeof text, "m%d", i);
        l[i] = person_write(&p->a, text);
    }
    for (int i = N - 1; i >= 0; i--) { /* all backwards */
        snprintf(text, sizeof text, "m%d", i);
        person_reads(&p->b, &l[i], text);
        person_refuses(&p->b, &l[i], WB_ERR_OLD_COUNTER);
    }
    for (int i = 0; i < N; i++) {
        person_refuses(&p->b, &l[i], WB_ERR_OLD_COUNTER);
        letter_free(&l[i]);
    }
}

/* Messages of older ratchets come late, as far back as five chains are kept. */
static void out_of_order_across_ratchets(void **state)
{
    struct pair *p = *state;

    enum { ROUNDS = 7 };
    struct letter late[ROUNDS];

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    for (int i = 0; i < ROUNDS; i++) {
        late[i] = person_write(&p->a, "late");
        talk(&p->a, &p->b, "in time");
        talk(&p->b, &p->a, "answer");
    }
    for (int i = 0; i < ROUNDS; i++) {
        if (i < ROUNDS - SIGNAL_RECEIVER_CHAINS_MAX)
            person_refuses(&p->b, &late[i], WB_ERR_BAD_MAC); /* its chain is forgotten */
        else
            person_reads(&p->b, &late[i], "late");
        letter_free(&late[i]);
    }
    talk(&p->a, &p->b, "on");
    talk(&p->b, &p->a, "and on");
}

static void damaged_bytes(void **state)
{
    struct pair *p = *state;
    struct letter l;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    l = person_write(&p->a, "a message");
    for (size_t i = 0; i < l.bytes.n; i++) {
        uint8_t before[32], after[32];
        struct buf plain = buf_new(TEXT_MAX);

        session_digest(p->b.session, before);
        l.bytes.p[i] ^= 0x10;
        /* The low nibble of the version is under the MAC too. */
        assert_int_not_equal(person_open(&p->b, &l, &plain), WB_OK);
        l.bytes.p[i] ^= 0x10;
        session_digest(p->b.session, after);
        assert_memory_equal(before, after, 32);
        assert_int_equal(plain.n, 0);
        buf_free(&plain);
    }
    l.bytes.p[l.bytes.n - 1] ^= 1;
    person_refuses(&p->b, &l, WB_ERR_BAD_MAC);
    l.bytes.p[l.bytes.n - 1] ^= 1;
    for (size_t n = 0; n < l.bytes.n; n++) {
        struct letter cut = {.kind = SIGNAL_MSG, .bytes = buf_new(TEXT_MAX)};
        struct buf plain = buf_new(TEXT_MAX);

        buf_append(&cut.bytes, SPAN(l.bytes.p, n));
        assert_int_not_equal(person_open(&p->b, &cut, &plain), WB_OK);
        letter_free(&cut);
        buf_free(&plain);
    }
    person_reads(&p->b, &l, "a message");
    letter_free(&l);
}

static void versions(void **state)
{
    struct pair *p = *state;
    struct letter l = person_write(&p->a, "x");

    for (unsigned v = 0; v < 16; v++) {
        if (v == 3)
            continue;
        l.bytes.p[0] = (uint8_t)(v << 4 | 3);
        person_refuses(&p->b, &l, WB_ERR_VERSION);
    }
    l.bytes.p[0] = 0x33;
    person_reads(&p->b, &l, "x");
    letter_free(&l);
}

static void skip_limits(void **state)
{
    struct pair *p = *state;
    struct letter first, second, l;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    talk(&p->a, &p->b, "z"); /* b's receiving chain is at 1 now */
    first = person_write(&p->a, "first");
    second = person_write(&p->a, "second");
    for (int i = 0; i < SIGNAL_FORWARD_MAX - 2; i++) {
        l = person_write(&p->a, "lost");
        letter_free(&l);
    }
    l = person_write(&p->a, "2000 ahead");
    {
        struct letter beyond = person_write(&p->a, "2001 ahead");
        person_refuses(&p->b, &beyond, WB_ERR_TOO_FAR_AHEAD);
        person_reads(&p->b, &l, "2000 ahead");
        assert_int_equal(p->b.session->current->receiver_chains[1].nkeys, SIGNAL_MESSAGE_KEYS_MAX);
        person_reads(&p->b, &beyond, "2001 ahead");
        letter_free(&beyond);
    }
    letter_free(&l);
    /* Two more are passed over: the oldest key, that of the first one, drops out. */
    l = person_write(&p->a, "lost");
    letter_free(&l);
    talk(&p->a, &p->b, "on");
    assert_int_equal(p->b.session->current->receiver_chains[1].nkeys, SIGNAL_MESSAGE_KEYS_MAX);
    person_refuses(&p->b, &first, WB_ERR_OLD_COUNTER);
    person_reads(&p->b, &second, "second");
    letter_free(&first);
    letter_free(&second);
}

static void repeated_prekey_message(void **state)
{
    struct pair *p = *state;
    struct letter first = person_write(&p->a, "first");
    struct letter second = person_write(&p->a, "second");
    struct letter third = person_write(&p->a, "third");
    struct signal_prekey_header h;
    struct buf plain = buf_new(TEXT_MAX);
    bool used = true;

    person_reads(&p->b, &first, "first");
    person_refuses(&p->b, &first, WB_ERR_OLD_COUNTER);
    /* Same base key: no prekeys are needed, none is used up. */
    assert_int_equal(signal_prekey_header_parse(buf_span(&second.bytes), &h), WB_OK);
    assert_true(signal_session_has_base_key(p->b.session, h.base_key));
    assert_int_equal(signal_decrypt_prekey(p->b.session, &p->b.local, &h, h.identity, NULL, NULL,
                                           &p->b.rng, &plain, &used),
                     WB_OK);
    assert_false(used);
    assert_int_equal(p->b.session->narchived, 0);
    buf_free(&plain);
    /* The state was archived meanwhile: found by its base key, and promoted. */
    person_start(&p->b, &p->a, 3);
    assert_int_equal(p->b.session->narchived, 1);
    person_reads(&p->b, &third, "third");
    assert_memory_equal(p->b.session->current->base_key, h.base_key, 32);
    assert_int_equal(p->b.session->narchived, 1);
    letter_free(&first);
    letter_free(&second);
    letter_free(&third);
}

static void foreign_identity_with_known_base_key(void **state)
{
    struct pair *p = *state;
    struct letter first = person_write(&p->a, "first");
    struct letter second = person_write(&p->a, "second");
    struct signal_prekey_header h;
    struct buf plain = buf_new(TEXT_MAX);
    bool used = true;

    person_reads(&p->b, &first, "first");
    assert_int_equal(signal_prekey_header_parse(buf_span(&second.bytes), &h), WB_OK);
    h.identity[0] ^= 1;
    assert_int_equal(signal_decrypt_prekey(p->b.session, &p->b.local, &h, h.identity, NULL, NULL,
                                           &p->b.rng, &plain, &used),
                     WB_ERR_UNTRUSTED_IDENTITY);
    assert_true(used);
    person_reads(&p->b, &second, "second");
    letter_free(&first);
    letter_free(&second);
    buf_free(&plain);
}

static void missing_prekeys(void **state)
{
    struct pair *p = *state;
    struct letter l = person_write(&p->a, "x");

    p->b.gone[0] = true;
    person_refuses(&p->b, &l, WB_ERR_BAD_KEY_ID);
    p->b.gone[0] = false;
    p->b.signed_prekey_id++;
    person_refuses(&p->b, &l, WB_ERR_BAD_KEY_ID);
    p->b.signed_prekey_id--;
    /* A damaged inner message uses up nothing. */
    l.bytes.p[l.bytes.n - 8] ^= 1;
    {
        uint8_t before[32], after[32];
        struct buf plain = buf_new(TEXT_MAX);
        session_digest(p->b.session, before);
        assert_int_not_equal(person_open(&p->b, &l, &plain), WB_OK);
        session_digest(p->b.session, after);
        assert_memory_equal(before, after, 32);
        assert_false(p->b.gone[0]);
    }
    l.bytes.p[l.bytes.n - 8] ^= 1;
    person_reads(&p->b, &l, "x");
    assert_true(p->b.gone[0]);
    letter_free(&l);
}

static void no_session(void **state)
{
    struct pair *p = *state;
    struct person c;
    struct letter l;
    enum signal_message_kind kind;
    struct buf out = buf_new(TEXT_MAX);

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    l = person_write(&p->a, "z");
    person_init(&c, 3);
    person_refuses(&c, &l, WB_ERR_NO_SESSION);
    assert_false(signal_session_can_send(c.session));
    assert_int_equal(signal_encrypt(c.session, SPAN_LIT("x"), &kind, &out), WB_ERR_NO_SESSION);
    assert_int_equal(out.n, 0);
    letter_free(&l);
    person_free(&c);
}

/* 4294967295 as previousCounter from Go peers (P-SG-20), and what we send ourselves. */
static void previous_counter(void **state)
{
    struct pair *p = *state;
    struct signal_wire_message m;
    struct letter l;

    p->a.session->current->previous_counter = UINT32_MAX;
    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    for (int i = 0; i < 4; i++)
        talk(&p->a, &p->b, "z");
    talk(&p->b, &p->a, "y");
    l = person_write(&p->a, "new chain");
    assert_int_equal(signal_wire_message_decode(SPAN(l.bytes.p + 1, l.bytes.n - 9), &m), WB_OK);
    assert_int_equal(m.previous_counter, 3);
    assert_int_equal(m.counter, 0);
    letter_free(&l);
}

static void last_counter(void **state)
{
    struct pair *p = *state;
    enum signal_message_kind kind;
    struct buf out = buf_new(TEXT_MAX);
    struct letter l;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    talk(&p->a, &p->b, "z");
    p->a.session->current->sender_chain.chain_key.index = UINT32_MAX - 1;
    p->b.session->current->receiver_chains[1].chain_key.index = UINT32_MAX - 1;
    memcpy(p->b.session->current->receiver_chains[1].chain_key.key,
           p->a.session->current->sender_chain.chain_key.key, 32);
    l = person_write(&p->a, "last");
    assert_int_equal(signal_encrypt(p->a.session, SPAN_LIT("x"), &kind, &out), WB_ERR_NO_SESSION);
    assert_int_equal(out.n, 0);
    person_reads(&p->b, &l, "last");
    person_refuses(&p->b, &l, WB_ERR_OLD_COUNTER);
    letter_free(&l);
}

/* An output that is full: nothing is sent, nothing is used up. */
static void full_output(void **state)
{
    struct pair *p = *state;
    struct buf small = buf_new(40);
    uint8_t before[32], after[32];
    enum signal_message_kind kind;
    struct letter l;

    session_digest(p->a.session, before);
    assert_int_equal(signal_encrypt(p->a.session, SPAN_LIT("hello"), &kind, &small),
                     WB_ERR_TOO_LARGE);
    assert_int_equal(small.n, 0);
    buf_free(&small);
    session_digest(p->a.session, after);
    assert_memory_equal(before, after, 32);

    l = person_write(&p->a, "longer than four bytes");
    small = buf_new(4);
    session_digest(p->b.session, before);
    assert_int_equal(person_open(&p->b, &l, &small), WB_ERR_TOO_LARGE);
    session_digest(p->b.session, after);
    assert_memory_equal(before, after, 32);
    assert_false(p->b.gone[0]);
    buf_free(&small);
    person_reads(&p->b, &l, "longer than four bytes");
    letter_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(first_keys_vector),
        SCENARIO(message_keys_vector),
        SCENARIO(conversation),
        SCENARIO(wire_form),
        SCENARIO(without_one_time_prekey),
        SCENARIO(a_one_time_prekey_with_the_id_0_is_none),
        SCENARIO(bundle_signature),
        SCENARIO(out_of_order_in_one_chain),
        SCENARIO(out_of_order_across_ratchets),
        SCENARIO(damaged_bytes),
        SCENARIO(versions),
        SCENARIO(skip_limits),
        SCENARIO(repeated_prekey_message),
        SCENARIO(foreign_identity_with_known_base_key),
        SCENARIO(missing_prekeys),
        SCENARIO(no_session),
        SCENARIO(previous_counter),
        SCENARIO(last_counter),
        SCENARIO(full_output),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
