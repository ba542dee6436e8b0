/* One GET, done by a process of its own, against a server of a few lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/platform/http_client.h"

enum { SOON_MS = 20 * 1000, REQUEST_MAX = 4096 };

/* Serves one connection: reads the request, writes the answer; NULL: says nothing. */
struct server {
    int listener;
    uint16_t port;
    const char *answer;
    char request[REQUEST_MAX];
    pthread_t thread;
};

static void *serve(void *ctx)
{
    struct server *s = ctx;
    int c = accept(s->listener, NULL, NULL);
    size_t n = 0;
    ssize_t got;

    while (c >= 0 && n < sizeof s->request - 1 && !strstr(s->request, "\r\n\r\n") &&
           (got = read(c, s->request + n, sizeof s->request - 1 - n)) > 0)
        n += (size_t)got;
    if (s->answer && write(c, s->answer, strlen(s->answer)) < 0)
        fail_msg("the client went away");
    if (!s->answer)
        (void)!read(c, s->request, 1); /* until the client gives up */
    close(c);
    return NULL;
}

static void server_start(struct server *s, const char *answer)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;

    memset(s, 0, sizeof *s);
    s->answer = answer;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->listener);
}

static enum wb_err get(struct server *s, long timeout_ms, struct buf *out, const char **ret_why)
{
    static const char *const headers[] = {"X-One: 1", "Accept: */*", NULL};
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%u/page", s->port);
    return http_get(url, headers, "", timeout_ms, out, ret_why);
}

static void answers(void **state)
{
    static const struct {
        const char *text;
        enum wb_err err;
        const char *body, *why; /* why: what NET is said to be; NULL: nothing is said */
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", WB_OK, "hello", NULL},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", WB_OK, "", NULL},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", WB_ERR_GONE, "", NULL},
        {"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", WB_ERR_GONE, "", NULL},
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", WB_ERR_REFUSED, "", NULL},
        {"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n", WB_ERR_REFUSED, "", NULL},
        {"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", WB_ERR_REFUSED, "",
         NULL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf", WB_ERR_NET, NULL,
         "the connection was closed in the middle of the answer"},
        {"no HTTP at all\r\n\r\n", WB_ERR_NET, NULL, "what answers speaks no HTTP"},
        {"", WB_ERR_NET, NULL, "the connection was closed instead of an answer"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\ntwelve bytes", WB_ERR_TOO_LARGE, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = buf_new(rows[i].err == WB_ERR_TOO_LARGE ? 10 : 1000);
        const char *why = NULL;
        struct server s;

        server_start(&s, rows[i].text);
        assert_int_equal(get(&s, SOON_MS, &out, &why), rows[i].err);
        server_end(&s);
        if (rows[i].why)
            assert_string_equal(why, rows[i].why);
        else
            assert_null(why);
        assert_non_null(strstr(s.request, "GET /page HTTP/1.1\r\n"));
        assert_non_null(strstr(s.request, "\r\nX-One: 1\r\n"));
        if (rows[i].body)
            assert_true(span_eq_cstr(buf_span(&out), rows[i].body));
        buf_free(&out);
    }
}

static void nobody_answers(void **state)
{
    struct buf out = buf_new(1000);
    const char *why = NULL;
    struct server s;
    char url[64];

    (void)state;
    server_start(&s, NULL);
    assert_int_equal(get(&s, 300, &out, NULL), WB_ERR_TIMEOUT);
    server_end(&s);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", s.port); /* closed by now */
    assert_int_equal(http_get(url, NULL, NULL, SOON_MS, &out, &why), WB_ERR_NET);
    assert_string_equal(why, "cannot be reached: refused, or no way there (firewall or proxy?)");
    assert_int_equal(http_get("http://", NULL, NULL, SOON_MS, &out, NULL), WB_ERR_INVALID);
    assert_int_equal(http_get("ftp://127.0.0.1/", NULL, NULL, SOON_MS, &out, NULL), WB_ERR_INVALID);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

/* Other arguments are not its own; too few are refused. */
static void only_when_it_is_meant(void **state)
{
    static char program[] = "program", help[] = "--help", word[] = "--http-get";
    char *const other[] = {program, help, NULL}, *const few[] = {program, word, NULL};

    (void)state;
    assert_int_equal(http_client_main(1, other), -1);
    assert_int_equal(http_client_main(2, other), -1);
    assert_true(http_client_main(2, few) > 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(only_when_it_is_meant),
    };
    int status = http_client_main(argc, argv);

    return status >= 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
