/* limits.h - the sizes and times of connections that a caller controls, with the reason of each. */
#ifndef API_HTTP_LIMITS_H
#define API_HTTP_LIMITS_H

enum {
    /* A body that is refused for its size is read up to here, so that the caller sees the
     * answer. */
    API_DISCARD_BYTES_MAX = 16 << 20,
    /* A request's whole head: the five headers that we keep at their longest, and what browsers
     * send besides. */
    API_HEAD_BYTES_MAX = 8 << 10,
    /* One read from a caller. */
    API_READ_BYTES = 16 << 10,
    /* Connections accepted in a row before the present ones have their turn. */
    API_ACCEPTS_MAX = 32,
    /* Requests under way at once (they wait for acks): one more gets rate_limited, unless it is
     * answered at once, such as /health. */
    API_REQUESTS_MAX = 512,
    /* Connections at once: API_REQUESTS_MAX, and 64 for callers whose request has not come yet. The
     * bridge sets as many descriptors aside for them (FD_BUDGET_API_MAX). The loop has 64 sockets
     * more than that (LOOP_SOCKETS_MAX): for the bridge's own, and for connections that
     * libwebsockets has not closed yet when the next ones come. */
    API_CONNECTIONS_MAX = 576,
    /* So long a new connection may take for its whole head, which is a few hundred bytes, sent at
     * once. */
    API_HEAD_MS = 5 * 1000,
    /* So long a caller may pause in the middle of its body, or take for reading its answer. */
    API_TRANSFER_S = 20,
    /* So long a whole body may take, however it trickles in: 1 MiB at 18 kB/s. */
    API_BODY_MS = 60 * 1000,
    /* Bytes of bodies that have come and are not with their handlers yet, of all callers together.
     * A handler gets a body as soon as it is complete, so this is enough for sixteen of the largest
     * at the same moment, or for hundreds of usual ones. */
    API_BODIES_BYTES_MAX = 16 << 20,
    /* Every single body has room for so much, besides that limit: half of the longest usual
     * text. */
    API_SMALL_BODY_BYTES = 16 << 10,
    /* Answers that callers have not taken yet, of all callers together; but errors and other small
     * answers are never withheld. */
    API_ANSWERS_BYTES_MAX = 32 << 20,
    API_SMALL_ANSWER_BYTES = 4096,
    /* So long a caller that found no room is told to wait (Retry-After). */
    API_RETRY_AFTER_S = 1,
    /* A caller that has its answer closes at once; what still comes from it is read for so long. */
    API_LINGER_MS = 2 * 1000,
    /* So long nobody is accepted when no descriptors are left. */
    API_ACCEPT_PAUSE_MS = 100,
};

#endif
