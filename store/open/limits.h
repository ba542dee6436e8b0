/* limits.h - sizes in store/open/ that a peer, a foreign file or a disk controls, with their
 * reasons. */
#ifndef STORE_OPEN_LIMITS_H
#define STORE_OPEN_LIMITS_H

enum {
    /* Numbers and devices that were ever linked with one file: a handful where somebody tried
     * things out. A file with more is not handed back in part. */
    STORE_HANDBACK_DEVICES_MAX = 16,
    /* What is asked of the phone once more after messages.db had lost rows of an unknown time: a
     * disk loses what was written last, and nobody runs a file for longer with lost rows unseen
     * than between two looks at it, of which each start is one. */
    STORE_LOST_ROWS_S = 30 * 24 * 3600,
};

#endif
