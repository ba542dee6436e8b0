/* The connection's table is total, and each reason of the server has its own reaction (area ER). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/conn/conn_private.h"
#include "bridge/conn/in_stream.h"
#include "bridge/conn/version_fetch.h"
#include "bridge/platform/ws_url.h"

/* The handler of a pair that no row names. */
static conn_handler *by_default(void)
{
    return conn_table_find(CONN_STOPPED, CONN_EV_SUCCESS);
}

static void test_total(void **state)
{
    (void)state;
    for (unsigned s = 0; s < CONN_STATE_COUNT; s++) {
        assert_true(conn_state_name((enum conn_state)s)[0]);
        for (unsigned e = 0; e < CONN_EVENT_COUNT; e++) {
            assert_non_null(conn_table_find((enum conn_state)s, (enum conn_event)e));
            assert_true(conn_event_name((enum conn_event)e)[0]);
        }
        /* Always possible: to stop, and to be told to drop. */
        assert_ptr_not_equal(conn_table_find((enum conn_state)s, CONN_EV_SHUTDOWN), by_default());
        assert_ptr_not_equal(conn_table_find((enum conn_state)s, CONN_EV_DROP), by_default());
        assert_ptr_not_equal(conn_table_find((enum conn_state)s, CONN_EV_OPERATOR), by_default());
        assert_ptr_not_equal(conn_table_find((enum conn_state)s, CONN_EV_VERSION), by_default());
    }
}

/* Where each step of the way is taken, and that it is a protocol error everywhere else. */
static void test_steps(void **state)
{
    static const struct {
        enum conn_event e;
        enum conn_state first, last;
    } steps[] = {
        {CONN_EV_HELLO, CONN_WAIT_SERVER_HELLO, CONN_WAIT_SERVER_HELLO},
        {CONN_EV_PAIR_SUCCESS, CONN_WAIT_PAIR_SCAN, CONN_WAIT_PAIR_STORE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        for (unsigned s = 0; s < CONN_STATE_COUNT; s++) {
            conn_handler *h = conn_table_find((enum conn_state)s, steps[i].e);

            if (s >= steps[i].first && s <= steps[i].last)
                assert_ptr_not_equal(h, by_default());
            else
                assert_ptr_equal(h, by_default());
        }
    assert_ptr_equal(conn_table_find(CONN_WAIT_SUCCESS, CONN_EV_SUCCESS), conn_on_success);
    /* Before the account is stored <success> is ignored (P-PR-16). */
    assert_ptr_equal(conn_table_find(CONN_WAIT_PAIR_SCAN, CONN_EV_SUCCESS), conn_on_early_success);
    assert_ptr_equal(conn_table_find(CONN_WAIT_PAIR_RESTART, CONN_EV_SUCCESS),
                     conn_on_early_success);
    /* A second one is ignored (P-LG-03), not taken as new. */
    assert_ptr_not_equal(conn_table_find(CONN_ONLINE, CONN_EV_SUCCESS), conn_on_success);
    assert_ptr_not_equal(conn_table_find(CONN_ONLINE, CONN_EV_SUCCESS), by_default());
}

static void test_failures(void **state)
{
    static const struct {
        uint32_t reason;
        enum conn_reason why;
    } cases[] = {
        {400, CONN_WHY_FAILURE},    {401, CONN_WHY_LOGGED_OUT}, {402, CONN_WHY_BANNED},
        {403, CONN_WHY_LOGGED_OUT}, {405, CONN_WHY_OUTDATED},   {406, CONN_WHY_LOGGED_OUT},
        {409, CONN_WHY_FAILURE},    {415, CONN_WHY_FAILURE},    {418, CONN_WHY_FAILURE},
        {429, CONN_WHY_RATE},       {500, CONN_WHY_SERVER},     {501, CONN_WHY_SERVER},
        {502, CONN_WHY_SERVER},     {503, CONN_WHY_SERVER},     {504, CONN_WHY_SERVER},
        {0, CONN_WHY_FAILURE},      {499, CONN_WHY_FAILURE},    {999, CONN_WHY_SERVER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(failure_reaction(&(struct failure_info){.reason = cases[i].reason}),
                         cases[i].why);
}

static void test_stream_errors(void **state)
{
    static const struct {
        uint32_t code;
        enum stream_conflict conflict;
        enum conn_reason why;
    } cases[] = {
        {515, CONFLICT_NONE, CONN_WHY_RESTART},
        {401, CONFLICT_DEVICE_REMOVED, CONN_WHY_LOGGED_OUT},
        {401, CONFLICT_NONE, CONN_WHY_LOGGED_OUT},
        {516, CONFLICT_NONE, CONN_WHY_LOGGED_OUT},
        {401, CONFLICT_REPLACED, CONN_WHY_REPLACED},
        {409, CONFLICT_REPLACED, CONN_WHY_REPLACED},
        {0, CONFLICT_REPLACED, CONN_WHY_REPLACED},
        {503, CONFLICT_NONE, CONN_WHY_SERVER},
        {429, CONFLICT_NONE, CONN_WHY_RATE},
        {0, CONFLICT_NONE, CONN_WHY_SERVER},
        {500, CONFLICT_OTHER, CONN_WHY_SERVER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(stream_error_reaction(&(struct stream_error_info){
                             .code = cases[i].code, .conflict = cases[i].conflict}),
                         cases[i].why);
}

static void test_version_page(void **state)
{
    static const struct {
        const char *page;
        uint32_t n; /* 0: none */
    } pages[] = {
        {"x{\"client_revision\":1045649367,\"y\":1}", 1045649367},
        {"\\\"client_revision\\\": 1029999999,", 1029999999},
        {"client_revision client_revision\":  7 ", 7},
        {"\"client_revision\":\"x\"", 0},
        {"\"client_revision\":99999999999", 0},
        {"client_revision1234", 0}, /* digits of a longer name */
        {"\"client_revision\":", 0},
        {"", 0},
    };
    char url[128];

    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        uint32_t n = 0;

        assert_int_equal(version_find(span_cstr(pages[i].page), &n), pages[i].n != 0);
        assert_int_equal(n, pages[i].n);
    }
    assert_true(version_page_url("", 0, url, sizeof url));
    assert_string_equal(url, "https://web.whatsapp.com/sw.js");
    assert_true(version_page_url("ws://127.0.0.1:99/ws/chat", 0, url, sizeof url));
    assert_string_equal(url, "http://127.0.0.1:99/sw.js");
    assert_true(version_page_url("wss://[::1]:7", 0, url, sizeof url));
    assert_string_equal(url, "https://[::1]:7/sw.js");
    assert_false(version_page_url("wss://host", 0, url, 8));
    assert_true(version_page_url("", 1, url, sizeof url));
    assert_string_equal(url, "https://web.whatsapp.com/");
    assert_true(version_page_url("ws://127.0.0.1:99/ws/chat", 1, url, sizeof url));
    assert_string_equal(url, "http://127.0.0.1:99/");
}

static void test_urls(void **state)
{
    static const char *const good[] = {"ws://127.0.0.1:99/ws/chat",
                                       "wss://web.whatsapp.com/ws/chat", "ws://[::1]:1/",
                                       "wss://host", "ws://h:65535"};
    static const char *const bad[] = {"",          "http://h/",    "ws://",        "ws:///x",
                                      "ws://h:0/", "ws://h:70000", "ws://h:12x/y", "ws://[::1",
                                      "ws://h?x",  "ws://h/a b"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(ws_url_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(ws_url_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_total),        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_failures),     cmocka_unit_test(test_stream_errors),
        cmocka_unit_test(test_version_page), cmocka_unit_test(test_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
