/* Two records of one peer become one: copies that diverged, and sessions that are different. b is
 * our side, with a record under the number and a copy under the LID; a is the peer, who has one
 * session. */
#include "crypto/signal.h"
#include "signal_pair.h"

/* Some talk first, with a key passed over in it: the letter comes at the end of the test. */
static struct letter late;

static int setup_talk(void **state)
{
    struct pair *p;

    if (setup(state) != 0)
        return -1;
    p = *state;
    for (int i = 0; i < 3; i++) {
        talk(&p->a, &p->b, "a");
        talk(&p->b, &p->a, "b");
    }
    late = person_write(&p->a, "late");
    talk(&p->a, &p->b, "a again");
    return 0;
}

static int teardown_talk(void **state)
{
    letter_free(&late);
    return teardown(state);
}

/* The copy that bridge-handback leaves under the LID. */
static struct signal_session *spent_copy(struct pair *p)
{
    struct signal_session *copy = signal_session_clone(p->b.session);

    assert_non_null(copy);
    signal_session_spend(copy, &p->b.rng);
    return copy;
}

/* b goes on with the other record. */
static void swap(struct pair *p, struct signal_session **record)
{
    struct signal_session *other = *record;

    *record = p->b.session;
    p->b.session = other;
}

/* The record under the LID becomes that of both. */
static void merge(struct pair *p, struct signal_session *lid)
{
    signal_session_merge(lid, p->b.session);
    assert_null(p->b.session->current);
    assert_int_equal(p->b.session->narchived, 0);
    signal_session_free(p->b.session);
    p->b.session = lid;
}

static void goes_on(struct pair *p)
{
    for (int i = 0; i < 3; i++) {
        talk(&p->b, &p->a, "still b");
        talk(&p->a, &p->b, "still a");
    }
}

static void a_spent_copy_reads_and_never_sends(void **state)
{
    struct pair *p = *state;
    struct signal_session *number = spent_copy(p);
    enum signal_message_kind kind;
    struct buf out = buf_new(TEXT_MAX);

    swap(p, &number);
    assert_non_null(p->b.session->current);
    assert_false(signal_session_can_send(p->b.session));
    assert_int_equal(signal_encrypt(p->b.session, SPAN_LIT("x"), &kind, &out), WB_ERR_NO_SESSION);
    assert_int_equal(out.n, 0);
    talk(&p->a, &p->b, "under the LID");
    person_reads(&p->b, &late, "late");
    signal_session_free(number);
}

/* Everything went by number, for longer than a record keeps chains. */
static void the_record_that_went_on_wins(void **state)
{
    struct pair *p = *state;

    for (int rounds = 1; rounds < 20; rounds += 6) {
        struct signal_session *lid = spent_copy(p);

        for (int i = 0; i < rounds; i++) {
            talk(&p->b, &p->a, "by number");
            talk(&p->a, &p->b, "by number, too");
        }
        merge(p, lid);
        assert_int_equal(p->b.session->narchived, 0);
        goes_on(p);
    }
}

static void an_unused_copy_changes_nothing(void **state)
{
    struct pair *p = *state;
    uint8_t before[32], after[32];
    struct signal_session *lid = spent_copy(p);

    session_digest(p->b.session, before);
    merge(p, lid);
    session_digest(p->b.session, after);
    assert_memory_equal(before, after, 32);
    person_reads(&p->b, &late, "late");
    goes_on(p);
}

/* The other program reads under the LID and writes to the number: no counter is used twice. */
static void what_was_read_under_the_lid_and_sent_to_the_number_counts(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = spent_copy(p);

    talk(&p->b, &p->a, "to the number");
    talk(&p->b, &p->a, "to the number again");
    swap(p, &lid);
    talk(&p->a, &p->b, "from the LID, in a chain that is new");
    talk(&p->a, &p->b, "and again");
    swap(p, &lid);
    talk(&p->b, &p->a, "to the number");
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, 0);
    goes_on(p);
}

/* The same chain, a bit in each of them. */
static void no_message_is_opened_twice(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = spent_copy(p);
    struct letter l[5];
    static const char *const texts[] = {"0", "1", "2", "3", "4"};

    for (int i = 0; i < 5; i++)
        l[i] = person_write(&p->a, texts[i]);
    person_reads(&p->b, &l[2], "2");
    swap(p, &lid);
    person_reads(&p->b, &late, "late");
    person_reads(&p->b, &l[1], "1");
    person_reads(&p->b, &l[4], "4");
    swap(p, &lid);
    merge(p, lid);
    person_refuses(&p->b, &late, WB_ERR_OLD_COUNTER);
    for (int i = 0; i < 5; i++) {
        if (i == 0 || i == 3)
            person_reads(&p->b, &l[i], texts[i]);
        person_refuses(&p->b, &l[i], WB_ERR_OLD_COUNTER);
        letter_free(&l[i]);
    }
    goes_on(p);
}

/* The sending chain is the number's, however far the copy has read, and whatever a program has done
 * with the copy's. */
static void the_number_sends_on(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = spent_copy(p);
    uint32_t index;

    swap(p, &lid);
    talk(&p->a, &p->b, "to the LID");
    talk(&p->a, &p->b, "to the LID again");
    assert_int_equal(p->b.session->current->sender_chain.chain_key.index, SIGNAL_CHAIN_SPENT);
    p->b.session->current->sender_chain.chain_key.index = 7; /* the counter has wrapped */
    swap(p, &lid);
    talk(&p->b, &p->a, "to the number");
    index = p->b.session->current->sender_chain.chain_key.index;
    assert_int_equal(index, 1);
    merge(p, lid);
    assert_int_equal(p->b.session->current->sender_chain.chain_key.index, index);
    assert_int_equal(p->b.session->narchived, 0);
    goes_on(p);
}

/* The peer was installed anew while the other program had the store: under the number. */
static void a_new_session_of_the_number_is_current(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = spent_copy(p);

    person_start(&p->a, &p->b, 2);
    talk(&p->a, &p->b, "in a new session");
    talk(&p->b, &p->a, "yes");
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, 1);
    goes_on(p);
    person_reads(&p->b, &late, "late");
}

/* And under the LID, which the other program never writes to. */
static void a_new_session_of_the_lid_is_current(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = spent_copy(p);

    swap(p, &lid);
    person_start(&p->a, &p->b, 2);
    talk(&p->a, &p->b, "in a new session");
    swap(p, &lid);
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, 1);
    goes_on(p);
    person_reads(&p->b, &late, "late");
}

/* Both know both sessions, and the peer has gone back to the older one: the record in use says so.
 */
static void the_session_that_is_in_use_is_current(void **state)
{
    struct pair *p = *state;
    struct signal_session *older = signal_session_clone(p->a.session), *lid;

    assert_non_null(older);
    person_start(&p->a, &p->b, 2);
    talk(&p->a, &p->b, "in a new session");
    talk(&p->b, &p->a, "yes");
    lid = spent_copy(p);
    signal_session_free(p->a.session);
    p->a.session = older;
    talk(&p->a, &p->b, "in the old one again");
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, 1);
    goes_on(p);
}

/* Two that know nothing of each other: the LID's stays, the number's is kept behind it. */
static void unrelated_sessions_are_both_kept(void **state)
{
    struct pair *p = *state;
    struct signal_session *number = p->b.session, *lid = signal_session_new();

    p->b.session = lid;
    person_start(&p->a, &p->b, 3);
    talk(&p->a, &p->b, "to the LID");
    p->b.session = number;
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, 1);
    goes_on(p);
    person_reads(&p->b, &late, "late");
}

/* Both have sent in it: nobody can tell which one the peer follows. */
static void copies_that_parted_are_both_kept(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = signal_session_clone(p->b.session);

    assert_non_null(lid);
    talk(&p->b, &p->a, "b");
    struct letter l = person_write(&p->a, "to both");
    person_reads(&p->b, &l, "to both");
    swap(p, &lid);
    person_reads(&p->b, &l, "to both");
    talk(&p->b, &p->a, "in the chain of the copy");
    swap(p, &lid);
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, 1);
    talk(&p->a, &p->b, "to the copy");
    goes_on(p);
    letter_free(&l);
}

/* What both copies know of the peer's last chain goes on in one of them only. */
static void copies_that_parted_open_no_message_twice(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = signal_session_clone(p->b.session);

    assert_non_null(lid);
    talk(&p->b, &p->a, "b");
    struct letter common = person_write(&p->a, "to both"), passed = person_write(&p->a, "passed"),
                  read = person_write(&p->a, "read by the number"),
                  more = person_write(&p->a, "one more");
    person_reads(&p->b, &common, "to both");
    person_reads(&p->b, &read, "read by the number");
    swap(p, &lid);
    person_reads(&p->b, &common, "to both");
    person_reads(&p->b, &passed, "passed");
    swap(p, &lid);
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, 1);
    person_refuses(&p->b, &common, WB_ERR_OLD_COUNTER);
    person_refuses(&p->b, &passed, WB_ERR_OLD_COUNTER);
    person_refuses(&p->b, &read, WB_ERR_OLD_COUNTER);
    person_reads(&p->b, &more, "one more");
    person_refuses(&p->b, &more, WB_ERR_OLD_COUNTER);
    goes_on(p);
    letter_free(&common);
    letter_free(&passed);
    letter_free(&read);
    letter_free(&more);
}

/* Each copy becomes one with its like, also when the record has changed their order. */
static void parted_copies_that_are_copied_again_stay_two(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = signal_session_clone(p->b.session);
    struct letter common, slow, l;

    assert_non_null(lid);
    talk(&p->b, &p->a, "b");
    common = person_write(&p->a, "to both");
    slow = person_write(&p->a, "slow");
    person_reads(&p->b, &common, "to both");
    swap(p, &lid);
    person_reads(&p->b, &common, "to both");
    talk(&p->b, &p->a, "in the chain of the copy");
    swap(p, &lid);
    merge(p, lid);
    lid = spent_copy(p);
    talk(&p->a, &p->b, "to the copy, which goes to the front");
    talk(&p->b, &p->a, "yes");
    l = person_write(&p->a, "once");
    person_reads(&p->b, &l, "once");
    swap(p, &lid);
    person_reads(&p->b, &slow, "slow");
    swap(p, &lid);
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, 1);
    person_refuses(&p->b, &l, WB_ERR_OLD_COUNTER);
    person_refuses(&p->b, &slow, WB_ERR_OLD_COUNTER);
    goes_on(p);
    letter_free(&common);
    letter_free(&slow);
    letter_free(&l);
}

/* Both copies can send, and one has: a counter that it has used is not used again. */
static void the_copy_that_has_sent_more_sends_on(void **state)
{
    struct pair *p = *state;

    for (int by_lid = 0; by_lid < 2; by_lid++) {
        struct signal_session *lid = signal_session_clone(p->b.session);

        assert_non_null(lid);
        if (by_lid)
            swap(p, &lid);
        talk(&p->b, &p->a, "one");
        talk(&p->b, &p->a, "two");
        if (by_lid)
            swap(p, &lid);
        merge(p, lid);
        assert_int_equal(p->b.session->current->sender_chain.chain_key.index, 2);
        assert_int_equal(p->b.session->narchived, 0);
        goes_on(p);
    }
}

/* A record that only receives, since a restore, beside one that is in use. */
static void a_record_that_can_send_is_current(void **state)
{
    struct pair *p = *state;

    for (int retired = 0; retired < 2; retired++) {
        struct signal_session *lid = signal_session_clone(p->b.session);

        assert_non_null(lid);
        signal_session_retire(retired ? p->b.session : lid, &p->b.rng);
        merge(p, lid);
        assert_true(signal_session_can_send(p->b.session));
        assert_int_equal(p->b.session->narchived, 0);
        talk(&p->b, &p->a, "in the chain that is there");
        goes_on(p);
    }
}

static void a_full_archive_loses_the_oldest(void **state)
{
    struct pair *p = *state;
    struct signal_session *lid = signal_session_new();

    for (size_t i = 0; i < SIGNAL_ARCHIVED_STATES_MAX; i++) {
        struct signal_state *s = signal_state_new();

        s->base_key[0] = (uint8_t)(i + 1);
        signal_session_archive(lid, s);
    }
    lid->current = signal_state_new();
    lid->current->base_key[1] = 1;
    for (size_t i = 0; i < 3; i++) {
        struct signal_state *s = signal_state_new();

        s->base_key[2] = (uint8_t)(i + 1);
        signal_session_archive(p->b.session, s);
    }
    merge(p, lid);
    assert_int_equal(p->b.session->narchived, SIGNAL_ARCHIVED_STATES_MAX);
    assert_int_equal(p->b.session->archived[0]->base_key[0], SIGNAL_ARCHIVED_STATES_MAX);
}

#define TALK(f) cmocka_unit_test_setup_teardown(f, setup_talk, teardown_talk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TALK(a_spent_copy_reads_and_never_sends),
        TALK(the_record_that_went_on_wins),
        TALK(an_unused_copy_changes_nothing),
        TALK(what_was_read_under_the_lid_and_sent_to_the_number_counts),
        TALK(no_message_is_opened_twice),
        TALK(the_number_sends_on),
        TALK(a_new_session_of_the_number_is_current),
        TALK(a_new_session_of_the_lid_is_current),
        TALK(the_session_that_is_in_use_is_current),
        TALK(unrelated_sessions_are_both_kept),
        TALK(copies_that_parted_are_both_kept),
        TALK(copies_that_parted_open_no_message_twice),
        TALK(parted_copies_that_are_copied_again_stay_two),
        TALK(the_copy_that_has_sent_more_sends_on),
        TALK(a_record_that_can_send_is_current),
        TALK(a_full_archive_loses_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
