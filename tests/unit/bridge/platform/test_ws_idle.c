/* An open WebSocket on which nothing happens: libwebsockets' own time limits do not end it, nor
 * does it send anything by itself. The clock that libwebsockets looks at is this program's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bridge/platform/ws_client.h"

enum { STEP_MS = 20, STEPS_MAX = 500, JUMP_S = 20, IDLE_S = 1000 };

static time_t jumped_s;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    if (syscall(SYS_clock_gettime, id, ts) != 0)
        return -1;
    ts->tv_sec += jumped_s;
    return 0;
}

static struct loop *loop;
static struct ws_client *client;
static unsigned opened, ended;

static void on_open(void *ctx)
{
    (void)ctx;
    opened++;
}

static bool on_receive(void *ctx, struct span bytes)
{
    (void)ctx;
    (void)bytes;
    return true;
}

static void on_ended(void *ctx, const struct ws_end_info *info)
{
    (void)ctx;
    (void)info;
    ended++;
}

static void steps(int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(loop_step(loop, STEP_MS), WB_OK);
}

/* The upgrade's answer: SHA-1 over the client's key and a fixed text (RFC 6455, 4.2.2). */
static void upgrade(int peer)
{
    static const char name[] = "sec-websocket-key: ";
    char request[4096] = "", text[200];
    unsigned char digest[EVP_MAX_MD_SIZE], accept[64];
    unsigned size = 0;
    const char *key = NULL;
    size_t n = 0;

    for (int i = 0; i < STEPS_MAX && !strstr(request, "\r\n\r\n"); i++) {
        ssize_t got = recv(peer, request + n, sizeof request - n - 1, MSG_DONTWAIT);

        n += got > 0 ? (size_t)got : 0;
        steps(1);
    }
    for (const char *p = request; *p && !key; p++)
        if (strncasecmp(p, name, sizeof name - 1) == 0)
            key = p + sizeof name - 1;
    assert_non_null(key);
    n = (size_t)snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                         (int)strcspn(key, "\r"), key);
    assert_int_equal(EVP_Digest(text, n, digest, &size, EVP_sha1(), NULL), 1);
    EVP_EncodeBlock(accept, digest, (int)size);
    n = (size_t)snprintf(text, sizeof text,
                         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                         (const char *)accept);
    assert_int_equal(send(peer, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void an_open_socket_is_left_alone(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ws_callbacks cb = {on_open, on_receive, NULL, on_ended, NULL};
    socklen_t n = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
    char url[64], byte;

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
    assert_int_equal(listen(listener, 1), 0);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/ws/chat", ntohs(a.sin_port));
    assert_int_equal(loop_new(&clock_system, &loop), WB_OK);
    assert_int_equal(ws_client_new(loop, NULL, &cb, &client), WB_OK);
    assert_int_equal(ws_client_open(client, &(struct ws_target){url, ""}), WB_OK);
    steps(2);
    peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    upgrade(peer);
    for (int i = 0; i < STEPS_MAX && !opened; i++)
        steps(1);
    assert_int_equal(opened, 1);
    while (jumped_s < IDLE_S) {
        jumped_s += JUMP_S;
        steps(2);
        assert_int_equal(ended, 0);
        assert_int_equal(recv(peer, &byte, 1, MSG_DONTWAIT), -1); /* not a byte */
    }
    ws_client_free(client);
    loop_free(loop);
    close(peer);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_open_socket_is_left_alone)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
