/* limits.h - the sizes and times of bridge/history/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_HISTORY_LIMITS_H
#define BRIDGE_HISTORY_LIMITS_H

enum {
    /* History that was asked for: 50 messages, some with thumbnails, are 10 kB to 1 MB. */
    HISTORY_FILE_MAX = 16 << 20,
    HISTORY_INFLATED_MAX = 32 << 20, /* twice the file: pictures do not deflate */
    HISTORY_PAGE_MAX = 5000,         /* messages of one answer; the rest is asked for again */
    HISTORY_ARENA_MAX = 16 << 20, /* lists of spans into an answer of messages of some bytes each */

    /* History that the phone offers at pairing comes in parts of some MB; one that is larger than
     * that is cut by phones themselves. A part is in memory twice while it is decrypted, one part
     * at a time. */
    HISTORY_OFFERED_FILE_MAX = 48 << 20,
    HISTORY_OFFERED_FETCH_MS = 180 * 1000,
    /* The inflated part is never in memory as a whole. This bounds the work: two seconds of a
     * worker. */
    HISTORY_OFFERED_INFLATED_MAX = 1 << 30,
    /* Facts of one part: 150 bytes for each of 100,000 people, with room. */
    HISTORY_FACTS_BYTES_MAX = 24 << 20,
    /* Parts that wait to be read: a phone with a history of years offers some dozens. */
    HISTORY_OFFERED_MAX = 256,
    /* Parts that were given up and are remembered: enough for a whole history, while no phone can
     * make the table grow. */
    HISTORY_LOST_MAX = 256,
    /* Facts that the loop stores, and the time that it takes, before other work has its turn. */
    HISTORY_SLICE_FACTS = 500,
    HISTORY_SLICE_MS = 20,
};

#endif
