/* devices.h - device lists: in usync answers, and as news of their changes (P-NT-06..10). This room
 * has what the server keeps for devices and checks about them: their queues, keys, lists, tokens.
 * It knows nothing of who writes what to whom, nor of how a device is linked. */
#ifndef MOCK_DEVICES_DEVICES_H
#define MOCK_DEVICES_DEVICES_H

#include "tools/mock/core/mock.h"

enum device_change { DEVICE_ADDED, DEVICE_REMOVED, DEVICE_UPDATED };

/* Adds <devices> with device-list and key-index-list. */
void devices_node(struct mock *m, struct node *parent, const struct mock_account *a, bool lid);
/* Tells of a changed device: account_sync to the account's other devices, a notification `devices`
 * to everybody who knows the account. For DEVICE_REMOVED, d must still be in the list. */
void devices_changed(struct mock *m, struct mock_account *a, struct device *d,
                     enum device_change change);
/* Whether news of a's devices are on their way to d, or wait for it: what d sends now may still
 * follow the old list. */
bool devices_unheard(const struct device *d, const struct mock_account *a);
/* Ends a companion: its client, if it is connected, is told (conflict device_removed). */
void devices_logout(struct mock *m, struct device *d);
/* The phone was set up anew: it has a new identity, all companions are gone, and everybody is told
 * if tell is set (P-NT-04). */
void devices_reinstall(struct mock *m, struct mock_account *a, bool tell);
/* The participant hash over the account's devices, in LID or PN form. except may be NULL. */
void devices_hash(const struct mock_account *a, const struct device *except, bool lid,
                  char ret_text[static PHASH_CHARS + 1]);

#endif
