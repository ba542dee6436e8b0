#include "bridge/platform/tcp_uplink.h"

/* The kernel's header: the C library's struct tcp_info lacks the byte counters. The two headers
 * cannot be included together, hence this file. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bridge/platform/limits.h"

struct tcp_uplink tcp_uplink(int fd)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    int unconfirmed = 0;
    struct tcp_uplink u = {0};

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
        n >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked)
        u.confirmed = info.tcpi_bytes_acked;
    if (ioctl(fd, SIOCOUTQ, &unconfirmed) == 0 && unconfirmed > 0)
        u.unconfirmed = (uint64_t)unconfirmed;
    return u;
}

uint64_t tcp_uplink_received(int fd)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
                   n >= offsetof(struct tcp_info, tcpi_bytes_received) +
                            sizeof info.tcpi_bytes_received
               ? info.tcpi_bytes_received
               : 0;
}

void tcp_uplink_limit(int fd)
{
    const int unsent = TCP_UPLINK_UNSENT_BYTES;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}
