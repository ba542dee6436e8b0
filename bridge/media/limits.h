/* limits.h - the sizes and times of bridge/media/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_MEDIA_LIMITS_H
#define BRIDGE_MEDIA_LIMITS_H

enum {
    /* One file of history or of app state that was asked for: a megabyte or two. */
    HISTORY_FETCH_MS = 60 * 1000,
};

#endif
