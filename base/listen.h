/* listen.h - sockets that listen exactly where they were asked to, and the addresses of their
 * callers.
 *
 * Our own bind(), because a library's may mean something else: libwebsockets 4.1.6 takes an IPv4
 * address for an IPv6 socket's and listens on "::", to which the whole network has access. After
 * listening the kernel is asked where each socket is, and any other answer is an error. */
#ifndef BASE_LISTEN_H
#define BASE_LISTEN_H

#include "base/buf.h"

enum {
    LISTEN_SOCKETS_MAX = 8, /* addresses of one name */
    LISTEN_TEXT_MAX = LISTEN_SOCKETS_MAX * 48,
};

struct listeners {
    size_t n;
    int fd[LISTEN_SOCKETS_MAX];  /* nonblocking, closed on exec; owned */
    uint16_t port;               /* of all of them */
    char where[LISTEN_TEXT_MAX]; /* "127.0.0.1, ::1": the addresses that the kernel reports */
    /* Addresses of the name that this machine does not have; or "". */
    char missing[LISTEN_TEXT_MAX];
};

/* Is it a valid --bind: an IPv4 or IPv6 address that a machine can have (no multicast address
 * such as 224.0.0.1), localhost, or a name of letters, digits, '-', '.'. */
bool listen_address_valid(const char *address);

/* Is it a loopback address, or localhost? Any other name is not, whatever address it has. */
bool listen_address_is_loopback(const char *address);

/* Listens on every address that `address` means and on no other:
 * - an IPv4 or IPv6 address is itself; "0.0.0.0" is all of IPv4; "::" is all of IPv6 and, as with
 *   most programs on Linux, all of IPv4 too; any other IPv6 socket never takes IPv4.
 * - "localhost" is 127.0.0.1 and ::1, whatever the resolver thinks.
 * - any other name means all its addresses (the resolver is asked; that may take seconds). For
 *   localhost and names, addresses that this machine does not have (::1 without IPv6, for
 *   example) are left out and listed in `missing`, if at least one other is there. port 0: any
 *   free one, the same for all.
 *   NET (other settings can mend it): the name has no address, or an address is in use, not
 *   permitted or not this machine's. IO (settings cannot mend it): the kernel put a socket
 *   elsewhere, or has none left; no memory; the resolver has no answer now. problem says which. */
enum wb_err listen_open(const char *address, uint16_t port, struct listeners *ret,
                        struct buf *problem) WB_MUST_CHECK;
void listen_close(struct listeners *l);

/* The address of one end of a socket: an IPv6 address, IPv4 as ::ffff:a.b.c.d. */
struct ip {
    uint8_t bytes[16];
};

/* The next connection of a listening socket, nonblocking, without Nagle's delay. -1 with errno. */
int listen_accept(int fd, struct ip *ret_peer);

/* The other end's address, and our own. False: not an IP socket, or not connected. */
bool ip_of_peer(int fd, struct ip *ret);
bool ip_of_socket(int fd, struct ip *ret);
/* ::ffff:a.b.c.d. */
bool ip_is_v4(const struct ip *ip);
/* 127.0.0.0/8, also as ::ffff:127.0.0.0/104, and ::1. */
bool ip_is_loopback(const struct ip *ip);
/* "192.0.2.1" or "2001:db8::1". */
enum { IP_TEXT_MAX = 46 };
void ip_text(const struct ip *ip, char out[static IP_TEXT_MAX]);

#endif
