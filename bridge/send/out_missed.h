/* out_missed.h - finds the devices that a message to a group has missed: the server's ack names
 * another participant hash than ours (P-SD-23, P-X2-13). The group's members are asked for, device
 * lists only if the members do not explain the difference, and the message goes to the devices for
 * which it was not sealed. */
#ifndef BRIDGE_SEND_OUT_MISSED_H
#define BRIDGE_SEND_OUT_MISSED_H

#include "base/span.h"
#include "bridge/platform/timers.h"
#include "proto/jid.h"
#include "store/core/limits.h"

struct bridge;
struct out_message_state;

enum {
    OUT_MISSED_SLOTS = 8, /* groups that are looked at at once; other groups wait for their next
                           * ack */
    /* Looks at one message, some 4 minutes with the pauses in between; pauses that the server asks
     * for do not count. */
    OUT_MISSED_TRIES = 8,
};

/* One message that is being looked at. */
struct out_missed {
    uint64_t key; /* names the question to the server that this look waits for; 0: a free slot */
    struct jid group;
    char id[STORE_MESSAGE_ID_MAX + 1];
    char hash[32]; /* the server's participant hash */
    bool lid;      /* the group's addressing */
    struct jid *devices;
    size_t ndevices;
    struct bridge *b;
    struct timer timer; /* until it is looked at again, after trouble or in a pause */
    unsigned tries;
};

/* The ack of message `id` to this group has a hash of the server that differs from ours. How often
 * that makes us ask is limited (group_limits.h); without an answer, or in a pause, the question is
 * asked again later. In the open batch. Store errors. */
enum wb_err out_missed_look(struct bridge *b, const struct jid *group, const char *id,
                            struct span hash) WB_MUST_CHECK;
/* Drops all looks: their answers are not waited for any more. */
void out_missed_clear(struct out_message_state *s);

#endif
