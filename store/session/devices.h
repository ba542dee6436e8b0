/* devices.h - which devices people have, and which of them hold our sender keys. Both are caches:
 * they are dropped when another program used the file (whatsapp_schema.h). */
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

/* Which of these devices have not been given the sender key key_id of this group? ret_missing[i]
 * for devices[i]. NOMEM. */
enum wb_err store_skdm_missing(struct store *s, const struct jid *group, uint32_t key_id,
                               const struct jid *devices, size_t n,
                               bool *ret_missing) WB_MUST_CHECK;
/* Notes that the sealed message with the id `carrier` gives these devices the key; in the batch
 * that seals it. The devices are "in doubt", as below, until store_skdm_carried() says that the
 * server has accepted it (P-X2-10): a message that is refused, lost or given up leaves them in
 * doubt without another call, and so does a crash. What was known of other keys of the group is
 * removed. */
enum wb_err store_skdm_carry(struct store *s, const struct jid *group, uint32_t key_id,
                             const struct jid *devices, size_t n,
                             const char *carrier) WB_MUST_CHECK;
/* The server accepted that message: the devices to which it gave the key have the key, except those
 * that were put in doubt, or given the key by another message, since. */
enum wb_err store_skdm_carried(struct store *s, const struct jid *group,
                               const char *carrier) WB_MUST_CHECK;
/* The server refused that message: the devices to which it gave the key stay in doubt, also when
 * another message is accepted under its id. */
enum wb_err store_skdm_refused(struct store *s, const struct jid *group,
                               const char *carrier) WB_MUST_CHECK;
/* This device may be another installation now, and messages under way may have been sealed for the
 * one before: their acks no longer say that the device has a key. In all groups. */
enum wb_err store_skdm_not_carried(struct store *s, const struct jid *device) WB_MUST_CHECK;
/* These devices have the key. */
enum wb_err store_skdm_mark(struct store *s, const struct jid *group, uint32_t key_id,
                            const struct jid *devices, size_t n) WB_MUST_CHECK;
/* Devices that were given this key and are not among devices[]: non-zero means the key must be
 * rotated (somebody left). */
enum wb_err store_skdm_others(struct store *s, const struct jid *group, uint32_t key_id,
                              const struct jid *devices, size_t n,
                              size_t *ret_others) WB_MUST_CHECK;
/* "In doubt" is a device that was given the key and is to be given it again (P-SD-35).
 * store_skdm_missing() counts it as missing; store_skdm_others() still counts it once it is no
 * longer among the devices, or the key would stay in use after somebody left (P-SD-36). Notes that
 * this device was just given the key, in doubt. */
enum wb_err store_skdm_doubt_device(struct store *s, const struct jid *group, uint32_t key_id,
                                    const struct jid *device) WB_MUST_CHECK;
/* This device says that it cannot read what we write to the group: if it was given a key of the
 * group, any key, it is in doubt now. A device that was given none still has none: anybody may say
 * that. */
enum wb_err store_skdm_doubt_given(struct store *s, const struct jid *group,
                                   const struct jid *device) WB_MUST_CHECK;
/* The device is gone for good: each of its keys counts as store_skdm_others() from now on, so that
 * they are rotated, also when the same device comes back (as somebody new). */
enum wb_err store_skdm_retire_device(struct store *s, const struct jid *device) WB_MUST_CHECK;
/* Puts all devices of a user in doubt, in all groups (under the form given). */
enum wb_err store_skdm_doubt_user(struct store *s, const struct jid *user) WB_MUST_CHECK;
enum wb_err store_skdm_doubt_group(struct store *s, const struct jid *group) WB_MUST_CHECK;

#endif
