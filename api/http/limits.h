/* limits.h - the sizes and times of connections that a caller controls, with the reason of each. */
#ifndef API_HTTP_LIMITS_H
#define API_HTTP_LIMITS_H

enum {
    /* A body that is refused for its size is read up to here, so that the caller sees why. */
    API_DISCARD_BYTES_MAX = 16 << 20,
    /* A request's whole head: the five headers that are read at their longest, and what browsers
     * send besides. */
    API_HEAD_BYTES_MAX = 8 << 10,
    /* One read from a caller. */
    API_READ_BYTES = 16 << 10,
    /* Connections that are taken before those that are there have their turn. */
    API_ACCEPTS_MAX = 32,
    /* Requests under way at once (they wait for acks): one more gets rate_limited, but for those
     * that are answered at once, as /health. */
    API_REQUESTS_MAX = 512,
    /* Connections at once: API_REQUESTS_MAX, and 64 for callers whose request is not there yet. The
     * bridge sets as many descriptors aside for them (FD_BUDGET_API_MAX). The loop has 64 sockets
     * more than that (LOOP_SOCKETS_MAX): for the bridge's own, and for connections that
     * libwebsockets has not closed yet when the next ones come. */
    API_CONNECTIONS_MAX = 576,
    /* A new connection's whole head. It is a few hundred bytes, sent at once. */
    API_HEAD_MS = 5 * 1000,
    /* A caller that stops in the middle of its body, or takes so long for the answer. */
    API_TRANSFER_S = 20,
    /* A whole body, however it trickles in: 1 MiB at 18 kB/s. */
    API_BODY_MS = 60 * 1000,
    /* Bytes that have come of bodies whose handlers have not had them yet, of all callers together.
     * A handler has a body as soon as it is complete, so that this is what sixteen of the largest
     * need at the same moment, or hundreds of usual ones. */
    API_BODIES_BYTES_MAX = 16 << 20,
    /* Of any single body there is room for so much, beside those: half of the longest usual text.
     */
    API_SMALL_BODY_BYTES = 16 << 10,
    /* Answers that callers have not taken yet, of all together; but errors and other small answers
     * are never withheld. */
    API_ANSWERS_BYTES_MAX = 32 << 20,
    API_SMALL_ANSWER_BYTES = 4096,
    /* What a caller is told to wait that found no room (Retry-After). */
    API_RETRY_AFTER_S = 1,
    /* A caller that has its answer closes at once; what is still on the way from it is read so
     * long.
     */
    API_LINGER_MS = 2 * 1000,
    /* No descriptors left: how long nobody is accepted. */
    API_ACCEPT_PAUSE_MS = 100,
};

#endif
