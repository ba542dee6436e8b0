/* Several states in one record: simultaneous initiation, archived states, receive-only records. */
#include "signal_pair.h"

/* Both write first; both pkmsgs arrive: the two sides end up in one session (P-SG-16). */
static void simultaneous_initiation(void **state)
{
    struct pair *p = *state;
    struct letter from_a, from_b;

    person_start(&p->b, &p->a, 1);
    from_a = person_write(&p->a, "from a");
    from_b = person_write(&p->b, "from b");
    person_reads(&p->b, &from_a, "from a");
    person_reads(&p->a, &from_b, "from b");
    assert_int_equal(p->a.session->narchived, 1);
    assert_int_equal(p->b.session->narchived, 1);
    letter_free(&from_a);
    letter_free(&from_b);
    for (int i = 0; i < 10; i++) {
        talk(&p->a, &p->b, "a");
        talk(&p->b, &p->a, "b");
    }
    assert_memory_equal(p->a.session->current->base_key, p->b.session->current->base_key, 32);
}

static void simultaneous_initiation_one_lost(void **state)
{
    struct pair *p = *state;
    struct letter from_a, from_b;

    person_start(&p->b, &p->a, 1);
    from_a = person_write(&p->a, "lost");
    from_b = person_write(&p->b, "from b");
    person_reads(&p->a, &from_b, "from b");
    talk(&p->a, &p->b, "answer");
    talk(&p->b, &p->a, "answer");
    assert_memory_equal(p->a.session->current->base_key, p->b.session->current->base_key, 32);
    /* The lost one turns up after all: an own session, and the talk goes on. */
    person_reads(&p->b, &from_a, "lost");
    talk(&p->b, &p->a, "in the session of a");
    talk(&p->a, &p->b, "yes");
    assert_memory_equal(p->a.session->current->base_key, p->b.session->current->base_key, 32);
    letter_free(&from_a);
    letter_free(&from_b);
}

static void simultaneous_initiation_lost_and_crossing(void **state)
{
    struct pair *p = *state;
    struct letter la[10], lb[10];

    person_start(&p->b, &p->a, 1);
    for (int round = 0; round < 3; round++) {
        la[0] = person_write(&p->a, "a");
        lb[0] = person_write(&p->b, "b");
        person_reads(&p->b, &la[0], "a");
        person_reads(&p->a, &lb[0], "b");
        letter_free(&la[0]);
        letter_free(&lb[0]);
    }
    for (int i = 0; i < 10; i++) {
        la[i] = person_write(&p->a, "a");
        lb[i] = person_write(&p->b, "b");
    }
    for (int i = 9; i >= 0; i--) { /* backwards, every third is lost */
        if (i % 3 != 0) {
            person_reads(&p->b, &la[i], "a");
            person_reads(&p->a, &lb[i], "b");
            person_refuses(&p->b, &la[i], WB_ERR_OLD_COUNTER);
        }
        letter_free(&la[i]);
        letter_free(&lb[i]);
    }
    talk(&p->a, &p->b, "a");
    talk(&p->b, &p->a, "b");
    talk(&p->a, &p->b, "a");
    assert_memory_equal(p->a.session->current->base_key, p->b.session->current->base_key, 32);
}

/* A message of an archived state opens, and brings that state back. */
static void archived_state_is_promoted(void **state)
{
    struct pair *p = *state;
    struct letter old;
    uint8_t old_base[32];

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    memcpy(old_base, p->a.session->current->base_key, 32);
    old = person_write(&p->a, "of the old session");
    person_start(&p->a, &p->b, 2);
    talk(&p->a, &p->b, "of the new one");
    assert_int_equal(p->b.session->narchived, 1);
    person_reads(&p->b, &old, "of the old session");
    assert_memory_equal(p->b.session->current->base_key, old_base, 32);
    assert_int_equal(p->b.session->narchived, 1);
    person_refuses(&p->b, &old, WB_ERR_OLD_COUNTER);
    talk(&p->b, &p->a, "b stays in the old one");
    assert_memory_equal(p->a.session->current->base_key, old_base, 32);
    letter_free(&old);
}

/* A used counter is found in archived states too, never mistaken for another failure. */
static void old_counter_in_archived_state(void **state)
{
    struct pair *p = *state;
    struct letter used;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    used = person_write(&p->a, "used");
    person_reads(&p->b, &used, "used");
    for (uint32_t i = 2; i < 6; i++) {
        person_start(&p->a, &p->b, i);
        talk(&p->a, &p->b, "new");
    }
    assert_int_equal(p->b.session->narchived, 4);
    person_refuses(&p->b, &used, WB_ERR_OLD_COUNTER);
    letter_free(&used);
}

static void archive_limit(void **state)
{
    struct pair *p = *state;
    struct letter oldest, kept;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    oldest = person_write(&p->a, "oldest");
    person_start(&p->a, &p->b, 0);
    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    kept = person_write(&p->a, "kept");
    for (int i = 0; i < SIGNAL_ARCHIVED_STATES_MAX; i++) {
        person_start(&p->a, &p->b, 0);
        talk(&p->a, &p->b, "z");
    }
    assert_int_equal(p->b.session->narchived, SIGNAL_ARCHIVED_STATES_MAX);
    assert_int_equal(p->a.session->narchived, SIGNAL_ARCHIVED_STATES_MAX);
    person_refuses(&p->b, &oldest, WB_ERR_BAD_MAC);
    person_reads(&p->b, &kept, "kept");
    assert_int_equal(p->b.session->narchived, SIGNAL_ARCHIVED_STATES_MAX);
    letter_free(&oldest);
    letter_free(&kept);
}

/* A restored record: archived states only. It opens what it can; it sends only with a chain that
 * it made itself since. */
static void receive_only_record(void **state)
{
    struct pair *p = *state;
    struct letter late, next;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    talk(&p->a, &p->b, "z");
    late = person_write(&p->a, "late");
    signal_session_archive_current(p->b.session);
    assert_null(p->b.session->current);
    next = person_write(&p->a, "next");
    person_reads(&p->b, &next, "next");
    person_reads(&p->b, &late, "late");
    person_refuses(&p->b, &late, WB_ERR_OLD_COUNTER);
    assert_false(signal_session_can_send(p->b.session));
    assert_int_equal(p->b.session->narchived, 1);
    letter_free(&late);
    letter_free(&next);

    /* To answer, it needs a session of its own. */
    person_start(&p->b, &p->a, 5);
    talk(&p->b, &p->a, "fresh session");
    talk(&p->a, &p->b, "answer");
    assert_true(signal_session_can_send(p->b.session));
    assert_int_equal(p->b.session->narchived, 1);
}

static void receive_only_promoted_by_new_ratchet(void **state)
{
    struct pair *p = *state;
    struct signal_session *old_copy;
    uint8_t old_ratchet[32];

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    old_copy = signal_session_clone(p->b.session);
    assert_non_null(old_copy);
    memcpy(old_ratchet, old_copy->current->sender_chain.ratchet.pub, 32);
    signal_session_archive_current(old_copy);
    signal_session_free(p->b.session);
    p->b.session = old_copy;
    talk(&p->a, &p->b, "in a's new chain");
    assert_true(signal_session_can_send(p->b.session));
    assert_memory_not_equal(p->b.session->current->sender_chain.ratchet.pub, old_ratchet, 32);
    assert_int_equal(p->b.session->current->sender_chain.chain_key.index, 0);
    talk(&p->b, &p->a, "safe to answer");
}

/* Restored, and a session of its own set up since: a late message of the old one opens, but does
 * not bring the old sending chain back; and no other program could go on with that chain either. */
static void retired_state_does_not_come_back(void **state)
{
    struct pair *p = *state;
    struct letter late;
    uint8_t old_chain[32], fresh[32];

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    talk(&p->a, &p->b, "z");
    memcpy(old_chain, p->b.session->current->sender_chain.chain_key.key, 32);
    signal_session_retire(p->b.session, &rng_system);
    assert_false(signal_session_can_send(p->b.session));
    assert_memory_not_equal(p->b.session->archived[0]->sender_chain.chain_key.key, old_chain, 32);
    late = person_write(&p->a, "late");
    person_start(&p->b, &p->a, 5);
    memcpy(fresh, p->b.session->current->base_key, 32);
    person_reads(&p->b, &late, "late");
    letter_free(&late);
    assert_memory_equal(p->b.session->current->base_key, fresh, 32);
    talk(&p->b, &p->a, "fresh session");
    talk(&p->a, &p->b, "answer");
}

/* What peers send to the ratchet key of the copy still opens, and answers it with a new chain. */
static void retired_state_answers_with_a_new_chain(void **state)
{
    struct pair *p = *state;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    signal_session_retire(p->b.session, &rng_system);
    talk(&p->a, &p->b, "in a's new chain");
    assert_true(signal_session_can_send(p->b.session));
    assert_int_equal(p->b.session->current->sender_chain.chain_key.index, 0);
    talk(&p->b, &p->a, "safe to answer");
}

static bool sends_to(const struct person *p, const struct person *to)
{
    return signal_session_can_send_to(p->session, to->local.identity.pub);
}

/* Somebody has a new installation, with an identity of its own, and has written with it. */
static void reinstall(struct person *ret_new, struct person *peer)
{
    person_init(ret_new, 3);
    person_start(ret_new, peer, 4);
    talk(ret_new, peer, "it is me");
    peer->trusted = ret_new->local.identity.pub;
    assert_true(sends_to(peer, ret_new));
}

/* What the old installation had sent before arrives late, in its chain or in a new one: it is read,
 * and we go on writing to the new installation. */
static void late_message_of_a_replaced_identity(void **state)
{
    struct pair *p = *state;
    struct person new_a;
    struct letter in_chain, new_chain;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    talk(&p->a, &p->b, "z");
    in_chain = person_write(&p->a, "late, of a chain that is known");
    talk(&p->b, &p->a, "another turn");
    new_chain = person_write(&p->a, "late, with a new ratchet key");
    reinstall(&new_a, &p->b);
    person_reads(&p->b, &in_chain, "late, of a chain that is known");
    assert_true(sends_to(&p->b, &new_a));
    person_reads(&p->b, &new_chain, "late, with a new ratchet key");
    assert_true(sends_to(&p->b, &new_a));
    person_refuses(&p->b, &new_chain, WB_ERR_OLD_COUNTER);
    talk(&p->b, &new_a, "to you as you are now");
    talk(&new_a, &p->b, "yes");
    letter_free(&in_chain);
    letter_free(&new_chain);
    person_free(&new_a);
}

/* The same with pkmsgs: of a session that is known by its base key, and of one that is not. */
static void late_prekey_message_of_a_replaced_identity(void **state)
{
    struct pair *p = *state;
    struct person new_a;
    struct letter known, unknown;

    talk(&p->a, &p->b, "x");
    known = person_write(&p->a, "same base key");
    person_start(&p->a, &p->b, 2);
    unknown = person_write(&p->a, "another base key");
    assert_true(known.kind == SIGNAL_PKMSG && unknown.kind == SIGNAL_PKMSG);
    reinstall(&new_a, &p->b);
    person_reads(&p->b, &known, "same base key");
    assert_true(sends_to(&p->b, &new_a));
    person_reads(&p->b, &unknown, "another base key");
    assert_true(sends_to(&p->b, &new_a));
    assert_int_equal(p->b.session->narchived, 2);
    person_refuses(&p->b, &unknown, WB_ERR_OLD_COUNTER);
    talk(&p->b, &new_a, "to you as you are now");
    letter_free(&known);
    letter_free(&unknown);
    person_free(&new_a);
}

/* The head of a pkmsg is not under its MAC: with a known base key it may not name anybody else. */
static void known_base_key_with_another_identity(void **state)
{
    struct pair *p = *state;
    struct letter first = person_write(&p->a, "x"), again;
    struct signal_prekey_header h;
    struct buf plain = buf_new(TEXT_MAX);
    bool used = true;

    person_reads(&p->b, &first, "x");
    again = person_write(&p->a, "y");
    assert_int_equal(again.kind, SIGNAL_PKMSG);
    assert_int_equal(signal_prekey_header_parse(buf_span(&again.bytes), &h), WB_OK);
    memcpy(h.identity, p->b.local.identity.pub, X25519_KEY_BYTES);
    assert_int_equal(signal_decrypt_prekey(p->b.session, &p->b.local, &h, h.identity,
                                           &p->b.signed_prekey, NULL, &p->b.rng, &plain, &used),
                     WB_ERR_UNTRUSTED_IDENTITY);
    assert_int_equal(plain.n, 0);
    person_reads(&p->b, &again, "y");
    buf_free(&plain);
    letter_free(&first);
    letter_free(&again);
}

/* A record for receiving only (restored), and the identity known: a new ratchet key of somebody
 * else brings no session back. */
static void replaced_identity_does_not_revive_a_retired_record(void **state)
{
    struct pair *p = *state;
    struct person new_a;

    talk(&p->a, &p->b, "x");
    talk(&p->b, &p->a, "y");
    signal_session_retire(p->b.session, &rng_system);
    person_init(&new_a, 3);
    p->b.trusted = new_a.local.identity.pub;
    talk(&p->a, &p->b, "in a's new chain");
    assert_null(p->b.session->current);
    assert_false(signal_session_can_send(p->b.session));
    person_free(&new_a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(simultaneous_initiation),
        SCENARIO(simultaneous_initiation_one_lost),
        SCENARIO(simultaneous_initiation_lost_and_crossing),
        SCENARIO(archived_state_is_promoted),
        SCENARIO(old_counter_in_archived_state),
        SCENARIO(archive_limit),
        SCENARIO(receive_only_record),
        SCENARIO(receive_only_promoted_by_new_ratchet),
        SCENARIO(retired_state_does_not_come_back),
        SCENARIO(retired_state_answers_with_a_new_chain),
        SCENARIO(late_message_of_a_replaced_identity),
        SCENARIO(late_prekey_message_of_a_replaced_identity),
        SCENARIO(known_base_key_with_another_identity),
        SCENARIO(replaced_identity_does_not_revive_a_retired_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
