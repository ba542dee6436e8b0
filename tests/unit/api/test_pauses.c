/* /health names the longest pause of the loop: when the API works on its sockets (a caller arrives,
 * the head, the body, the answer), the pause is named the API's. The program has an accept4() and a
 * send() of its own, which look at who is at work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/api.h"
#include "bridge/core/context.h"

enum { STEPS_MAX = 400, STEP_MS = 50 };

static struct loop *loop;
static struct api *api;
static struct config config;
static struct bridge bridge;
static char bind_to[] = "127.0.0.1", nothing[] = "";
static int caller;
static const char *who_accepts, *who_answers;

static const char *at_work(void)
{
    const char *who = loop_pauses(loop)->who;

    return who ? who : "nobody";
}

int accept4(int fd, struct sockaddr *address, socklen_t *n, int flags)
{
    who_accepts = at_work();
    return (int)syscall(SYS_accept4, fd, address, n, flags);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    if (fd != caller)
        who_answers = at_work();
    return (ssize_t)syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

static void say(const char *text)
{
    assert_int_equal(send(caller, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void call(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(api_port(api))};

    caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(caller >= 0);
    assert_int_equal(connect(caller, (struct sockaddr *)&to, sizeof to), 0);
}

static void step_until_told(const char **who)
{
    for (int i = 0; i < STEPS_MAX && !*who; i++)
        assert_int_equal(loop_step(loop, STEP_MS), WB_OK);
    assert_non_null(*who);
}

static int begin(void **state)
{
    struct buf problem = buf_new(1000);

    (void)state;
    who_accepts = who_answers = NULL;
    caller = -1;
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
    if (caller >= 0)
        close(caller);
    return 0;
}

static void its_sockets_are_the_apis(void **state)
{
    (void)state;
    call();
    step_until_told(&who_accepts);
    assert_string_equal(who_accepts, "the API's sockets");
    say("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
    step_until_told(&who_answers);
    assert_string_equal(who_answers, "the API's sockets");
}

/* The answer leaves when the socket takes it, which is not the handler's time any more. */
static void a_handlers_time_ends_with_it(void **state)
{
    (void)state;
    call();
    say("GET /pair.css HTTP/1.1\r\nHost: localhost\r\n\r\n");
    step_until_told(&who_answers);
    assert_string_equal(who_answers, "the API's sockets");
}

/* Connections that are there when the API is stopped end with the loop, when the API is gone. */
static void nobody_is_marked_after_the_end(void **state)
{
    (void)state;
    call();
    step_until_told(&who_accepts);
    say("GET /pair.css HTTP/1.1\r\nHost: loc");
    assert_int_equal(loop_step(loop, STEP_MS), WB_OK);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(its_sockets_are_the_apis),
        T(a_handlers_time_ends_with_it),
        T(nobody_is_marked_after_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
