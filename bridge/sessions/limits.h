/* limits.h - the sizes and times of bridge/sessions/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_SESSIONS_LIMITS_H
#define BRIDGE_SESSIONS_LIMITS_H

enum {
    /* Devices that one question about prekeys names: as many as a usync question (people/limits.h).
     */
    PREKEY_FETCH_USERS_MAX = 256,
    /* Devices that the server does not know (P-X2-12: it refuses a whole question for one of them):
     * some are usual after people have unlinked a computer, hundreds in a large group; more than
     * that within an hour is a server's trouble. */
    PREKEY_STALE_MAX = 1024,
    /* Requests that one question of 256 devices may take: five that are gone need 40 at most. */
    PREKEY_QUESTION_REQUESTS = 64,
    /* Parts kept from questions that ended before all their devices were settled: one question
     * leaves nine at most. */
    PREKEY_KEPT_PARTS = 32,
    PREKEY_STALE_MS = 3600 * 1000,
    /* Devices of one prekey_fetch() call: ten for each of the 20,000 members of the largest group
     * would be far more than there are. */
    PREKEY_FETCH_DEVICES_MAX = 200 * 1000,
};

#endif
