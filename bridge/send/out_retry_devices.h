/* out_retry_devices.h - does the device that asks for a message really belong to its person? The
 * server is asked when the message was not sealed for that device: a device that was linked since
 * is in the server's list, an invented one is not. Private to send/. */
#ifndef BRIDGE_SEND_OUT_RETRY_DEVICES_H
#define BRIDGE_SEND_OUT_RETRY_DEVICES_H

#include "bridge/people/device_sync.h"

enum {
    RETRY_ASKED_SLOTS = 64,       /* people, by either of their JIDs, about whom we remember having
                                   * asked */
    RETRY_ASKED_MS = 60 * 1000,   /* so long the server's last answer about a person is used */
    RETRY_ASKED_WAITING_MAX = 16, /* devices of one person that may wait for an answer */
};

/* Whom the server was asked about lately. */
struct out_retry_asked {
    struct jid user;  /* as asked about; JID_NONE: an empty slot */
    int64_t at_ms;    /* monotonic */
    unsigned waiting; /* callers of out_retry_devices_ask() that are still to be answered */
};

enum out_retry_devices_how {
    RETRY_DEVICES_ASKED,    /* fn will be called */
    RETRY_DEVICES_TOO_MANY, /* refused: too many of this person's devices wait already, or the
                             * person's list is empty */
};

/* fn is called once, and never from within this function. A person is asked about once in
 * RETRY_ASKED_MS, however many of their devices come; the devices after the first get the answer
 * that is known by then. Errors of device_sync.h. */
enum wb_err out_retry_devices_ask(struct bridge *b, const struct jid *device, device_sync_fn *fn,
                                  uint64_t key, enum out_retry_devices_how *ret_how) WB_MUST_CHECK;
/* To be called by fn; *ret_listed: is the device in the list? */
void out_retry_devices_answered(struct bridge *b, const struct jid *device,
                                const struct device_sync_result *r, bool *ret_listed);

#endif
