/* limits.h - the sizes and times of bridge/receive/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_RECEIVE_LIMITS_H
#define BRIDGE_RECEIVE_LIMITS_H

enum {
    /* A deletion waits for a group's list of members for so long (in_message_revoke.h): at each
     * login the list is asked for. */
    REVOKE_WAIT_S = 14 * 24 * 3600,
    /* Requests to our phone for a message whose secret is missing: any member of a group causes
     * one by naming a message that is not here. A lively poll from before the link needs one. */
    PHONE_SECRETS_BURST = 20,
    PHONE_SECRETS_EACH_MS = 6 * 1000,
};

#endif
