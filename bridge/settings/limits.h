/* limits.h - the sizes and times of bridge/settings/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_SETTINGS_LIMITS_H
#define BRIDGE_SETTINGS_LIMITS_H

enum {
    CONFIG_FILE_BYTES_MAX = 1 << 20,
    CONFIG_GROUPS_MAX = 4096,
    /* A file of CAs in PEM: the system's is some 220 kB. */
    CONFIG_CA_BYTES_MAX = 16 << 20,
    /* --first-contact-interval: at most a day between first messages to two new people. */
    FIRST_CONTACT_S_MAX = 24 * 3600,
};

#endif
