/* limits.h - sizes in store/files/ that a peer, a foreign file or a disk controls, with their
 * reasons. */
#ifndef STORE_FILES_LIMITS_H
#define STORE_FILES_LIMITS_H

enum {
    /* As Linux has it (PATH_MAX). */
    STORE_PATH_MAX = 4096,
};

#endif
