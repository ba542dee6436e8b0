/* device_sync.h - which devices people have: from the cache in the store, or by one batched query
 * (P-SD-06, P-SD-07). Notifications keep the cache right: bridge/sessions/device_notify.h. */
#ifndef BRIDGE_PEOPLE_DEVICE_SYNC_H
#define BRIDGE_PEOPLE_DEVICE_SYNC_H

#include "proto/node.h"

struct bridge;
struct device_sync;

/* devices: device JIDs of all users, grouped by user in no particular order, without doubles,
 * without this bridge's own device under either identity; hosted ones at the servers hosted /
 * hosted.lid (the caller leaves them out of group keys, P-SD-34). A user of whom nothing can be
 * learned has no entry. The array lives until the callback returns. err: WB_OK, or why a query
 * failed (STATE not connected, NET, TIMEOUT, REFUSED, PROTOCOL, store errors); devices then holds
 * what is known all the same. */
struct device_sync_result {
    enum wb_err err;
    const struct jid *devices;
    size_t ndevices;
};
typedef void device_sync_fn(struct bridge *b, uint64_t key, const struct device_sync_result *r);

enum wb_err device_sync_new(struct bridge *b, struct device_sync **ret_d) WB_MUST_CHECK;
void device_sync_free(struct device_sync *d); /* NULL-safe; waiting callers are not told */

/* users: bare or not, PN or LID, in the form in which the devices are wanted (never both forms of
 * one person, P-US-08); doubles are fine. with_self adds our own account in the form of the first
 * device found. fn is called exactly once when this returned WB_OK, never from within the call.
 * NOMEM, TOO_LARGE over DEVICE_SYNC_USERS_MAX. What was learned is in the open batch. */
enum wb_err device_sync_get(struct bridge *b, const struct jid *users, size_t n, bool with_self,
                            device_sync_fn *fn, uint64_t key) WB_MUST_CHECK;

/* Forgets the cached lists of these users, under both of their forms, so that the next
 * device_sync_get() asks. For a phash mismatch in an ack (P-SD-23: the server knows other devices),
 * error 479 and identity changes. */
enum wb_err device_sync_drop(struct bridge *b, const struct jid *users, size_t n) WB_MUST_CHECK;

#endif
