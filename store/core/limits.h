/* limits.h - limits, with their reasons, on what a peer, a foreign file or a disk controls, where
 * several rooms of store/ keep them. */
#ifndef STORE_CORE_LIMITS_H
#define STORE_CORE_LIMITS_H

#include "store/files/limits.h"

enum {
    /* Pairs of a LID and a number kept between batches, each way: some 100 bytes each. */
    STORE_LID_CACHE_MAX = 512,
    /* People whose records need no look before each message, several times a large group: 8 bytes
     * each. */
    STORE_MIGRATED_CACHE_MAX = 4096,
    /* Names people give themselves: WhatsApp's limit is 25 characters, businesses have more. */
    STORE_NAME_MAX = 255,
    /* Stanza ids are 16..36 characters; others come from peers' own generators. */
    STORE_MESSAGE_ID_MAX = 128,
    /* A word or a short sentence of ours. */
    STORE_REASON_MAX = 127,
    /* Machine-written values of bridge_meta: routing info, versions. */
    STORE_META_MAX = 4096,
    STORE_TIGHTENED_MAX = 2048, /* a sentence, with a path, for each of some ten files */
    /* Old rows that are removed at once, while everything else waits: some 5 ms. */
    STORE_PRUNE_ROWS = 500,
    /* Free on the disk before writing is tried again after it failed: some batches and their log.
     */
    STORE_ROOM_MIN = 1 << 20,
};

#endif
