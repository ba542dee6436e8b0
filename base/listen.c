#include "base/listen.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/port_holder.h"

enum {
    NAME_MAX_CHARS = 253, /* characters of a host name */
    ANY_PORT_TRIES = 16,  /* attempts to find a port that is free on every address of a name */
    HOLDER_BYTES_MAX = 400,
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
};

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* ---- addresses ---- */

static socklen_t address_size(const union address *a)
{
    return a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
}

static void set_port(union address *a, uint16_t port)
{
    if (a->any.sa_family == AF_INET)
        a->v4.sin_port = htons(port);
    else
        a->v6.sin6_port = htons(port);
}

static uint16_t get_port(const union address *a)
{
    return ntohs(a->any.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

static bool to_ip(const union address *a, struct ip *ret)
{
    if (a->any.sa_family == AF_INET) {
        memcpy(ret->bytes, mapped_prefix, sizeof mapped_prefix);
        memcpy(ret->bytes + sizeof mapped_prefix, &a->v4.sin_addr, 4);
        return true;
    }
    if (a->any.sa_family != AF_INET6)
        return false;
    memcpy(ret->bytes, &a->v6.sin6_addr, sizeof ret->bytes);
    return true;
}

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

/* An IPv6 address that wraps an IPv4 one (::ffff:a.b.c.d) becomes that IPv4 address: a socket on
 * the IPv6 form would accept no other. */
static bool read_literal(const char *text, union address *ret)
{
    union address a = {0};
    struct ip ip;

    a.any.sa_family = AF_INET;
    if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
        *ret = a;
        return true;
    }
    a = (union address){0};
    a.any.sa_family = AF_INET6;
    if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) != 1)
        return false;
    if (to_ip(&a, &ip) && ip_is_v4(&ip)) {
        a = (union address){0};
        a.any.sa_family = AF_INET;
        memcpy(&a.v4.sin_addr, ip.bytes + sizeof mapped_prefix, 4);
    }
    *ret = a;
    return true;
}

bool ip_is_loopback(const struct ip *ip)
{
    static const uint8_t v6[16] = {[15] = 1};

    return memcmp(ip->bytes, v6, sizeof v6) == 0 || (ip_is_v4(ip) && ip->bytes[12] == 127);
}

void ip_text(const struct ip *ip, char out[static IP_TEXT_MAX])
{
    bool v4 = ip_is_v4(ip);

    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->bytes + sizeof mapped_prefix : ip->bytes, out,
                   IP_TEXT_MAX))
        out[0] = '\0';
}

bool ip_of_peer(int fd, struct ip *ret)
{
    union address a = {0};
    socklen_t n = sizeof a;

    return getpeername(fd, &a.any, &n) == 0 && to_ip(&a, ret);
}

bool ip_of_socket(int fd, struct ip *ret)
{
    union address a = {0};
    socklen_t n = sizeof a;

    return getsockname(fd, &a.any, &n) == 0 && to_ip(&a, ret);
}

/* ---- what an address means ---- */

static bool is_localhost(const char *address)
{
    return strcasecmp(address, "localhost") == 0;
}

/* Is it an address that no machine can have: multicast, or reserved? */
static bool is_of_many(const union address *a)
{
    if (a->any.sa_family == AF_INET)
        return ntohl(a->v4.sin_addr.s_addr) >> 28 >= 0xE;
    return IN6_IS_ADDR_MULTICAST(&a->v6.sin6_addr);
}

/* The last label of a host name is no number: "127.1" and "10.0.0.256" are slips, not names. */
bool listen_address_valid(const char *address)
{
    const char *last = strrchr(address, '.');
    union address a;

    if (read_literal(address, &a))
        return !is_of_many(&a);
    if (!isalnum((unsigned char)address[0]) || strlen(address) > NAME_MAX_CHARS)
        return false;
    for (const char *p = address; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
            return false;
    last = last ? last + 1 : address;
    return *last && strspn(last, "0123456789") != strlen(last);
}

bool listen_address_is_loopback(const char *address)
{
    union address a;
    struct ip ip;

    if (is_localhost(address))
        return true;
    return read_literal(address, &a) && to_ip(&a, &ip) && ip_is_loopback(&ip);
}

/* Adds the address to all[0..n) unless it is there already; returns the new n. */
static size_t add_address(union address *all, size_t n, const union address *a)
{
    struct ip new, old;

    if (!to_ip(a, &new))
        return n;
    for (size_t i = 0; i < n; i++)
        if (to_ip(&all[i], &old) && memcmp(&old, &new, sizeof new) == 0)
            return n;
    if (n < LISTEN_SOCKETS_MAX)
        all[n++] = *a;
    return n;
}

/* NET: the name is wrong; IO: the machine has trouble, or the name server did not answer. */
static enum wb_err of_resolver(int rc)
{
    return rc == EAI_AGAIN || rc == EAI_MEMORY || rc == EAI_SYSTEM ? WB_ERR_IO : WB_ERR_NET;
}

static enum wb_err ask_resolver(const char *name, union address *ret_all, size_t *ret_n,
                                struct buf *problem)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    size_t n = 0;
    int rc = getaddrinfo(name, NULL, &hints, &found);

    if (rc != 0) {
        const char *why = rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);

        buf_printf(problem, "cannot listen on %s: %s%s", name, why,
                   of_resolver(rc) == WB_ERR_NET ? " (--bind)" : "");
        return of_resolver(rc);
    }
    for (const struct addrinfo *i = found; i; i = i->ai_next) {
        union address a = {0};

        if (i->ai_family != AF_INET && i->ai_family != AF_INET6)
            continue;
        memcpy(&a, i->ai_addr, i->ai_addrlen);
        n = add_address(ret_all, n, &a);
    }
    freeaddrinfo(found);
    if (n == 0) {
        buf_printf(problem, "cannot listen on %s: the name has no address (--bind)", name);
        return WB_ERR_NET;
    }
    *ret_n = n;
    return WB_OK;
}

/* *ret_some: addresses that the machine does not have may be left out. */
static enum wb_err addresses_of(const char *address, union address *ret_all, size_t *ret_n,
                                bool *ret_some, struct buf *problem)
{
    *ret_some = !read_literal(address, &ret_all[0]);
    *ret_n = 1;
    if (!*ret_some)
        return WB_OK;
    if (!is_localhost(address))
        return ask_resolver(address, ret_all, ret_n, problem);
    *ret_n = 2;
    return read_literal("127.0.0.1", &ret_all[0]) && read_literal("::1", &ret_all[1]) ? WB_OK
                                                                                      : WB_ERR_NET;
}

/* ---- sockets ---- */

static bool takes_ipv4(const union address *a)
{
    return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

/* Returns errno, or 0 when the socket listens. */
static int open_one(const union address *a, int *ret_fd)
{
    int only_v6 = !takes_ipv4(a), on = 1, failed = 0;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (a->any.sa_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) != 0) ||
        bind(fd, &a->any, address_size(a)) != 0 || listen(fd, SOMAXCONN) != 0)
        failed = errno;
    if (failed)
        close(fd);
    else
        *ret_fd = fd;
    return failed;
}

/* Is that socket where we asked for, as the kernel sees it? *ret_is: the socket's address. */
static bool is_where_asked(int fd, const union address *asked, union address *ret_is)
{
    socklen_t n = sizeof *ret_is, size = sizeof(int);
    int only_v6 = -1;
    struct ip want, have;

    *ret_is = (union address){0};
    if (getsockname(fd, &ret_is->any, &n) != 0 || n != address_size(asked) ||
        ret_is->any.sa_family != asked->any.sa_family || !to_ip(asked, &want) ||
        !to_ip(ret_is, &have) || memcmp(&want, &have, sizeof want) != 0 || get_port(ret_is) == 0 ||
        (get_port(asked) != 0 && get_port(asked) != get_port(ret_is)))
        return false;
    if (asked->any.sa_family == AF_INET)
        return true;
    return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &size) == 0 &&
           only_v6 == !takes_ipv4(asked) && ret_is->v6.sin6_scope_id == asked->v6.sin6_scope_id;
}

static void address_text(const union address *a, char out[static IP_TEXT_MAX])
{
    struct ip ip;

    out[0] = '\0';
    if (to_ip(a, &ip))
        ip_text(&ip, out);
}

static enum wb_err elsewhere(const char *address, const union address *is, struct buf *problem)
{
    char text[IP_TEXT_MAX];

    address_text(is, text);
    buf_printf(problem, "asked to listen on %s, but the system put the socket on %s port %u",
               address, text, get_port(is));
    return WB_ERR_IO;
}

static void add_text(char list[static LISTEN_TEXT_MAX], const union address *a)
{
    size_t at = strlen(list);
    char text[IP_TEXT_MAX];

    address_text(a, text);
    snprintf(list + at, LISTEN_TEXT_MAX - at, "%s%s", at ? ", " : "", text);
}

static bool not_here(int failed)
{
    return failed == EADDRNOTAVAIL || failed == EAFNOSUPPORT || failed == EPROTONOSUPPORT;
}

/* NET: other settings can mend it; IO: they cannot, because the machine has no descriptors or no
 * memory left, for example. */
static enum wb_err of_errno(int failed)
{
    return failed == EADDRINUSE || failed == EACCES || failed == EINVAL || not_here(failed)
               ? WB_ERR_NET
               : WB_ERR_IO;
}

/* Why an attempt to listen failed. */
struct obstacle {
    int failed; /* errno; 0: no obstacle, or its text is in `problem` already */
    struct ip ip;
    uint16_t port;
};

/* One attempt to listen on all[0..n). */
static enum wb_err open_all(const char *address, const union address *all, size_t n, bool some,
                            uint16_t port, struct listeners *l, struct obstacle *ret_what,
                            struct buf *problem)
{
    *l = (struct listeners){.port = port};
    for (size_t i = 0; i < n; i++) {
        union address a = all[i], is;
        int failed;

        set_port(&a, l->port);
        failed = open_one(&a, &l->fd[l->n]);
        if (failed && to_ip(&a, &ret_what->ip)) {
            ret_what->failed = failed;
            ret_what->port = l->port;
        }
        if (failed && some && not_here(failed)) {
            add_text(l->missing, &a);
            continue;
        }
        if (failed)
            return of_errno(failed);
        l->n++;
        if (!is_where_asked(l->fd[l->n - 1], &a, &is)) {
            ret_what->failed = 0;
            return elsewhere(address, &is, problem);
        }
        l->port = get_port(&is);
        add_text(l->where, &is);
    }
    return l->n > 0 ? WB_OK : WB_ERR_NET;
}

/* "cannot listen on localhost (::1) port 8080: Address already in use, by pid 4711 (python3
 * server.py) (--bind, --port)". some: `address` is a name, so the text names the address that
 * failed, too. */
static void tell(const char *address, bool some, uint16_t port, const struct obstacle *what,
                 enum wb_err err, struct buf *problem)
{
    struct buf holder = buf_new(HOLDER_BYTES_MAX);
    char text[IP_TEXT_MAX];

    ip_text(&what->ip, text);
    buf_printf(problem, "cannot listen on %s%s%s%s port %u: %s", address, some ? " (" : "",
               some ? text : "", some ? ")" : "", port, strerror(what->failed));
    if (what->failed == EADDRINUSE && port_holder_text(&what->ip, what->port, &holder))
        buf_printf(problem, ", by %s", buf_text(&holder));
    if (err == WB_ERR_NET)
        buf_append_cstr(problem, " (--bind, --port)");
    buf_free(&holder);
}

enum wb_err listen_open(const char *address, uint16_t port, struct listeners *ret,
                        struct buf *problem)
{
    union address all[LISTEN_SOCKETS_MAX];
    bool some;
    size_t n = 0;
    struct listeners l;
    enum wb_err err = addresses_of(address, all, &n, &some, problem);
    struct obstacle what = {0};

    if (err != WB_OK)
        return err;
    for (int tries = 0; tries < ANY_PORT_TRIES; tries++) {
        err = open_all(address, all, n, some, port, &l, &what, problem);
        if (err == WB_OK) {
            *ret = l;
            return WB_OK;
        }
        listen_close(&l);
        if (port != 0 || what.failed != EADDRINUSE)
            break;
    }
    if (what.failed)
        tell(address, some, port, &what, err, problem);
    return err;
}

void listen_close(struct listeners *l)
{
    for (size_t i = 0; i < l->n; i++)
        close(l->fd[i]);
    l->n = 0;
}

int listen_accept(int fd, struct ip *ret_peer)
{
    union address a = {0};
    socklen_t size = sizeof a;
    int on = 1, got = accept4(fd, &a.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (got < 0)
        return -1;
    if (!to_ip(&a, ret_peer)) {
        close(got);
        errno = EAFNOSUPPORT;
        return -1;
    }
    (void)setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return got;
}
