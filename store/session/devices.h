/* devices.h - which devices people have, and which of them hold our sender keys. Caches: dropped
 * when another program used the file (rule 9). */
#ifndef STORE_SESSION_DEVICES_H
#define STORE_SESSION_DEVICES_H

#include "base/arena.h"
#include "proto/jid.h"
#include "store/core/store.h"
#include "store/session/limits.h"

struct store_device {
    uint16_t id; /* 0: the phone */
    uint32_t key_index;
    bool hosted;
};

struct store_device_list {
    struct store_device *devices; /* in the arena, at most STORE_DEVICES_MAX */
    size_t n;
    char hash[64];      /* the server's hash of the list, "" when unknown */
    int64_t checked_at; /* unix seconds of the answer or notification */
};

/* user: PN or LID, device ignored. NOT_FOUND: ask the server. */
enum wb_err store_devices_get(struct store *s, const struct jid *user, struct arena *a,
                              struct store_device_list *ret) WB_MUST_CHECK;
/* Replaces the list. TOO_LARGE over STORE_DEVICES_MAX. */
enum wb_err store_devices_put(struct store *s, const struct jid *user,
                              const struct store_device_list *list) WB_MUST_CHECK;
enum wb_err store_devices_drop(struct store *s, const struct jid *user) WB_MUST_CHECK;

/* Of these devices, which have not been given the sender key key_id of this group?
 * ret_missing[i] for devices[i]. NOMEM. */
enum wb_err store_skdm_missing(struct store *s, const struct jid *group, uint32_t key_id,
                               const struct jid *devices, size_t n,
                               bool *ret_missing) WB_MUST_CHECK;
/* The sealed message `carrier` (its id) gives them the key: in the batch that seals it. They are
 * "in doubt", as below, until store_skdm_carried() says that the server has accepted it (P-X2-10):
 * a message that is refused, lost or given up leaves them so without another call, and so does a
 * crash. What was known of other keys of the group goes. */
enum wb_err store_skdm_carry(struct store *s, const struct jid *group, uint32_t key_id,
                             const struct jid *devices, size_t n,
                             const char *carrier) WB_MUST_CHECK;
/* That message was accepted: those to whom it gave the key have it, except who has been put in
 * doubt, or was given it by another message, since. */
enum wb_err store_skdm_carried(struct store *s, const struct jid *group,
                               const char *carrier) WB_MUST_CHECK;
/* That message was refused: to whom it gave the key stays in doubt, also when another message is
 * accepted under its id. */
enum wb_err store_skdm_refused(struct store *s, const struct jid *group,
                               const char *carrier) WB_MUST_CHECK;
/* Who is this device now? That message may have been for who was there before: its ack says nothing
 * about it. In all groups. */
enum wb_err store_skdm_not_carried(struct store *s, const struct jid *device) WB_MUST_CHECK;
/* They have it. */
enum wb_err store_skdm_mark(struct store *s, const struct jid *group, uint32_t key_id,
                            const struct jid *devices, size_t n) WB_MUST_CHECK;
/* Devices that were given this key and are not among devices[]: non-zero means the key must be
 * rotated (somebody left). */
enum wb_err store_skdm_others(struct store *s, const struct jid *group, uint32_t key_id,
                              const struct jid *devices, size_t n,
                              size_t *ret_others) WB_MUST_CHECK;
/* "In doubt" is who has the key and is to be given it again (P-SD-35): it is missing for
 * store_skdm_missing(), and still one of store_skdm_others() should it not be among the devices any
 * more, or a key would go on with somebody who left (P-SD-36). This one has just been given it. */
enum wb_err store_skdm_doubt_device(struct store *s, const struct jid *group, uint32_t key_id,
                                    const struct jid *device) WB_MUST_CHECK;
/* This one says that it cannot read what we write there: whatever key of the group it was given, it
 * is in doubt. Who was given none stays so: anybody may say that. */
enum wb_err store_skdm_doubt_given(struct store *s, const struct jid *group,
                                   const struct jid *device) WB_MUST_CHECK;
/* The device is gone for good: each of its keys counts as store_skdm_others() from now on, so that
 * they are rotated, also when the same device comes back (as somebody new). */
enum wb_err store_skdm_retire_device(struct store *s, const struct jid *device) WB_MUST_CHECK;
/* All devices of a user, in all groups (any form given). */
enum wb_err store_skdm_doubt_user(struct store *s, const struct jid *user) WB_MUST_CHECK;
enum wb_err store_skdm_doubt_group(struct store *s, const struct jid *group) WB_MUST_CHECK;

#endif
