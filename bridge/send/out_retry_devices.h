/* out_retry_devices.h - is the device that asks for a message one of its person's? Asked of the
 * server when the message was not sealed for it: a device that was linked since is in its list, one
 * that somebody has made up is not. Inside of out_retry.c. */
#ifndef BRIDGE_SEND_OUT_RETRY_DEVICES_H
#define BRIDGE_SEND_OUT_RETRY_DEVICES_H

#include "bridge/people/device_sync.h"

enum {
    RETRY_ASKED_SLOTS = 64,       /* people, by either form, remembered as asked about */
    RETRY_ASKED_MS = 60 * 1000,   /* for so long what the server said of them will do */
    RETRY_ASKED_WAITING_MAX = 16, /* devices of one person that wait for an answer */
};

/* Whom the server was asked about lately. */
struct out_retry_asked {
    struct jid user;  /* as asked about; JID_NONE: an empty slot */
    int64_t at_ms;    /* monotonic */
    unsigned waiting; /* callers of out_retry_devices_ask() that were not answered yet */
};

enum out_retry_devices_how {
    RETRY_DEVICES_ASKED,    /* fn is called */
    RETRY_DEVICES_TOO_MANY, /* of this person's devices wait already, or the list is empty: no */
};

/* fn: once, never from within. A person is asked about once in RETRY_ASKED_MS, however many devices
 * come; what is known since then is the answer to the others. Errors of device_sync.h. */
enum wb_err out_retry_devices_ask(struct bridge *b, const struct jid *device, device_sync_fn *fn,
                                  uint64_t key, enum out_retry_devices_how *ret_how) WB_MUST_CHECK;
/* To be called by fn; *ret_listed: is the device in the list? */
void out_retry_devices_answered(struct bridge *b, const struct jid *device,
                                const struct device_sync_result *r, bool *ret_listed);

#endif
