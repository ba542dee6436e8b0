/* limits.h - the sizes and times of bridge/platform/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_PLATFORM_LIMITS_H
#define BRIDGE_PLATFORM_LIMITS_H

enum {
    CONN_SOCKET_TIMEOUT_MS = 20 * 1000, /* dial and upgrade (P-WS-11: the timeouts) */
    /* For each step of a dial: TCP to one address, TLS, the answer to the upgrade. A host may
     * have several addresses of which one is dead; the others are to be tried in the time above.
     * With the last address, TCP and TLS may take all the time that is left. */
    CONN_STEP_TIMEOUT_MS = 5 * 1000,
    /* Our close handshake. SIGTERM has 5 s in all, and the next attempt begins within 2 s. */
    CONN_CLOSE_TIMEOUT_MS = 1500,
    /* Pauses of the loop from which on the log reports them: at debug, and as a warning. */
    PAUSE_TOLD_MS = 100,
    PAUSE_WARNED_MS = 1000,
    /* Bytes waiting for a slow socket: room for acks and receipts
     * (core/limits.h), for messages (send/limits.h), one stanza of the
     * largest size, and requests to the server. More is refused before it is encrypted; the
     * connection goes on. */
    WS_SEND_QUEUE_BYTES_MAX = 32 << 20,
    /* Bytes that the system may take from us before it can send them. Its own limit grows to
     * megabytes, behind which a ping would wait. */
    TCP_UPLINK_UNSENT_BYTES = 128 * 1024,

    /* Jobs that wait for a worker: each belongs to a request that waits, and there are dozens. */
    JOBS_PENDING_MAX = 256,
};

#endif
