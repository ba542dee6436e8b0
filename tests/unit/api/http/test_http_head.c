/* The head of an HTTP request: where it ends, what it says, which bytes are no head (RFC 9112). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/http/http_head.h"

#define LINE "GET /health HTTP/1.1\r\n"

static void the_end_is_found_however_it_is_cut(void **state)
{
    static const char text[] = "\r\n" LINE "Host: a\r\n\r\nGET /next HTTP/1.1\r\n\r\n";
    const size_t end = sizeof "\r\n" LINE "Host: a\r\n\r\n" - 1;

    (void)state;
    for (size_t step = 1; step < sizeof text; step++) {
        struct http_head_scan s = {0};
        size_t n = 0, at = 0;

        while (n == 0 && at < sizeof text - 1) {
            at = at + step < sizeof text - 1 ? at + step : sizeof text - 1;
            n = http_head_length(&s, SPAN(text, at));
        }
        assert_int_equal(n, end);
    }
    assert_int_equal(http_head_length(&(struct http_head_scan){0}, SPAN_LIT("GET / HTTP/1.1\n\n")),
                     16);
    assert_int_equal(http_head_length(&(struct http_head_scan){0}, SPAN_LIT("\r\n\r\n\r\n")), 0);
}

static void other_protocols_are_known_by_their_first_bytes(void **state)
{
    (void)state;
    assert_true(http_head_possible(SPAN_LIT("")));
    assert_true(http_head_possible(SPAN_LIT("\r\nPOS")));
    assert_true(http_head_possible(SPAN_LIT("GET /\xff")));
    assert_false(http_head_possible(SPAN_LIT("\x16\x03\x01")));
    assert_false(http_head_possible(SPAN_LIT("GE\xffT / HTTP/1.1")));
    assert_false(http_head_possible(SPAN_LIT("{\"recipient\"")));
}

static void what_a_request_says(void **state)
{
    struct http_head h;
    const char *problem = NULL;

    (void)state;
    assert_int_equal(
        http_head_parse(SPAN_LIT("\r\nPOST /a%20b?x=1&y HTTP/1.1\r\nHOST:localhost:8080\r\n"
                                 "Origin: \t http://x \r\nauthorization: Bearer t\r\n"
                                 "Content-Type: a\r\nContent-Type: b\r\nIdempotency-Key:\r\n"
                                 "Content-Length: 5\r\nContent-Length: 5\r\nOther: caf\xc3\xa9\r\n"
                                 "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"),
                        &h, &problem),
        WB_OK);
    assert_true(span_eq_cstr(h.method, "POST") && span_eq_cstr(h.path, "/a%20b"));
    assert_true(span_eq_cstr(h.query, "x=1&y") && h.may_have_interim);
    assert_true(span_eq_cstr(h.host, "localhost:8080") && span_eq_cstr(h.origin, "http://x"));
    assert_true(span_eq_cstr(h.authorization, "Bearer t") && span_eq_cstr(h.content_type, "a"));
    assert_true(h.idempotency_key.p && h.idempotency_key.n == 0);
    assert_true(span_eq_cstr(h.content_length, "5") && span_eq_cstr(h.expect, "100-continue"));
    assert_true(span_eq_cstr(h.transfer_encoding, "chunked"));
    assert_int_equal(
        http_head_parse(SPAN_LIT("GET http://a:1/p HTTP/1.0\nHost: b\n\n"), &h, &problem), WB_OK);
    assert_true(span_eq_cstr(h.host, "a:1") && span_eq_cstr(h.path, "/p"));
    assert_true(!h.may_have_interim && h.query.n == 0);
}

static void what_is_no_request(void **state)
{
    static const char *const bad[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / x HTTP/1.1\r\n\r\n",
        "GET\t/ HTTP/1.1\r\n\r\n",
        "GET * HTTP/1.1\r\n\r\n",
        "GET https://a/ HTTP/1.1\r\n\r\n",
        "GET http:///a HTTP/1.1\r\n\r\n",
        LINE "Host\r\n\r\n",
        LINE ": x\r\n\r\n",
        LINE "Host : x\r\n\r\n",
        LINE "Host: x\r\n folded\r\n\r\n",
        LINE "Host: x\r\nhost: y\r\n\r\n",
        LINE "Authorization: x\r\nAuthorization: y\r\n\r\n",
        LINE "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        LINE "X: a\rb\r\n\r\n",
    };
    struct http_head h;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *problem = NULL;

        if (http_head_parse(span_cstr(bad[i]), &h, &problem) != WB_ERR_MALFORMED || !problem)
            fail_msg("taken: %s", bad[i]);
    }
}

static void paths_and_queries_are_decoded(void **state)
{
    char out[16];

    (void)state;
    assert_true(http_path_decode(SPAN_LIT("/a%2Fb+%c3%A9"), out, sizeof out));
    assert_string_equal(out, "/a/b+\xc3\xa9");
    assert_true(http_path_decode(SPAN_LIT("/..//%2e"), out, sizeof out));
    assert_string_equal(out, "/..//.");
    assert_false(http_path_decode(SPAN_LIT("/%0"), out, sizeof out));
    assert_false(http_path_decode(SPAN_LIT("/%00"), out, sizeof out));
    assert_false(http_path_decode(SPAN_LIT("/%g1"), out, sizeof out));
    assert_true(http_path_decode(SPAN_LIT("/23456789012345"), out, sizeof out));
    assert_false(http_path_decode(SPAN_LIT("/234567890123456"), out, sizeof out));

    assert_true(http_query_decode(SPAN_LIT("&a=%26+b&&c&"), out, sizeof out));
    assert_memory_equal(out, "a=& b\0c\0", 9);
    assert_true(http_query_decode(SPAN_LIT(""), out, sizeof out));
    assert_memory_equal(out, "", 1);
    assert_true(http_query_decode(SPAN_LIT("23456789012345"), out, sizeof out));
    assert_memory_equal(out, "23456789012345\0", 16);
    assert_false(http_query_decode(SPAN_LIT("234567890123456"), out, sizeof out));
    assert_false(http_query_decode(SPAN_LIT("a=%00"), out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_found_however_it_is_cut),
        cmocka_unit_test(other_protocols_are_known_by_their_first_bytes),
        cmocka_unit_test(what_a_request_says),
        cmocka_unit_test(what_is_no_request),
        cmocka_unit_test(paths_and_queries_are_decoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
