/* An answer that the socket takes only in pieces: all of it arrives, and nothing else. The program
 * has a send() of its own, which takes a few bytes at a time, and none every second time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/api.h"
#include "bridge/core/context.h"

enum { STEPS_MAX = 4000, STEP_MS = 50, PIECE = 100, ANSWER_MAX = 1 << 20 };

static struct loop *loop;
static struct api *api;
static struct config config;
static struct bridge bridge;
static char bind_to[] = "127.0.0.1", nothing[] = "";
static int caller = -1;
static unsigned calls;

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    if (fd != caller && calls++ % 2 == 1) {
        errno = EAGAIN;
        return -1;
    }
    if (fd != caller && n > PIECE)
        n = PIECE;
    return (ssize_t)syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

static void call(const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(api_port(api))};

    caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(caller >= 0);
    assert_int_equal(connect(caller, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(caller, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static int begin(void **state)
{
    struct buf problem = buf_new(1000);

    (void)state;
    config = (struct config){.bind = bind_to, .api_token = nothing, .api_hosts = nothing};
    assert_int_equal(loop_new(&clock_system, &loop), WB_OK);
    bridge.pauses = loop_pauses(loop);
    assert_int_equal(
        api_start(&(struct api_deps){.bridge = &bridge, .loop = loop, .config = &config}, &api,
                  &problem),
        WB_OK);
    buf_free(&problem);
    return 0;
}

static int end(void **state)
{
    (void)state;
    api_stop(api);
    loop_free(loop);
    close(caller);
    return 0;
}

static void an_answer_in_pieces_is_whole(void **state)
{
    char *got = malloc(ANSWER_MAX);
    size_t n = 0, length;
    ssize_t last = -1;
    const char *body, *told;

    (void)state;
    assert_non_null(got);
    call("GET /pair HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int i = 0; i < STEPS_MAX && last != 0; i++) {
        assert_int_equal(loop_step(loop, STEP_MS), WB_OK);
        last = recv(caller, got + n, ANSWER_MAX - 1 - n, MSG_DONTWAIT);
        n += last > 0 ? (size_t)last : 0;
    }
    got[n] = '\0';
    assert_int_equal(last, 0); /* and then the end */
    body = strstr(got, "\r\n\r\n");
    told = strstr(got, "content-length: ");
    assert_true(body && told);
    length = (size_t)strtoul(told + strlen("content-length: "), NULL, 10);
    assert_int_equal(got + n - (body + 4), length);
    assert_true(calls > 10);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_in_pieces_is_whole, begin, end)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
