/* Sockets listen only where they were asked to, and tell who a caller is. The program has a
 * socket(), bind(), getsockopt() and getaddrinfo() of its own: they play a system without IPv6, a
 * system that has no sockets left, and a system that does not do what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/listen.h"

static bool no_ipv6, elsewhere, on_both;
static int socket_fails, bind_fails, name_fails; /* with this; 0: it works */

int socket(int domain, int type, int protocol)
{
    if (socket_fails) {
        errno = socket_fails;
        return -1;
    }
    if (no_ipv6 && domain == AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

/* elsewhere: what libwebsockets 4.1.6 did, the address is lost. */
int bind(int fd, const struct sockaddr *address, socklen_t n)
{
    struct sockaddr_storage a = {0};

    if (bind_fails) {
        errno = bind_fails;
        return -1;
    }
    memcpy(&a, address, n);
    if (elsewhere && a.ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)&a)->sin_addr.s_addr = INADDR_ANY;
    if (elsewhere && a.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)&a)->sin6_addr = in6addr_any;
    return (int)syscall(SYS_bind, fd, &a, n);
}

/* on_both: a system that lets every IPv6 socket take IPv4 as well. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *n)
{
    if (on_both && level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        *(int *)value = 0;
        return 0;
    }
    return (int)syscall(SYS_getsockopt, fd, level, name, value, n);
}

/* The resolver: of each name it only says why it has no answer. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    (void)name;
    (void)service;
    (void)hints;
    *ret = NULL;
    errno = EMFILE; /* of EAI_SYSTEM */
    return name_fails;
}

static struct listeners l;
static struct buf problem;

static int begin(void **state)
{
    (void)state;
    no_ipv6 = elsewhere = on_both = false;
    socket_fails = bind_fails = name_fails = 0;
    l = (struct listeners){0};
    problem = buf_new(1000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    listen_close(&l);
    buf_free(&problem);
    return 0;
}

static bool have_ipv6(void)
{
    struct listeners probe;
    enum wb_err err = listen_open("::1", 0, &probe, &problem);

    buf_clear(&problem);
    if (err == WB_OK)
        listen_close(&probe);
    return err == WB_OK;
}

/* Does somebody answer there? */
static bool answers(const char *address, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1, yes;
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);

    assert_true(is_v4 || inet_pton(AF_INET6, address, &v6.sin6_addr) == 1);
    if (fd < 0)
        return false;
    yes = (is_v4 ? connect(fd, (struct sockaddr *)&v4, sizeof v4)
                 : connect(fd, (struct sockaddr *)&v6, sizeof v6)) == 0;
    close(fd);
    return yes;
}

static void opened(const char *address, const char *where)
{
    enum wb_err err = listen_open(address, 0, &l, &problem);

    if (err != WB_OK)
        print_error("%s: %s\n", address, buf_cstr(&problem));
    assert_int_equal(err, WB_OK);
    assert_string_equal(l.where, where);
    assert_int_not_equal(l.port, 0);
    for (size_t i = 0; i < l.n; i++) {
        struct ip ip;
        char text[IP_TEXT_MAX];

        assert_true(ip_of_socket(l.fd[i], &ip));
        ip_text(&ip, text);
        assert_non_null(strstr(where, text));
    }
}

static void an_ipv4_address_is_that_and_nothing_else(void **state)
{
    (void)state;
    opened("127.0.0.1", "127.0.0.1");
    assert_int_equal(l.n, 1);
    assert_true(answers("127.0.0.1", l.port));
    assert_false(answers("127.0.0.2", l.port));
    assert_false(answers("::1", l.port));
    listen_close(&l);
    opened("::ffff:127.0.0.2", "127.0.0.2");
    assert_true(answers("127.0.0.2", l.port));
    assert_false(answers("127.0.0.1", l.port));
    listen_close(&l);
    opened("0.0.0.0", "0.0.0.0");
    assert_true(answers("127.0.0.1", l.port));
    assert_true(answers("127.0.0.2", l.port));
    assert_false(answers("::1", l.port));
}

static void an_ipv6_address_takes_no_ipv4(void **state)
{
    (void)state;
    if (!have_ipv6())
        skip();
    opened("::1", "::1");
    assert_true(answers("::1", l.port));
    assert_false(answers("127.0.0.1", l.port));
    listen_close(&l);
    opened("::", "::"); /* all there is, as everywhere on Linux */
    assert_true(answers("::1", l.port));
    assert_true(answers("127.0.0.1", l.port));
}

static void localhost_is_both_loopback_addresses_with_one_port(void **state)
{
    (void)state;
    if (!have_ipv6())
        skip();
    opened("LocalHost", "127.0.0.1, ::1");
    assert_int_equal(l.n, 2);
    assert_true(answers("127.0.0.1", l.port));
    assert_true(answers("::1", l.port));
    assert_false(answers("127.0.0.2", l.port));
}

static void without_ipv6_the_rest_works(void **state)
{
    (void)state;
    no_ipv6 = true;
    opened("127.0.0.1", "127.0.0.1");
    listen_close(&l);
    assert_string_equal(l.missing, "");
    opened("localhost", "127.0.0.1");
    assert_string_equal(l.missing, "::1");
    assert_true(answers("127.0.0.1", l.port));
    listen_close(&l);
    opened("0.0.0.0", "0.0.0.0");
    listen_close(&l);
    assert_int_equal(listen_open("::1", 0, &l, &problem), WB_ERR_NET);
    assert_non_null(strstr(buf_cstr(&problem), "::1"));
    assert_int_equal(listen_open("::", 0, &l, &problem), WB_ERR_NET);
}

static void a_socket_that_is_elsewhere_is_an_error(void **state)
{
    (void)state;
    bool v6 = have_ipv6();

    elsewhere = true;
    assert_int_equal(listen_open("127.0.0.1", 0, &l, &problem), WB_ERR_IO);
    assert_non_null(strstr(buf_cstr(&problem), "127.0.0.1"));
    assert_non_null(strstr(buf_cstr(&problem), "0.0.0.0"));
    assert_int_equal(listen_open("localhost", 0, &l, &problem), WB_ERR_IO);
    if (!v6)
        return;
    assert_int_equal(listen_open("::1", 0, &l, &problem), WB_ERR_IO);
    elsewhere = false;
    on_both = true; /* at the right address, but IPv4 would be taken as well */
    assert_int_equal(listen_open("::1", 0, &l, &problem), WB_ERR_IO);
}

static void what_cannot_be_had_is_said(void **state)
{
    (void)state;
    struct listeners other;
    char holder[40];

    opened("127.0.0.1", "127.0.0.1");
    assert_int_equal(listen_open("127.0.0.1", l.port, &other, &problem), WB_ERR_NET);
    assert_non_null(strstr(buf_cstr(&problem), strerror(EADDRINUSE)));
    snprintf(holder, sizeof holder, "by pid %ld (", (long)getpid());
    assert_non_null(strstr(buf_cstr(&problem), holder));
    assert_non_null(strstr(buf_cstr(&problem), "unit_base_listen"));
    buf_clear(&problem);
    assert_int_equal(listen_open("localhost", l.port, &other, &problem), WB_ERR_NET);
    assert_non_null(strstr(buf_cstr(&problem), "cannot listen on localhost (127.0.0.1) port "));
    buf_clear(&problem);
    listen_close(&l);
    if (have_ipv6()) { /* which of the two is taken, not only that one is */
        opened("::1", "::1");
        assert_int_equal(listen_open("localhost", l.port, &other, &problem), WB_ERR_NET);
        assert_non_null(strstr(buf_cstr(&problem), "cannot listen on localhost (::1) port "));
        buf_clear(&problem);
    }
    assert_int_equal(listen_open("192.0.2.1", 0, &other, &problem), WB_ERR_NET);
    assert_non_null(strstr(buf_cstr(&problem), strerror(EADDRNOTAVAIL)));
}

/* A program that listens on this port of another address is in nobody's way. */
static void who_holds_this_address_is_named(void **state)
{
    (void)state;
    struct listeners other;
    char ours[40], theirs[40], go;
    int up[2], down[2];
    pid_t child;

    opened("127.0.0.1", "127.0.0.1");
    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        uint16_t port = l.port;

        listen_close(&l);
        close(down[1]);
        go = listen_open("127.0.0.2", port, &other, &problem) == WB_OK ? 'y' : 'n';
        if (write(up[1], &go, 1) == 1 && read(down[0], &go, 1) != 0)
            _exit(1);
        _exit(0); /* the other end was closed */
    }
    assert_int_equal(read(up[0], &go, 1), 1);
    assert_int_equal(go, 'y');
    snprintf(ours, sizeof ours, "by pid %ld (", (long)getpid());
    snprintf(theirs, sizeof theirs, "by pid %ld (", (long)child);
    assert_int_equal(listen_open("127.0.0.1", l.port, &other, &problem), WB_ERR_NET);
    assert_non_null(strstr(buf_cstr(&problem), ours));
    buf_clear(&problem);
    assert_int_equal(listen_open("127.0.0.2", l.port, &other, &problem), WB_ERR_NET);
    assert_non_null(strstr(buf_cstr(&problem), theirs));
    buf_clear(&problem);
    assert_int_equal(listen_open("0.0.0.0", l.port, &other, &problem), WB_ERR_NET);
    assert_non_null(strstr(buf_cstr(&problem), "by pid "));
    close(down[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(down[0]);
    close(up[0]);
    close(up[1]);
}

/* NET means a mistake in the settings, IO one of the machine: programs end with another status for
 * each. */
static void fails_with(const char *address, enum wb_err err, const char *said)
{
    buf_clear(&problem);
    assert_int_equal(listen_open(address, 0, &l, &problem), err);
    if (!strstr(buf_cstr(&problem), "cannot listen on ") || !strstr(buf_cstr(&problem), said) ||
        (strstr(buf_cstr(&problem), "--bind") != NULL) != (err == WB_ERR_NET))
        fail_msg("'%s' is said of %s, '%s' is missing", buf_cstr(&problem), address, said);
}

static void a_machine_that_has_nothing_left_is_not_a_wrong_setting(void **state)
{
    static const int machine[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    static const int settings[] = {EADDRINUSE, EACCES, EINVAL, EADDRNOTAVAIL};

    (void)state;
    for (size_t i = 0; i < sizeof machine / sizeof *machine; i++) {
        socket_fails = machine[i];
        fails_with("127.0.0.1", WB_ERR_IO, strerror(machine[i]));
        fails_with("localhost", WB_ERR_IO, strerror(machine[i]));
        socket_fails = 0;
        bind_fails = machine[i];
        fails_with("127.0.0.1", WB_ERR_IO, strerror(machine[i]));
        bind_fails = 0;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        bind_fails = settings[i];
        fails_with("127.0.0.1", WB_ERR_NET, strerror(settings[i]));
        fails_with("localhost", WB_ERR_NET, strerror(settings[i]));
    }
}

static void a_resolver_that_cannot_work_is_the_machines_too(void **state)
{
    static const int machine[] = {EAI_AGAIN, EAI_MEMORY};
    static const int settings[] = {EAI_NONAME, EAI_FAIL};

    (void)state;
    for (size_t i = 0; i < sizeof machine / sizeof *machine; i++) {
        name_fails = machine[i];
        fails_with("bridge", WB_ERR_IO, gai_strerror(machine[i]));
    }
    name_fails = EAI_SYSTEM;
    fails_with("bridge", WB_ERR_IO, strerror(EMFILE));
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        name_fails = settings[i];
        fails_with("bridge", WB_ERR_NET, gai_strerror(settings[i]));
    }
    name_fails = 0; /* and no address */
    fails_with("bridge", WB_ERR_NET, "no address");
}

static void addresses_and_names(void **state)
{
    static const char *const good[] = {"127.0.0.1",   "0.0.0.0",   "::",     "::1",
                                       "2001:db8::1", "localhost", "bridge", "a-1.example.org"};
    static const char *const bad[] = {"",
                                      "127.1",
                                      "10.0.0.256",
                                      "1",
                                      "a b",
                                      "-a",
                                      ".",
                                      "a.",
                                      "[::1]",
                                      "::1%lo",
                                      "a_b.c",
                                      "1:2:3:",
                                      "*",
                                      "a.b/c.d",
                                      "127.0.0.1:80",
                                      "224.0.0.1",
                                      "239.255.255.255",
                                      "255.255.255.255",
                                      "ff02::1",
                                      "::ffff:224.0.0.1"};
    static const char *const loopback[] = {"127.0.0.1",       "127.255.0.9",      "::1",
                                           "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "localhost"};
    static const char *const not_loopback[] = {"0.0.0.0",          "::",     "10.0.0.1",
                                               "::ffff:10.0.0.1",  "bridge", "localhost.example",
                                               "127.0.0.1.example"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(listen_address_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (listen_address_valid(bad[i]))
            fail_msg("'%s' is taken for an address", bad[i]);
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++)
        assert_true(listen_address_is_loopback(loopback[i]));
    for (size_t i = 0; i < sizeof not_loopback / sizeof *not_loopback; i++)
        assert_false(listen_address_is_loopback(not_loopback[i]));
}

static void callers_are_known_by_their_address(void **state)
{
    (void)state;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ip ip = {{[10] = 0xff, 0xff, 10, 1, 2, 3}};
    struct pollfd p = {.events = POLLIN};
    char text[IP_TEXT_MAX];
    int fd, got;

    assert_false(ip_is_loopback(&ip));
    ip_text(&ip, text);
    assert_string_equal(text, "10.1.2.3");
    ip = (struct ip){{[15] = 1}};
    assert_true(ip_is_loopback(&ip));
    ip.bytes[0] = 0x20;
    assert_false(ip_is_loopback(&ip));

    opened("127.0.0.1", "127.0.0.1");
    assert_int_equal(listen_accept(l.fd[0], &ip), -1);
    assert_int_equal(errno, EAGAIN);
    to.sin_port = htons(l.port);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    p.fd = l.fd[0];
    assert_int_equal(poll(&p, 1, 10000), 1);
    got = listen_accept(l.fd[0], &ip);
    assert_true(got >= 0);
    assert_true(ip_is_loopback(&ip));
    assert_true(ip_of_peer(got, &ip) && ip_is_loopback(&ip));
    ip_text(&ip, text);
    assert_string_equal(text, "127.0.0.1");
    close(got);
    close(fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(an_ipv4_address_is_that_and_nothing_else),
        T(an_ipv6_address_takes_no_ipv4),
        T(localhost_is_both_loopback_addresses_with_one_port),
        T(without_ipv6_the_rest_works),
        T(a_socket_that_is_elsewhere_is_an_error),
        T(what_cannot_be_had_is_said),
        T(who_holds_this_address_is_named),
        T(a_machine_that_has_nothing_left_is_not_a_wrong_setting),
        T(a_resolver_that_cannot_work_is_the_machines_too),
        T(addresses_and_names),
        T(callers_are_known_by_their_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
