/* out_missed.h - whom a message to a group has missed: the server's ack names another participant
 * hash than ours (P-SD-23, P-X2-13). The group is asked for, device lists only where that explains
 * nothing, and the message goes to the devices that it was not sealed for. */
#ifndef BRIDGE_SEND_OUT_MISSED_H
#define BRIDGE_SEND_OUT_MISSED_H

#include "base/span.h"
#include "bridge/platform/timers.h"
#include "proto/jid.h"
#include "store/core/limits.h"

struct bridge;
struct out_message_state;

enum {
    OUT_MISSED_SLOTS = 8, /* groups that are looked at at once; the others at their next ack */
    /* Looks at one message, some 4 minutes with the pauses in between; pauses that the server wants
     * do not count. */
    OUT_MISSED_TRIES = 8,
};

/* One message that is being looked at. */
struct out_missed {
    uint64_t key; /* of the question that it waits for; 0: a free slot */
    struct jid group;
    char id[STORE_MESSAGE_ID_MAX + 1];
    char hash[32]; /* the server's */
    bool lid;      /* the group's addressing */
    struct jid *devices;
    size_t ndevices;
    struct bridge *b;
    struct timer timer; /* until it is looked at again, after trouble or in a pause */
    unsigned tries;
};

/* The ack of message id to this group has the server's hash, which is not ours. Whether that makes
 * us ask is limited (group_limits.h); without an answer, or in a pause, the question is asked again
 * later. In the open batch. Store errors. */
enum wb_err out_missed_look(struct bridge *b, const struct jid *group, const char *id,
                            struct span hash) WB_MUST_CHECK;
/* Nobody is waited for any more. */
void out_missed_clear(struct out_message_state *s);

#endif
