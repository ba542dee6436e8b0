/* The WebSocket client before there is a WebSocket: time limits, refusals, giving up. What goes
 * over an open one is in tests/e2e/test_socket.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/platform/limits.h"
#include "bridge/platform/ws_client.h"

enum { STEP_MS = 20, STEPS_MAX = 500 };

static int64_t now_ms;
static int64_t by_hand(void *ctx)
{
    (void)ctx;
    return now_ms;
}
static const struct clock hand_clock = {by_hand, by_hand, NULL};

struct fixture {
    struct loop *loop;
    struct ws_client *client;
    int listener;
    char url[64];
    unsigned opened, ended;
    struct ws_end_info info;
};

static void on_open(void *ctx)
{
    ((struct fixture *)ctx)->opened++;
}

static bool on_receive(void *ctx, struct span bytes)
{
    (void)ctx;
    (void)bytes;
    return true;
}

static void on_ended(void *ctx, const struct ws_end_info *info)
{
    struct fixture *f = ctx;

    f->ended++;
    f->info = *info;
    assert_true(info->text[0]);
}

/* A bound socket; nobody accepts on it. */
static int setup(void **state)
{
    static struct fixture f;
    struct ws_callbacks cb = {on_open, on_receive, NULL, on_ended, &f};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;

    f = (struct fixture){0};
    now_ms = 1000;
    f.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f.listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(f.listener, (struct sockaddr *)&a, &n), 0);
    snprintf(f.url, sizeof f.url, "ws://127.0.0.1:%u/ws/chat", ntohs(a.sin_port));
    assert_int_equal(loop_new(&hand_clock, &f.loop), WB_OK);
    assert_int_equal(ws_client_new(f.loop, NULL, &cb, &f.client), WB_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    ws_client_free(f->client);
    loop_free(f->loop);
    close(f->listener);
    return 0;
}

static void steps(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(loop_step(f->loop, STEP_MS), WB_OK);
}

static void until_ended(struct fixture *f)
{
    for (int i = 0; i < STEPS_MAX && !f->ended; i++)
        steps(f, 1);
    assert_int_equal(f->ended, 1);
    assert_false(ws_client_active(f->client));
}

static enum wb_err dial(struct fixture *f)
{
    struct ws_target target = {f->url, ""};

    return ws_client_open(f->client, &target);
}

/* TCP is there, the upgrade never comes (P-WS-11). */
static void silent_server(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(listen(f->listener, 1), 0);
    assert_int_equal(dial(f), WB_OK);
    assert_int_equal(f->ended, 0); /* never from within the call */
    assert_int_equal(dial(f), WB_ERR_STATE);
    assert_int_equal(ws_client_send(f->client, SPAN_LIT("x")), WB_ERR_STATE);
    steps(f, 5);
    now_ms += CONN_STEP_TIMEOUT_MS - 1;
    steps(f, 2);
    assert_int_equal(f->ended, 0);
    now_ms += 1;
    until_ended(f);
    assert_int_equal(f->info.end, WS_END_TIMEOUT);
    assert_non_null(strstr(f->info.text, "within 5 s"));
    assert_int_equal(f->opened, 0);
    /* And once more, on the same object. */
    f->ended = 0;
    assert_int_equal(dial(f), WB_OK);
    steps(f, 5);
    now_ms += CONN_STEP_TIMEOUT_MS;
    until_ended(f);
}

/* The only address has all the time that there is for TCP and TLS: nothing else is left to try. */
static void slow_tls_is_waited_for(void **state)
{
    struct fixture *f = *state;

    memmove(f->url + 3, f->url + 2, strlen(f->url + 2) + 1);
    f->url[2] = 's';
    assert_int_equal(listen(f->listener, 1), 0);
    assert_int_equal(dial(f), WB_OK);
    steps(f, 5);
    for (int i = 0; i < 3; i++) {
        now_ms += CONN_STEP_TIMEOUT_MS;
        steps(f, 2);
        assert_int_equal(f->ended, 0);
    }
    now_ms += CONN_SOCKET_TIMEOUT_MS - 3 * CONN_STEP_TIMEOUT_MS;
    until_ended(f);
    assert_int_equal(f->info.end, WS_END_TIMEOUT);
    assert_non_null(strstr(f->info.text, "within 20 s"));
    assert_int_equal(f->opened, 0);
}

static void nobody_listens(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(dial(f), WB_OK);
    until_ended(f);
    assert_int_equal(f->info.end, WS_END_UNREACHABLE);
    assert_non_null(strstr(f->info.text, "connection refused"));
    assert_int_equal(f->info.http_status, 0);
}

static void given_up_before_the_upgrade(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(listen(f->listener, 1), 0);
    assert_int_equal(dial(f), WB_OK);
    steps(f, 2);
    ws_client_close(f->client);
    ws_client_close(f->client);
    until_ended(f);
    assert_int_equal(f->info.end, WS_END_CLOSED);
    ws_client_close(f->client); /* harmless */
    steps(f, 2);
    assert_int_equal(f->ended, 1);
}

static void freed_while_dialling(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(listen(f->listener, 1), 0);
    assert_int_equal(dial(f), WB_OK);
    steps(f, 2);
    ws_client_free(f->client);
    f->client = NULL;
    now_ms += CONN_SOCKET_TIMEOUT_MS;
    steps(f, 2);
    assert_int_equal(f->ended, 0);
}

static void bad_urls(void **state)
{
    struct fixture *f = *state;

    strcpy(f->url, "http://127.0.0.1/");
    assert_int_equal(dial(f), WB_ERR_INVALID);
    assert_false(ws_client_active(f->client));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(silent_server),        T(slow_tls_is_waited_for),
        T(nobody_listens),       T(given_up_before_the_upgrade),
        T(freed_while_dialling), T(bad_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
