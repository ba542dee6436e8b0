/* limits.h - the sizes and times of bridge/conn/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_CONN_LIMITS_H
#define BRIDGE_CONN_LIMITS_H

enum {
    /* The connection. Times of a login and of what follows it. */
    CONN_HANDSHAKE_STEP_MS = 20 * 1000, /* each step of the Noise handshake (P-WS-11) */
    CONN_PAIR_DEVICE_MS = 60 * 1000,    /* the refs come right after the handshake */
    CONN_STABLE_MS = 5 * 60 * 1000,     /* after <success>; then the backoff is forgotten */
    /* Then the offline queue counts as delivered (P-LG-19: how long its end mark is waited for). */
    CONN_OFFLINE_PHASE_MS = 60 * 1000,
    /* Announced stanzas do not come for so long: then we ask for them (P-X2-17). */
    CONN_OFFLINE_SILENCE_MS = 10 * 1000,
    CONN_REPLACED_WINDOW_MS = 3600 * 1000, /* five replacements in it: the operator decides */
    CONN_REPLACED_MAX = 5,
    CONN_CALM_MS = 5 * 1000,     /* after a burst; then its memory goes back to the system */
    CONN_KEEP_BYTES = 64 * 1024, /* of a stanza's buffer, kept for the next; most are < 1 kB */

    /* Keepalive (P-LG-21, P-LG-22: pings, and when their silence means a dead socket). */
    PING_MIN_MS = 20 * 1000,
    PING_MAX_MS = 30 * 1000,
    PING_ANSWER_MS = 10 * 1000,
    PING_SILENCE_MS = 20 * 1000,    /* sent something, heard nothing: the socket is dead */
    PING_SUSPEND_GAP_MS = 5 * 1000, /* a timer this late means that the host slept */

    /* Prekeys (P-LG-05..08: when they are uploaded, and how many). Ids are 24 bits on the wire. */
    PREKEY_MIN = 5,
    PREKEY_BATCH = 50,
    PREKEY_FIRST_BATCH = 812,
    PREKEY_RECENT_MS = 10 * 60 * 1000,
    PREKEY_RETRY_MAX_S = 610,

    /* With so many bytes of answers waiting for the socket, or so many in its queue, we stop
     * reading: more stanzas would only need more answers. */
    READ_ANSWERS_BYTES_MAX = 4 << 20,
    READ_QUEUE_BYTES_MAX = 16 << 20,

    /* The web page that names the current version is some 500 kB. */
    VERSION_PAGE_BYTES_MAX = 8 << 20,
    VERSION_FETCH_MS = 15 * 1000,
};

#endif
