/* limits.h - the sizes and times of bridge/groups/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_GROUPS_LIMITS_H
#define BRIDGE_GROUPS_LIMITS_H

enum {
    /* The list of all groups at login: not at each of many reconnects. */
    GROUP_LIST_AGE_S = 3600,
    GROUP_LIST_RETRY_MS = 60 * 1000,
    /* After failures in a row: what the server sends in vain is some megabytes each time. */
    GROUP_LIST_RETRY_MAX_MS = 3600 * 1000,
    /* One group is asked for again after this time, whatever notifications said. */
    GROUP_AGE_S = 24 * 3600,
    /* Stanzas of a group that show another addressing or another hash of its devices make us ask
     * about it not more often than that: the group may go on showing it. */
    GROUP_REFRESH_S = 3600,
    /* One group with its members, of 170 bytes each. */
    GROUP_ARENA_MAX = 16 << 20,
    /* An account is in some hundred groups; communities may bring thousands. */
    GROUP_LIST_MAX = 16384,

    /* Resends to one group, all of its devices and messages together: so many at once, then one
     * each so many seconds. WhatsApp locks accounts that send more again (P-X2-07: locked for
     * resends); a healthy group needs a few a day. */
    GROUP_RESEND_BURST = 20,
    GROUP_RESEND_S = 6,
    /* One person of the group, with all devices, gets half of that at most, so that others get
     * something, too. */
    GROUP_RESEND_SHARE = GROUP_RESEND_BURST / 2,
    GROUP_RESEND_SHARE_S = 2 * GROUP_RESEND_S,
    GROUP_RESEND_SHARES = 64, /* people who are remembered, all groups together */
    /* The first so many resends of a full bucket use the present session, as a device's first
     * request wants it. When more are asked for, a session that may be lost is not worth a
     * resend. */
    GROUP_RESEND_TRUSTING = 5,
};

#endif
