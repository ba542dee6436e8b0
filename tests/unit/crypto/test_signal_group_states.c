/* Sender keys: what a distribution changes in a record that has states already, and what our own
 * record keeps. */
#include "tests/unit/crypto/group_fixture.h"

#include <stdio.h>

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

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, group_setup, group_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(rotation),
        SCENARIO(distribution_at_our_place_or_ahead),
        SCENARIO(distribution_behind_our_place),
        SCENARIO(distribution_far_ahead),
        SCENARIO(key_of_two_states_is_used_once),
        SCENARIO(state_of_unknown_start_has_used_all),
        SCENARIO(same_id_other_signing_key),
        SCENARIO(own_record_keeps_its_chain),
        SCENARIO(own_record_is_not_moved_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
