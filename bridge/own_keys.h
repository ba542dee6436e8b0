/* own_keys.h - our public keys as stanzas carry them: retry receipts, and the identity that goes
 * with every pkmsg. */
#ifndef BRIDGE_OWN_KEYS_H
#define BRIDGE_OWN_KEYS_H

#include "proto/node.h"

struct account;
struct store_prekey;

/* <device-identity>: the whole ADVSignedDeviceIdentity, the account's key included (P-SD-17). NULL
 * on no memory. */
struct node *own_device_identity_node(struct arena *a, const struct account *acc);
/* <registration>, 4 bytes BE. */
struct node *own_registration_node(struct arena *a, const struct account *acc);
/* <keys> of a retry receipt: type, identity, key, skey, device-identity (P-RC-34). */
struct node *own_keys_node(struct arena *a, const struct account *acc,
                           const struct store_prekey *prekey);

#endif
