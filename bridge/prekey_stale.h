/* prekey_stale.h - devices of which the server said lately that it does not know them (406): the
 * list that named them was out of date (P-X2-12). Inside of prekey_fetch.c.
 *
 * Such a device is asked about by itself from then on, so that it costs nobody else their keys, and
 * its person's list is dropped once an hour at most: a server whose lists keep naming it would
 * otherwise be asked for the list with each message. */
#ifndef BRIDGE_PREKEY_STALE_H
#define BRIDGE_PREKEY_STALE_H

#include "bridge/limits.h"
#include "proto/jid.h"

struct prekey_stale {
    struct {
        struct jid device;  /* as it was listed; JID_NONE: free */
        struct jid address; /* its canonical form */
        int64_t at_ms;      /* monotonic */
    } list[PREKEY_STALE_MAX];
};

/* Was the device (in either form) refused within the last hour? ret_at_ms may be NULL. */
bool prekey_stale_has(const struct prekey_stale *s, const struct jid *device, int64_t now_ms,
                      int64_t *ret_at_ms);
/* In place of the oldest when there is no room. */
void prekey_stale_note(struct prekey_stale *s, const struct jid *device, const struct jid *address,
                       int64_t now_ms);
/* It has keys again. */
void prekey_stale_forget(struct prekey_stale *s, const struct jid *device);

#endif
