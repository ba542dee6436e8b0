/* limits.h - every size in tools/import that a foreign directory controls, with its reason. */
#ifndef IMPORT_LIMITS_H
#define IMPORT_LIMITS_H

enum {
    /* The largest file is a session with many old chains, or the index of an app state collection:
     * some hundred kB. */
    IMPORT_FILE_MAX = 16 << 20,
    /* One file per prekey, session, LID and device list: tens of thousands on a busy number. */
    IMPORT_FILES_MAX = 2000000,
    /* A LID or a name of a group, with room; longer names are none of Baileys'. */
    IMPORT_NAME_MAX = 255,
    /* Edge routing is some 20 bytes. */
    IMPORT_ROUTING_MAX = 1024,
    /* Baileys keeps 5 sender key states. */
    IMPORT_SENDER_STATES_MAX = 100,
    /* Devices in an app state key's fingerprint: at most 32 by protocol, hosted ones besides. */
    IMPORT_FINGERPRINT_DEVICES_MAX = 256,
};

#endif
