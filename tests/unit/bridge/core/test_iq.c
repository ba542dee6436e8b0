/* Requests find their answers by id; every request ends exactly once (P-LG-25, P-LG-26). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bridge/core/iq.h"
#include "tests/unit/bridge/fake_time.h"

/* iq.c never looks into the bridge; the test passes its own state through the pointer. */
struct fixture {
    struct fake_time time;
    struct iq_table iq;
    struct arena arena;
    enum wb_err send_result;
    char sent_id[IQ_ID_MAX];
    unsigned sent;
    struct {
        unsigned calls;
        enum wb_err err;
        uint32_t code;
        char text[32];
    } got[8]; /* by key */
    bool ask_again;
};

static struct fixture *of(struct bridge *b)
{
    return (struct fixture *)(void *)b;
}

static enum wb_err fake_send(struct bridge *b, const struct node *n)
{
    struct fixture *f = of(b);
    struct span id = node_attr_str(n, "id", &f->arena);

    if (f->send_result != WB_OK)
        return f->send_result;
    snprintf(f->sent_id, sizeof f->sent_id, "%.*s", (int)id.n, (const char *)id.p);
    f->sent++;
    return WB_OK;
}

static void on_reply(struct bridge *b, uint64_t key, const struct iq_reply *r);

static enum wb_err ask(struct fixture *f, uint64_t key, int64_t timeout_ms)
{
    return iq_send(&f->iq, &f->arena, iq_new(&f->arena, "get", "test", NULL), timeout_ms, on_reply,
                   key);
}

static void on_reply(struct bridge *b, uint64_t key, const struct iq_reply *r)
{
    struct fixture *f = of(b);

    f->got[key].calls++;
    f->got[key].err = r->err;
    f->got[key].code = r->code;
    snprintf(f->got[key].text, sizeof f->got[key].text, "%.*s", (int)r->text.n,
             (const char *)r->text.p);
    if (f->ask_again) {
        f->ask_again = false;
        assert_int_equal(ask(f, 7, 0), WB_OK);
    }
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.arena = arena_new(1 << 20)};
    fake_time_init(&f.time);
    iq_init(&f.iq, (struct iq_port){fake_send, (struct bridge *)(void *)&f}, &f.time.timers);
    iq_new_connection(&f.iq, &rng_system);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    iq_free(&f->iq);
    arena_free(&f->arena);
    return 0;
}

static bool answer(struct fixture *f, const char *id, const char *type, const char *code)
{
    struct node *n = node_new(&f->arena, "iq");

    node_attr_text(&f->arena, n, "id", id);
    node_attr_text(&f->arena, n, "type", type);
    if (code) {
        struct node *e = node_child_new(&f->arena, n, "error");

        node_attr_text(&f->arena, e, "code", code);
        node_attr_text(&f->arena, e, "text", "rate-overlimit");
    }
    return iq_handle(&f->iq, n, &f->arena);
}

static void test_result_and_error(void **state)
{
    struct fixture *f = *state;
    char first[IQ_ID_MAX];

    assert_int_equal(ask(f, 1, 0), WB_OK);
    snprintf(first, sizeof first, "%s", f->sent_id);
    assert_int_equal(ask(f, 2, 0), WB_OK);
    assert_string_not_equal(first, f->sent_id);
    assert_true(answer(f, f->sent_id, "error", "429"));
    assert_int_equal(f->got[2].err, WB_ERR_RATE_LIMITED);
    assert_int_equal(f->got[2].code, 429);
    assert_string_equal(f->got[2].text, "rate-overlimit");
    assert_int_equal(f->got[1].calls, 0);
    assert_true(answer(f, first, "result", NULL));
    assert_int_equal(f->got[1].err, WB_OK);
    assert_false(answer(f, first, "result", NULL)); /* once only */
    assert_int_equal(f->got[1].calls, 1);
    assert_int_equal(f->iq.n, 0);
    assert_false(f->iq.timer.armed);
}

static void test_neither_result_nor_error(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, 1, 0), WB_OK);
    assert_true(answer(f, f->sent_id, "strange", NULL));
    assert_int_equal(f->got[1].err, WB_ERR_PROTOCOL);
}

static void test_timeouts(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, 1, 0), WB_OK);
    assert_int_equal(ask(f, 2, 500), WB_OK);
    assert_int_equal(ask(f, 3, 9000), WB_OK);
    fake_time_pass(&f->time, 499);
    assert_int_equal(f->got[2].calls, 0);
    fake_time_pass(&f->time, 1);
    assert_int_equal(f->got[2].err, WB_ERR_TIMEOUT);
    assert_int_equal(f->got[3].calls, 0);
    fake_time_pass(&f->time, 8500);
    assert_int_equal(f->got[3].err, WB_ERR_TIMEOUT);
    assert_int_equal(f->got[1].calls, 0);
    fake_time_pass(&f->time, IQ_TIMEOUT_MS);
    assert_int_equal(f->got[1].err, WB_ERR_TIMEOUT);
    assert_int_equal(f->got[1].calls + f->got[2].calls + f->got[3].calls, 3);
}

static void test_connection_lost(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, 1, 0), WB_OK);
    assert_int_equal(ask(f, 2, 0), WB_OK);
    f->ask_again = true; /* a callback that asks anew must not be failed with the old ones */
    iq_fail_all(&f->iq, WB_ERR_NET);
    assert_int_equal(f->got[1].err, WB_ERR_NET);
    assert_int_equal(f->got[2].err, WB_ERR_NET);
    assert_int_equal(f->got[7].calls, 0);
    assert_int_equal(f->iq.n, 1);
    assert_true(answer(f, f->sent_id, "result", NULL));
    assert_int_equal(f->got[7].err, WB_OK);
}

static void test_not_sent(void **state)
{
    struct fixture *f = *state;

    f->send_result = WB_ERR_STATE;
    assert_int_equal(ask(f, 1, 0), WB_ERR_STATE);
    fake_time_pass(&f->time, IQ_TIMEOUT_MS);
    assert_int_equal(f->got[1].calls, 0);
    assert_int_equal(iq_send(&f->iq, &f->arena, NULL, 0, on_reply, 1), WB_ERR_NOMEM);
}

static void test_too_many(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < IQ_PENDING_MAX; i++)
        assert_int_equal(ask(f, 0, 0), WB_OK);
    assert_int_equal(ask(f, 1, 0), WB_ERR_TOO_LARGE);
    assert_int_equal(f->got[1].calls, 0);
}

static void test_foreign_answers(void **state)
{
    struct fixture *f = *state;
    struct node *n = node_new(&f->arena, "iq");

    assert_int_equal(ask(f, 1, 0), WB_OK);
    assert_false(iq_handle(&f->iq, n, &f->arena)); /* no id */
    assert_false(answer(f, "other-1", "result", NULL));
    assert_int_equal(f->got[1].calls, 0);
}

/* ---- pauses that the server asks for (P-X2-05) ---- */

static enum wb_err ask_kind(struct fixture *f, const char *xmlns, const char *type,
                            const char *child, uint64_t key)
{
    struct node *n = iq_new(&f->arena, type, xmlns, NULL);

    node_child_new(&f->arena, n, child);
    return iq_send(&f->iq, &f->arena, n, 0, on_reply, key);
}

static enum wb_err ask_usync(struct fixture *f, uint64_t key)
{
    return ask_kind(f, "usync", "get", "usync", key);
}

/* The answer to what was sent last. backoff NULL: it does not say for how long. */
static void refuse(struct fixture *f, const char *code, const char *backoff)
{
    struct node *n = node_new(&f->arena, "iq"), *e = node_child_new(&f->arena, n, "error");

    node_attr_text(&f->arena, n, "id", f->sent_id);
    node_attr_text(&f->arena, n, "type", "error");
    node_attr_text(&f->arena, e, "code", code);
    if (backoff)
        node_attr_text(&f->arena, e, "backoff", backoff);
    assert_true(iq_handle(&f->iq, n, &f->arena));
}

static void test_a_kind_pauses_as_long_as_the_server_says(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask_usync(f, 1), WB_OK);
    refuse(f, "429", "30");
    assert_int_equal(f->got[1].err, WB_ERR_RATE_LIMITED);
    assert_int_equal(f->got[1].code, 429);
    assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_USYNC), 30000);
    assert_int_equal(ask_usync(f, 2), WB_ERR_RATE_LIMITED);
    assert_int_equal(ask_kind(f, "w:g2", "get", "query", 3), WB_OK); /* another kind */
    iq_fail_all(&f->iq, WB_ERR_NET); /* a pause of the account, not of the connection */
    iq_new_connection(&f->iq, &rng_system);
    fake_time_pass(&f->time, 29999);
    assert_int_equal(ask_usync(f, 2), WB_ERR_RATE_LIMITED);
    fake_time_pass(&f->time, 1);
    assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_USYNC), 0);
    assert_int_equal(ask_usync(f, 2), WB_OK);
    assert_true(answer(f, f->sent_id, "result", NULL));
    assert_int_equal(f->got[2].err, WB_OK);
    assert_int_equal(f->got[2].calls, 1);
}

static void test_one_request_goes_first_after_a_pause(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask_usync(f, 1), WB_OK);
    refuse(f, "429", "1");
    fake_time_pass(&f->time, 1000);
    assert_int_equal(ask_usync(f, 1), WB_OK);
    assert_int_equal(ask_usync(f, 2), WB_ERR_RATE_LIMITED); /* the others wait for its answer */
    assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_USYNC), IQ_PROBE_MS);
    iq_fail_all(&f->iq, WB_ERR_NET); /* which never comes: the next one is the first */
    assert_int_equal(ask_usync(f, 2), WB_OK);
    assert_int_equal(ask_usync(f, 3), WB_ERR_RATE_LIMITED);
    assert_true(answer(f, f->sent_id, "error", "404")); /* an answer, too */
    assert_int_equal(ask_usync(f, 3), WB_OK);
    assert_int_equal(ask_usync(f, 4), WB_OK);
    f->send_result = WB_ERR_STATE;
    assert_int_equal(ask_usync(f, 5), WB_ERR_STATE);
}

static void test_pauses_grow_until_the_server_answers(void **state)
{
    struct fixture *f = *state;
    int64_t wanted = IQ_PAUSE_FIRST_S * INT64_C(1000);

    for (int i = 0; i < 12; i++) {
        assert_int_equal(ask_usync(f, 1), WB_OK);
        refuse(f, "429", NULL);
        assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_USYNC), wanted);
        fake_time_pass(&f->time, wanted);
        wanted = wanted * 2 < IQ_PAUSE_GROWN_S * INT64_C(1000) ? wanted * 2
                                                               : IQ_PAUSE_GROWN_S * INT64_C(1000);
    }
    assert_int_equal(ask_usync(f, 1), WB_OK);
    assert_true(answer(f, f->sent_id, "result", NULL));
    assert_int_equal(ask_usync(f, 1), WB_OK);
    refuse(f, "429", NULL);
    assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_USYNC), IQ_PAUSE_FIRST_S * 1000);
}

/* Sixty chats that had asked already are refused sixty times: that is one refusal. */
static void test_what_was_under_way_counts_once(void **state)
{
    struct fixture *f = *state;
    char first[IQ_ID_MAX];

    assert_int_equal(ask_usync(f, 1), WB_OK);
    snprintf(first, sizeof first, "%s", f->sent_id);
    assert_int_equal(ask_usync(f, 2), WB_OK);
    refuse(f, "429", NULL);
    snprintf(f->sent_id, sizeof f->sent_id, "%s", first);
    refuse(f, "429", NULL);
    assert_int_equal(f->got[1].err, WB_ERR_RATE_LIMITED);
    assert_int_equal(f->got[2].err, WB_ERR_RATE_LIMITED);
    assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_USYNC), IQ_PAUSE_FIRST_S * 1000);
}

/* The code answers the question, and `backoff` asks for the next pause. */
static void test_a_first_request_that_is_answered_with_a_backoff(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask_usync(f, 1), WB_OK);
    refuse(f, "429", "30");
    fake_time_pass(&f->time, 30000);
    assert_int_equal(ask_usync(f, 1), WB_OK);
    refuse(f, "403", "600");
    assert_int_equal(f->got[1].err, WB_ERR_REFUSED);
    assert_true(iq_pause_left_ms(&f->iq, IQ_KIND_USYNC) >= 600 * 1000);
    assert_int_equal(ask_usync(f, 1), WB_ERR_RATE_LIMITED);
    fake_time_pass(&f->time, IQ_PAUSE_GROWN_S * INT64_C(1000));
    assert_int_equal(ask_usync(f, 1), WB_OK); /* and then one goes first again */
    assert_int_equal(ask_usync(f, 2), WB_ERR_RATE_LIMITED);
}

static void test_what_a_backoff_may_be(void **state)
{
    struct fixture *f = *state;

    /* Any error may have one; where its code is an answer, it is one. */
    assert_int_equal(ask_usync(f, 1), WB_OK);
    refuse(f, "404", "7");
    assert_int_equal(f->got[1].err, WB_ERR_REFUSED);
    assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_USYNC), 7000);
    assert_int_equal(ask_kind(f, "encrypt", "get", "key", 2), WB_OK);
    refuse(f, "503", "7");
    assert_int_equal(f->got[2].err, WB_ERR_RATE_LIMITED);
    assert_int_equal(ask_kind(f, "privacy", "set", "tokens", 2), WB_OK);
    refuse(f, "503", NULL); /* the usual trouble */
    assert_int_equal(f->got[2].err, WB_ERR_REFUSED);
    /* No number of a server stops us for ever. */
    assert_int_equal(ask_kind(f, "w:g2", "get", "query", 3), WB_OK);
    refuse(f, "429", "18446744073709551615");
    assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_GROUPS), IQ_BACKOFF_MAX_S * INT64_C(1000));
    assert_int_equal(ask_kind(f, "a", "set", "b", 3), WB_OK);
    refuse(f, "429", "-5");
    assert_int_equal(iq_pause_left_ms(&f->iq, "a set"), IQ_PAUSE_FIRST_S * 1000);
    iq_forget_pauses(&f->iq);
    assert_int_equal(iq_pause_left_ms(&f->iq, IQ_KIND_GROUPS), 0);
}

static void test_kinds(void **state)
{
    struct fixture *f = *state;

    /* Pings and <active/> are the connection's own. */
    assert_int_equal(ask_kind(f, "w:p", "get", "ping", 1), WB_OK);
    refuse(f, "429", "60");
    assert_int_equal(f->got[1].err, WB_ERR_REFUSED);
    assert_int_equal(ask_kind(f, "w:p", "get", "ping", 1), WB_OK);
    assert_int_equal(ask_kind(f, "passive", "set", "active", 1), WB_OK);
    refuse(f, "429", "60");
    assert_int_equal(ask_kind(f, "passive", "set", "active", 1), WB_OK);
    /* A code that was refused does not keep the device linked. */
    assert_int_equal(ask_kind(f, "md", "set", "link_code_companion_reg", 1), WB_OK);
    refuse(f, "429", "60");
    assert_int_equal(ask_kind(f, "md", "set", "link_code_companion_reg", 1), WB_ERR_RATE_LIMITED);
    assert_int_equal(ask_kind(f, "md", "set", "remove-companion-device", 1), WB_OK);
    /* More kinds than are remembered: the one that would end first is forgotten. */
    for (int i = 0; i < 2 * IQ_PAUSES_MAX; i++) {
        char xmlns[100];

        snprintf(xmlns, sizeof xmlns, "n%d%s", i,
                 i % 2 ? ""
                       : "-of-a-length-that-is-cut-somewhere-"
                         "between-here-and-the-end-of-it");
        assert_int_equal(ask_kind(f, xmlns, "get", "x", 1), WB_OK);
        refuse(f, "429", "60");
        assert_int_equal(ask_kind(f, xmlns, "get", "x", 1), WB_ERR_RATE_LIMITED);
    }
    assert_int_equal(f->iq.pauses.n, IQ_PAUSES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_result_and_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_neither_result_nor_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeouts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connection_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_kind_pauses_as_long_as_the_server_says, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_one_request_goes_first_after_a_pause, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pauses_grow_until_the_server_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_under_way_counts_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_first_request_that_is_answered_with_a_backoff, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_a_backoff_may_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
