/* prekey_stale.h - devices of which the server said lately that it does not know them (406): the
 * list that named them was out of date (P-X2-12). Private to sessions/.
 *
 * Such a device is not asked about for an hour, and its person's list is dropped once in that time
 * at most: a server whose lists keep naming it would otherwise be asked with each message. */
#ifndef BRIDGE_SESSIONS_PREKEY_STALE_H
#define BRIDGE_SESSIONS_PREKEY_STALE_H

#include "bridge/sessions/limits.h"
#include "proto/jid.h"

struct prekey_stale {
    struct {
        struct jid device;  /* as it was listed */
        struct jid address; /* its canonical form */
        int64_t at_ms;      /* monotonic */
    } list[PREKEY_STALE_MAX];
    size_t n;
};

/* Was the device (in either form) refused within the last hour? ret_at_ms may be NULL. */
bool prekey_stale_has(const struct prekey_stale *s, const struct jid *device, int64_t now_ms,
                      int64_t *ret_at_ms);
/* Notes the device; the oldest entry makes room when the list is full. */
void prekey_stale_note(struct prekey_stale *s, const struct jid *device, const struct jid *address,
                       int64_t now_ms);
/* This person has linked or installed a device: forgets all of theirs. user: in either form, any
 * device. */
void prekey_stale_forget_user(struct prekey_stale *s, const struct jid *user);
/* The server has keys of the device again. */
void prekey_stale_forget(struct prekey_stale *s, const struct jid *device);

#endif
