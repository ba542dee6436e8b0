/* limits.h - sizes in store/open/ that a peer, a foreign file or a disk controls, with their
 * reasons. */
#ifndef STORE_OPEN_LIMITS_H
#define STORE_OPEN_LIMITS_H

enum {
    /* Numbers and devices that were ever linked with one file: a handful where somebody tried
     * things out. A file with more is not handed back in part. */
    STORE_HANDBACK_DEVICES_MAX = 16,
    /* For how far back the phone is asked once more after messages.db has lost rows of an unknown
     * time: a disk loses what was written last, and lost rows stay unseen only between two checks
     * of the file, of which each start does one. */
    STORE_LOST_ROWS_S = 30 * 24 * 3600,
};

#endif
