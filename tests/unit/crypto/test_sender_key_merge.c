/* Two records of one sender in a group, under its LID and under its number, become one. */
#include <stdio.h>

#include "crypto/signal.h"
#include "signal_fixture.h"

static struct sender_key_record *record_of(const uint32_t *ids, const uint32_t *iterations,
                                           size_t n)
{
    struct sender_key_record *r = sender_key_record_new();

    assert_non_null(r);
    for (size_t i = 0; i < n; i++) {
        r->states[i] = sender_key_state_new();
        assert_non_null(r->states[i]);
        r->states[i]->key_id = ids[i];
        r->states[i]->signing_pub[0] = (uint8_t)ids[i];
        r->states[i]->iteration = iterations[i];
    }
    r->nstates = n;
    return r;
}

#define RECORD(n, ids, iterations) record_of((const uint32_t[])ids, (const uint32_t[])iterations, n)
#define LIST(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* "id.iteration id.iteration ..." */
static void assert_merged(struct sender_key_record *lid, struct sender_key_record *number,
                          const char *expected)
{
    char text[200] = "";
    size_t at = 0;

    sender_key_record_merge(lid, number);
    assert_int_equal(number->nstates, 0);
    for (size_t i = 0; i < lid->nstates; i++)
        at +=
            (size_t)snprintf(text + at, sizeof text - at, "%s%u.%u", i ? " " : "",
                             (unsigned)lid->states[i]->key_id, (unsigned)lid->states[i]->iteration);
    assert_string_equal(text, expected);
    sender_key_record_free(lid);
    sender_key_record_free(number);
}

static void the_further_sender_key_is_in_front(void **state)
{
    (void)state;
    /* The number went on; whatsmeow keeps several copies of a chain, and all stay. */
    assert_merged(RECORD(2, LIST(7, 6), LIST(10, 3)), RECORD(2, LIST(7, 6), LIST(15, 3)),
                  "7.15 6.3");
    assert_merged(RECORD(1, LIST(7), LIST(10)), RECORD(3, LIST(7, 7, 7), LIST(12, 15, 10)),
                  "7.12 7.15 7.10");
    /* A new chain in front of the one that the LID knows. */
    assert_merged(RECORD(2, LIST(7, 6), LIST(10, 3)), RECORD(3, LIST(8, 7, 6), LIST(1, 10, 3)),
                  "8.1 7.10 6.3");
    /* The LID went on. */
    assert_merged(RECORD(1, LIST(7), LIST(20)), RECORD(1, LIST(7), LIST(15)), "7.20");
    assert_merged(RECORD(2, LIST(8, 7), LIST(2, 15)), RECORD(1, LIST(7), LIST(15)), "8.2 7.15");
    /* Neither knows the other: the LID's first. */
    assert_merged(RECORD(1, LIST(8), LIST(2)), RECORD(2, LIST(7, 6), LIST(15, 1)), "8.2 7.15 6.1");
    /* The same id under another signing key is another chain. */
    struct sender_key_record *other = RECORD(1, LIST(7), LIST(15));
    other->states[0]->signing_pub[0] = 99;
    assert_merged(RECORD(1, LIST(7), LIST(10)), other, "7.10 7.15");
    assert_merged(RECORD(4, LIST(9, 8, 7, 6), LIST(1, 1, 1, 1)), RECORD(2, LIST(5, 4), LIST(1, 1)),
                  "9.1 8.1 7.1 6.1 5.1");
    assert_merged(sender_key_record_new(), RECORD(1, LIST(5), LIST(1)), "5.1");
    assert_merged(RECORD(1, LIST(5), LIST(1)), sender_key_record_new(), "5.1");
}

/* ---- what they open ---- */

enum { MESSAGES = 8 };

/* A sender and its messages, texts "0", "1", ..., with the SKDM of before each of them. */
struct sender {
    struct sender_key_record *own;
    struct buf skdms[MESSAGES], messages[MESSAGES];
    struct rng_seeded seed;
    struct rng rng;
};

static int setup(void **state)
{
    static struct sender s;
    static const uint8_t seed[32] = {3};

    if (secret_init() != WB_OK)
        return -1;
    s.rng = rng_from_seed(&s.seed, seed);
    s.own = sender_key_record_new();
    assert_non_null(s.own);
    assert_int_equal(sender_key_create(s.own, &s.rng), WB_OK);
    for (int i = 0; i < MESSAGES; i++) {
        const char text[2] = {(char)('0' + i)};

        s.skdms[i] = buf_new(TEXT_MAX);
        s.messages[i] = buf_new(TEXT_MAX);
        assert_int_equal(sender_key_distribution(s.own, &s.skdms[i]), WB_OK);
        assert_int_equal(sender_key_encrypt(s.own, span_cstr(text), &s.rng, &s.messages[i]), WB_OK);
    }
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct sender *s = *state;

    sender_key_record_free(s->own);
    for (int i = 0; i < MESSAGES; i++) {
        buf_free(&s->skdms[i]);
        buf_free(&s->messages[i]);
    }
    return 0;
}

static struct sender_key_record *knows_from(struct sender *s, int first)
{
    struct sender_key_record *r = sender_key_record_new();

    assert_non_null(r);
    assert_int_equal(sender_key_process_distribution(r, buf_span(&s->skdms[first])), WB_OK);
    return r;
}

static enum wb_err opens(struct sender *s, struct sender_key_record *r, int i)
{
    struct buf plain = buf_new(TEXT_MAX);
    enum wb_err err = sender_key_decrypt(r, buf_span(&s->messages[i]), &plain);

    if (err == WB_OK)
        assert_int_equal(buf_cstr(&plain)[0], '0' + i);
    buf_free(&plain);
    return err;
}

static void reads(struct sender *s, struct sender_key_record *r, const char *which)
{
    for (; *which; which++)
        assert_int_equal(opens(s, r, *which - '0'), WB_OK);
}

/* Merged, the record opens the messages of `unread`, each once, and no other one of the chain. */
static void merged_opens(struct sender *s, struct sender_key_record *lid,
                         struct sender_key_record *number, const char *unread)
{
    sender_key_record_merge(lid, number);
    assert_int_equal(number->nstates, 0);
    for (int i = MESSAGES - 1; i >= 0; i--) {
        if (strchr(unread, '0' + i))
            assert_string_equal(wb_err_name(opens(s, lid, i)), "OK");
        assert_string_equal(wb_err_name(opens(s, lid, i)), "OLD_COUNTER");
    }
    sender_key_record_free(lid);
    sender_key_record_free(number);
}

/* Two full copies, each with some of the messages read. */
static void what_either_copy_has_read_opens_no_more(void **state)
{
    static const struct {
        const char *lid, *number, *unread;
    } cases[] = {
        {"345", "012", "67"},  {"012", "345", "67"}, {"7", "03", "12456"}, {"246", "135", "07"},
        {"1", "1", "0234567"}, {"", "1357", "0246"}, {"2", "", "0134567"},
    };
    struct sender *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sender_key_record *lid = knows_from(s, 0), *number = sender_key_record_clone(lid);

        assert_non_null(number);
        reads(s, lid, cases[i].lid);
        reads(s, number, cases[i].number);
        merged_opens(s, lid, number, cases[i].unread);
    }
}

/* One copy began later in the chain, and has gone further: what only the other can open stays, what
 * that one has opened does not. */
static void a_copy_that_began_earlier_is_asked(void **state)
{
    struct sender *s = *state;

    for (int swapped = 0; swapped < 2; swapped++) {
        struct sender_key_record *early = knows_from(s, 0), *late = knows_from(s, 4);

        reads(s, early, "1");
        reads(s, late, "5");
        merged_opens(s, swapped ? late : early, swapped ? early : late, "023467");

        early = knows_from(s, 0);
        late = knows_from(s, 4);
        reads(s, early, "01235"); /* nothing is left of before the other one's beginning */
        reads(s, late, "6");
        merged_opens(s, swapped ? late : early, swapped ? early : late, "47");
    }
}

/* Without a place for the copy its unread messages are lost; none opens twice. */
static void a_full_record_opens_nothing_twice(void **state)
{
    struct sender *s = *state;
    struct sender_key_record *lid = knows_from(s, 0), *number = knows_from(s, 4);

    reads(s, lid, "13");
    reads(s, number, "5");
    for (; lid->nstates < SENDER_KEY_STATES_MAX; lid->nstates++) {
        struct sender_key_state *other = sender_key_state_new();

        assert_non_null(other);
        other->key_id = 100 + (uint32_t)lid->nstates;
        lid->states[lid->nstates] = other;
    }
    merged_opens(s, lid, number, "467");
}

#define SENDER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_further_sender_key_is_in_front),
        SENDER(what_either_copy_has_read_opens_no_more),
        SENDER(a_copy_that_began_earlier_is_asked),
        SENDER(a_full_record_opens_nothing_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
