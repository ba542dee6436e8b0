/* Sender keys: the constants, and the situations that real groups bring about. */
#include <stdio.h>

#include "proto/signal_wire.h"
#include "signal_fixture.h"

struct group {
    struct sender_key_record *own;    /* the sender's */
    struct sender_key_record *theirs; /* the receiver's, for that sender */
    struct rng_seeded seed;
    struct rng rng;
};

static int setup(void **state)
{
    static struct group g;
    static const uint8_t seed[32] = {9};

    if (secret_init() != WB_OK)
        return -1;
    g.rng = rng_from_seed(&g.seed, seed);
    g.own = sender_key_record_new();
    g.theirs = sender_key_record_new();
    assert_true(g.own && g.theirs);
    assert_int_equal(sender_key_create(g.own, &g.rng), WB_OK);
    *state = &g;
    return 0;
}

static int teardown(void **state)
{
    struct group *g = *state;

    sender_key_record_free(g->own);
    sender_key_record_free(g->theirs);
    return 0;
}

static struct buf distribution(struct group *g)
{
    struct buf b = buf_new(TEXT_MAX);

    assert_int_equal(sender_key_distribution(g->own, &b), WB_OK);
    return b;
}

static void file(struct group *g, const struct buf *skdm)
{
    assert_int_equal(sender_key_process_distribution(g->theirs, buf_span(skdm)), WB_OK);
}

static void introduce(struct group *g)
{
    struct buf b = distribution(g);

    file(g, &b);
    buf_free(&b);
}

static struct buf write_text(struct group *g, const char *text)
{
    struct buf b = buf_new(TEXT_MAX);

    assert_int_equal(sender_key_encrypt(g->own, span_cstr(text), &g->rng, &b), WB_OK);
    return b;
}

static void reads(struct group *g, const struct buf *message, const char *text)
{
    struct buf plain = buf_new(TEXT_MAX);

    assert_int_equal(sender_key_decrypt(g->theirs, buf_span(message), &plain), WB_OK);
    assert_string_equal(buf_cstr(&plain), text);
    buf_free(&plain);
}

/* Everything that is stored of a record. */
static void record_digest(const struct sender_key_record *r, uint8_t digest[32])
{
    memset(digest, (int)r->nstates, 32);
    for (size_t i = 0; i < r->nstates; i++) {
        struct sender_key_state flat = *r->states[i];
        flat.keys = NULL;
        flat.has_prepared = false;
        memset(&flat.prepared, 0, sizeof flat.prepared);
        sha256_v((struct span[]){SPAN(digest, 32), SPAN(&flat, sizeof flat),
                                 SPAN(r->states[i]->keys, flat.nkeys * sizeof *flat.keys)},
                 3, digest);
    }
}

static void refuses(struct group *g, const struct buf *message, enum wb_err expected)
{
    uint8_t before[32], after[32];
    struct buf plain = buf_new(TEXT_MAX);

    buf_append_cstr(&plain, "kept");
    record_digest(g->theirs, before);
    assert_string_equal(wb_err_name(sender_key_decrypt(g->theirs, buf_span(message), &plain)),
                        wb_err_name(expected));
    record_digest(g->theirs, after);
    assert_memory_equal(before, after, 32);
    assert_string_equal(buf_cstr(&plain), "kept");
    buf_free(&plain);
}

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

static void lose(struct group *g, int n)
{
    for (int i = 0; i < n; i++) {
        struct buf m = write_text(g, "lost");
        buf_free(&m);
    }
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

/* Messages of older keys are still read; the sixth key pushes the first one out. */
static void rotation(void **state)
{
    struct group *g = *state;
    struct buf late[SENDER_KEY_STATES_MAX + 1];

    for (int i = 0; i <= SENDER_KEY_STATES_MAX; i++) {
        struct buf now;
        introduce(g);
        late[i] = write_text(g, "late");
        now = write_text(g, "now");
        reads(g, &now, "now");
        buf_free(&now);
        assert_int_equal(sender_key_create(g->own, &g->rng), WB_OK);
    }
    assert_int_equal(g->theirs->nstates, SENDER_KEY_STATES_MAX);
    assert_int_equal(g->own->nstates, SENDER_KEY_STATES_MAX);
    for (int i = 0; i <= SENDER_KEY_STATES_MAX; i++) {
        if (i == 0)
            refuses(g, &late[i], WB_ERR_BAD_KEY_ID);
        else
            reads(g, &late[i], "late");
        buf_free(&late[i]);
    }
}

/* whatsmeow sends the SKDM with every message: nothing that was kept is lost, used stays used. */
static void distribution_at_our_place_or_ahead(void **state)
{
    struct group *g = *state;
    struct buf skipped, used, unread, m;

    introduce(g);
    skipped = write_text(g, "skipped");
    used = write_text(g, "used");
    reads(g, &used, "used");
    introduce(g);
    assert_int_equal(g->theirs->nstates, 1);
    refuses(g, &used, WB_ERR_OLD_COUNTER);
    unread = write_text(g, "unread");
    lose(g, 3);
    introduce(g);
    m = write_text(g, "with an SKDM ahead");
    reads(g, &m, "with an SKDM ahead");
    assert_int_equal(g->theirs->nstates, 1);
    reads(g, &unread, "unread");
    reads(g, &skipped, "skipped");
    refuses(g, &skipped, WB_ERR_OLD_COUNTER);
    refuses(g, &used, WB_ERR_OLD_COUNTER);
    buf_free(&skipped);
    buf_free(&used);
    buf_free(&unread);
    buf_free(&m);
}

/* An older SKDM again: no step back. One from before our first: its messages open. */
static void distribution_behind_our_place(void **state)
{
    struct group *g = *state;
    struct buf skdm0 = distribution(g), m0 = write_text(g, "m0"), m1 = write_text(g, "m1");
    struct buf skdm2 = distribution(g), m2 = write_text(g, "m2"), m3 = write_text(g, "m3");
    struct buf m4 = write_text(g, "m4");

    file(g, &skdm2);
    reads(g, &m3, "m3");
    refuses(g, &m1, WB_ERR_OLD_COUNTER);
    file(g, &skdm0);
    reads(g, &m1, "m1");
    file(g, &skdm0);
    file(g, &skdm2);
    assert_int_equal(g->theirs->nstates, 1);
    refuses(g, &m1, WB_ERR_OLD_COUNTER);
    refuses(g, &m3, WB_ERR_OLD_COUNTER);
    reads(g, &m4, "m4");
    reads(g, &m2, "m2");
    reads(g, &m0, "m0");
    refuses(g, &m0, WB_ERR_OLD_COUNTER);
    assert_int_equal(g->theirs->states[0]->nkeys, 0);
    buf_free(&skdm0);
    buf_free(&skdm2);
    buf_free(&m0);
    buf_free(&m1);
    buf_free(&m2);
    buf_free(&m3);
    buf_free(&m4);
}

/* Too far ahead to be walked to: a second state of the same id, and both work. */
static void distribution_far_ahead(void **state)
{
    struct group *g = *state;
    struct buf early, m;

    introduce(g);
    early = write_text(g, "early");
    lose(g, SENDER_KEY_FORWARD_MAX + 10);
    m = write_text(g, "x");
    refuses(g, &m, WB_ERR_TOO_FAR_AHEAD);
    buf_free(&m);
    introduce(g);
    m = write_text(g, "there again");
    reads(g, &m, "there again");
    refuses(g, &m, WB_ERR_OLD_COUNTER);
    assert_int_equal(g->theirs->nstates, 2);
    reads(g, &early, "early");
    refuses(g, &early, WB_ERR_OLD_COUNTER);
    buf_free(&early);
    buf_free(&m);
}

/* One chain in two states: a far one, and one that an old SKDM made. What one of them has used the
 * other does not open again, wherever it stands; what neither has used opens once. */
static void key_of_two_states_is_used_once(void **state)
{
    struct group *g = *state;
    struct buf old_skdm = distribution(g), middle, used, passed, last, early;

    early = write_text(g, "early");
    lose(g, 1500);
    middle = write_text(g, "middle");
    lose(g, 600);
    introduce(g);
    used = write_text(g, "used");
    passed = write_text(g, "passed over");
    last = write_text(g, "last");
    reads(g, &used, "used");
    reads(g, &last, "last");
    file(g, &old_skdm);
    assert_int_equal(g->theirs->nstates, 2);
    assert_int_equal(g->theirs->states[0]->iteration, 0);
    reads(g, &middle, "middle");
    /* The state in front could reach it now. */
    assert_int_equal(g->theirs->states[0]->iteration, 1502);
    refuses(g, &used, WB_ERR_OLD_COUNTER);
    refuses(g, &last, WB_ERR_OLD_COUNTER);
    reads(g, &early, "early");
    refuses(g, &early, WB_ERR_OLD_COUNTER);
    reads(g, &passed, "passed over");
    refuses(g, &passed, WB_ERR_OLD_COUNTER);
    refuses(g, &middle, WB_ERR_OLD_COUNTER);
    /* Nobody else makes it count as used: a signature is still asked for. */
    used.p[used.n - 1] ^= 1;
    refuses(g, &used, WB_ERR_BAD_SIGNATURE);
    buf_free(&old_skdm);
    buf_free(&early);
    buf_free(&middle);
    buf_free(&used);
    buf_free(&passed);
    buf_free(&last);
}

/* As in a record of whatsmeow: an SKDM that came late is a state in front of one that was ahead of
 * it, and does not tell where it began. It has used a key that the other one still has. */
static void state_of_unknown_start_has_used_all(void **state)
{
    struct group *g = *state;
    struct buf skdm = distribution(g), first, second;
    struct sender_key_record *late = sender_key_record_new();
    struct buf plain = buf_new(4096);

    first = write_text(g, "first");
    second = write_text(g, "second");
    file(g, &skdm);
    reads(g, &second, "second");
    assert_int_equal(g->theirs->states[0]->nkeys, 1);
    assert_int_equal(sender_key_process_distribution(late, buf_span(&skdm)), WB_OK);
    assert_int_equal(sender_key_decrypt(late, buf_span(&first), &plain), WB_OK);
    late->states[0]->first_iteration = 0;
    sender_key_record_push(g->theirs, late->states[0]);
    late->nstates = 0;
    refuses(g, &first, WB_ERR_OLD_COUNTER);
    sender_key_record_free(late);
    buf_free(&plain);
    buf_free(&skdm);
    buf_free(&first);
    buf_free(&second);
}

/* The same id with another signing key: both senders' messages open, each under its own key. */
static void same_id_other_signing_key(void **state)
{
    struct group *g = *state;
    struct buf a, b;

    introduce(g);
    a = write_text(g, "first key");
    assert_int_equal(sender_key_create(g->own, &g->rng), WB_OK);
    g->own->states[0]->key_id = g->own->states[1]->key_id;
    introduce(g);
    assert_int_equal(g->theirs->nstates, 2);
    b = write_text(g, "second key");
    reads(g, &b, "second key");
    reads(g, &a, "first key");
    b.p[b.n - 1] ^= 1;
    refuses(g, &b, WB_ERR_BAD_SIGNATURE);
    buf_free(&a);
    buf_free(&b);
}

/* Our own chain is never moved by an SKDM (P-SG-30). */
static void own_record_keeps_its_chain(void **state)
{
    struct group *g = *state;
    struct buf skdm = distribution(g), m, later;
    uint8_t before[32], after[32];

    introduce(g);
    m = write_text(g, "one");
    later = distribution(g);
    record_digest(g->own, before);
    assert_int_equal(sender_key_process_distribution(g->own, buf_span(&skdm)), WB_OK);
    assert_int_equal(sender_key_process_distribution(g->own, buf_span(&later)), WB_OK);
    record_digest(g->own, after);
    assert_memory_equal(before, after, 32);
    reads(g, &m, "one");
    buf_free(&m);
    m = write_text(g, "two");
    reads(g, &m, "two");
    buf_free(&m);
    buf_free(&skdm);
    buf_free(&later);
}

/* Nor by one that is ahead of it: whoever sends our own words back to us, or a copy of this record
 * elsewhere, would make us pass over keys. */
static void own_record_is_not_moved_ahead(void **state)
{
    struct group *g = *state;
    struct sender_key_record *copy = sender_key_record_clone(g->own);
    struct buf ahead = buf_new(TEXT_MAX), sent;

    assert_non_null(copy);
    for (int i = 0; i < 3; i++) {
        sent = buf_new(TEXT_MAX);
        assert_int_equal(sender_key_encrypt(copy, SPAN_LIT("x"), &g->rng, &sent), WB_OK);
        buf_free(&sent);
    }
    assert_int_equal(sender_key_distribution(copy, &ahead), WB_OK);
    assert_int_equal(sender_key_process_distribution(g->own, buf_span(&ahead)), WB_OK);
    assert_int_equal(g->own->nstates, 1);
    assert_int_equal(g->own->states[0]->iteration, 0);
    assert_int_equal(g->own->states[0]->nkeys, 0);
    sender_key_record_free(copy);
    buf_free(&ahead);
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

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
        SCENARIO(rotation),
        SCENARIO(distribution_at_our_place_or_ahead),
        SCENARIO(distribution_behind_our_place),
        SCENARIO(distribution_far_ahead),
        SCENARIO(key_of_two_states_is_used_once),
        SCENARIO(state_of_unknown_start_has_used_all),
        SCENARIO(same_id_other_signing_key),
        SCENARIO(own_record_keeps_its_chain),
        SCENARIO(own_record_is_not_moved_ahead),
        SCENARIO(last_iteration_and_full_output),
        SCENARIO(clone_is_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
