/* tcp_uplink.h - how far a TCP socket has come with what it was given to send; and what came. */
#ifndef BRIDGE_PLATFORM_TCP_UPLINK_H
#define BRIDGE_PLATFORM_TCP_UPLINK_H

#include <stdint.h>

struct tcp_uplink {
    uint64_t confirmed;   /* bytes of this connection that the other end's system has confirmed */
    uint64_t unconfirmed; /* bytes that our system holds until then */
};

/* Zeroes where the system does not tell. */
struct tcp_uplink tcp_uplink(int fd);
/* Bytes that have come on this connection, read by us or not; 0 where the system does not tell. */
uint64_t tcp_uplink_received(int fd);
/* The system takes no more than some TCP_UPLINK_UNSENT_BYTES that cannot leave yet; the rest stays
 * with us, where what is urgent can go first. Where the system does not know that, nothing changes.
 */
void tcp_uplink_limit(int fd);

#endif
