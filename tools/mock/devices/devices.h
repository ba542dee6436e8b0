/* devices.h - device lists: in usync answers, and the news of their changes (P-NT-06..10). This
 * room has what the server keeps for devices and checks of them: their queues, keys, lists, tokens.
 * It knows nothing of who writes what to whom, nor of how a device is linked. */
#ifndef MOCK_DEVICES_DEVICES_H
#define MOCK_DEVICES_DEVICES_H

#include "tools/mock/core/mock.h"

enum device_change { DEVICE_ADDED, DEVICE_REMOVED, DEVICE_UPDATED };

/* <devices> with device-list and key-index-list. */
void devices_node(struct mock *m, struct node *parent, const struct mock_account *a, bool lid);
/* account_sync to the account's other devices, `devices` to everybody who knows the account. For
 * DEVICE_REMOVED d is still in the list. */
void devices_changed(struct mock *m, struct mock_account *a, struct device *d,
                     enum device_change change);
/* News of a's devices are on their way to d, or waiting for it: what it sends now may still go by
 * the old list. */
bool devices_unheard(const struct device *d, const struct mock_account *a);
/* Ends a companion: its client is told (conflict device_removed) when it is there. */
void devices_logout(struct mock *m, struct device *d);
/* The phone was set up anew: new identity, all companions gone, everybody told if tell (P-NT-04).
 */
void devices_reinstall(struct mock *m, struct mock_account *a, bool tell);
/* phash over the account's devices in one form. except may be NULL. */
void devices_hash(const struct mock_account *a, const struct device *except, bool lid,
                  char ret_text[static PHASH_CHARS + 1]);

#endif
