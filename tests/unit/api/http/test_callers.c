/* Who may stay when there are more callers than room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/call/limits.h"
#include "api/http/callers.h"
#include "api/http/limits.h"
#include "base/http_reason.h"

enum { ROOM = 40 };

static struct callers all;
static const struct caller *sent_something;

static bool is_waiting(const struct caller *who)
{
    return who == sent_something;
}

static struct ip v4(uint8_t last)
{
    return (struct ip){{[10] = 0xff, 0xff, 192, 0, 2, last}};
}

static struct ip v6(uint8_t net, uint8_t host)
{
    return (struct ip){{0x20, 0x01, 0x0d, 0xb8, [7] = net, [15] = host}};
}

/* A caller arrives, and is treated as the server does it. NULL: there is no room. */
static struct caller *comes(struct ip from, struct caller **ret_out)
{
    bool room;

    *ret_out = callers_in_the_way(&all, &from, is_waiting, &room);
    if (*ret_out)
        (*ret_out)->leaving = true;
    return room ? callers_add(&all, &from) : NULL;
}

static int begin(void **state)
{
    (void)state;
    callers_init(&all, ROOM);
    sent_something = NULL;
    return 0;
}

static int end(void **state)
{
    (void)state;
    while (all.first)
        callers_remove(&all, all.first);
    assert_int_equal(all.n, 0);
    assert_int_equal(all.let_in, 0);
    assert_int_equal(all.body_bytes, 0);
    assert_int_equal(all.answer_bytes, 0);
    return 0;
}

static void one_address_loses_its_own_oldest(void **state)
{
    (void)state;
    struct caller *out, *first = NULL, *second = NULL;

    for (int i = 0; i < ROOM / 2; i++) {
        struct caller *who = comes(v4(1), &out);

        assert_non_null(who);
        assert_null(out);
        if (i == 0)
            first = who;
        if (i == 1)
            second = who;
    }
    assert_non_null(comes(v4(2), &out)); /* others are not concerned */
    assert_null(out);
    assert_non_null(comes(v4(1), &out));
    assert_ptr_equal(out, first);
    sent_something = second; /* its request is there: we have not read it yet */
    assert_non_null(comes(v4(1), &out));
    assert_ptr_not_equal(out, second);
    assert_ptr_equal(out, second->next);
}

static void without_room_the_address_with_the_most_pays(void **state)
{
    (void)state;
    struct caller *out, *few = comes(v4(9), &out);

    for (int i = 0; i < ROOM - 1; i++) {
        assert_non_null(comes(i % 2 ? v6(7, (uint8_t)i) : v4((uint8_t)(20 + i)), &out));
        assert_null(out);
    }
    /* Half of them are of one network of IPv6, and are counted as one. */
    assert_non_null(comes(v4(9), &out));
    assert_non_null(out);
    assert_ptr_not_equal(out, few);
    assert_int_equal(out->address.bytes[0], 0x20);
}

static void requests_under_way_stay(void **state)
{
    (void)state;
    struct caller *out, *who;
    size_t let_in = 0;

    callers_init(&all, API_CONNECTIONS_MAX);
    assert_int_equal(all.let_in_max, API_REQUESTS_MAX); /* and a ninth is left */
    assert_true(API_CONNECTIONS_MAX - API_REQUESTS_MAX >= 64);
    callers_init(&all, ROOM);
    assert_int_equal(all.let_in_max, ROOM - ROOM / 9);
    for (uint8_t i = 0; i < ROOM; i++) {
        who = comes(v4(i), &out);
        assert_non_null(who);
        assert_null(out);
        let_in += callers_let_in(&all, who);
        assert_true(callers_let_in(&all, who) == who->let_in); /* once is enough */
    }
    assert_int_equal(let_in,
                     ROOM - ROOM / 9); /* for the others there is 429, and for newcomers... */
    for (uint8_t i = 0; i < 100; i++) {
        who = comes(v4(100), &out); /* ...always room */
        assert_non_null(who);
        assert_non_null(out);
        assert_false(out->let_in);
        callers_remove(&all, out);
    }
    assert_int_equal(all.let_in, let_in);
}

static void who_is_answered_stays_until_it_has_the_answer(void **state)
{
    (void)state;
    struct caller *out, *first = comes(v4(1), &out), *last = NULL;
    struct ip next = v4(200);
    bool room;

    first->answered = true;
    for (uint8_t i = 2; all.n < ROOM; i++)
        last = comes(v4(i), &out);
    assert_false(callers_full(&all));
    assert_non_null(callers_in_the_way(&all, &next, is_waiting, &room));
    for (struct caller *i = all.first; i != last; i = i->next)
        i->answered = true;
    assert_ptr_equal(callers_in_the_way(&all, &next, is_waiting, &room), last);
    assert_true(room);
    last->answered = true;
    assert_null(callers_in_the_way(&all, &next, is_waiting, &room));
    assert_false(room);
    assert_true(callers_full(&all)); /* nobody is accepted until one of them is gone */
    first->leaving = true;
    assert_false(callers_full(&all));
}

static void what_is_held_has_a_bound(void **state)
{
    (void)state;
    struct caller *out, *a = comes(v4(1), &out), *b = comes(v4(2), &out);

    assert_true(callers_hold_body(&all, a, API_BODIES_BYTES_MAX));
    assert_true(callers_hold_body(&all, a, API_BODIES_BYTES_MAX));
    assert_false(callers_hold_body(&all, b, API_SMALL_BODY_BYTES + 1));
    assert_int_equal(b->body_bytes, 0);
    assert_true(callers_hold_body(&all, b, API_SMALL_BODY_BYTES));
    assert_true(callers_hold_body(&all, a, 0));
    assert_true(callers_hold_body(&all, b, API_BODY_BYTES_MAX));
    assert_int_equal(all.body_bytes, API_BODY_BYTES_MAX);

    assert_true(callers_hold_answer(&all, a, API_ANSWERS_BYTES_MAX - 5000));
    assert_false(callers_hold_answer(&all, b, 5001));
    assert_true(callers_hold_answer(&all, b, API_SMALL_ANSWER_BYTES));
    callers_remove(&all, a);
    assert_int_equal(all.answer_bytes, API_SMALL_ANSWER_BYTES);
    assert_true(callers_hold_answer(&all, b, API_REPLY_BYTES_MAX));
}

static void every_status_has_words(void **state)
{
    (void)state;
    for (int status = 100; status < 600; status++)
        assert_true(strlen(http_reason(status)) > 1);
    assert_string_equal(http_reason(202), "Accepted");
    assert_string_equal(http_reason(422), "Unprocessable Content");
    assert_string_equal(http_reason(429), "Too Many Requests");
    assert_string_equal(http_reason(504), "Gateway Timeout");
    assert_string_equal(http_reason(499), "Client Error");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(one_address_loses_its_own_oldest), T(without_room_the_address_with_the_most_pays),
        T(requests_under_way_stay),          T(who_is_answered_stays_until_it_has_the_answer),
        T(what_is_held_has_a_bound),         T(every_status_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
