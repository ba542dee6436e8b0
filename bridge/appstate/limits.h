/* limits.h - the sizes and times of bridge/appstate/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_APPSTATE_LIMITS_H
#define BRIDGE_APPSTATE_LIMITS_H

enum {
    /* The collections that are read hold some settings, starred messages and muted chats: tens to
     * hundreds of records of 200 bytes. A record costs some 10 us: so many do not hold up the
     * loop. */
    APP_STATE_RECORDS_MAX = 4096,
    APP_STATE_FILE_MAX = 4 << 20, /* so many records, four times over */
    APP_STATE_VALUE_MAX = 64 * 1024,
    APP_STATE_ARENA_MAX = 8 << 20,
    APP_STATE_AGAIN_MS = 60 * 1000, /* after a failure; doubled, up to */
    APP_STATE_AGAIN_MAX_MS = 3600 * 1000,
    APP_STATE_KEY_AGAIN_MS = 24 * 3600 * 1000, /* a missing key is asked for once a day */
};

#endif
