/* tcp_uplink.h - how many bytes a TCP socket has sent, confirmed and received. */
#ifndef BRIDGE_PLATFORM_TCP_UPLINK_H
#define BRIDGE_PLATFORM_TCP_UPLINK_H

#include <stdint.h>

struct tcp_uplink {
    uint64_t confirmed;   /* bytes of this connection that the other end's system has confirmed */
    uint64_t unconfirmed; /* bytes that our system holds until they are confirmed */
};

/* Zeroes where the system does not tell. */
struct tcp_uplink tcp_uplink(int fd);
/* Bytes received on this connection, whether we have read them or not; 0 where the system does
 * not tell. */
uint64_t tcp_uplink_received(int fd);
/* From then on the system takes at most some TCP_UPLINK_UNSENT_BYTES that cannot leave yet; the
 * rest waits in our queues, where urgent stanzas can go first. Does nothing on a system without
 * such a limit. */
void tcp_uplink_limit(int fd);

#endif
