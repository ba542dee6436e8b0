/* own_keys.h - our public keys as stanzas carry them: retry receipts, and the identity that goes
 * with every pkmsg. */
#ifndef BRIDGE_CONN_OWN_KEYS_H
#define BRIDGE_CONN_OWN_KEYS_H

#include "crypto/prim_x25519.h"
#include "crypto/prim_xeddsa.h"
#include "proto/node.h"

struct account;
struct store_prekey;

/* <device-identity>: the whole ADVSignedDeviceIdentity, the account's key included (P-SD-17). NULL
 * on no memory. */
struct node *own_device_identity_node(struct arena *a, const struct account *acc);
/* <registration>: the registration id in 4 bytes, big-endian. */
struct node *own_registration_node(struct arena *a, const struct account *acc);
/* <skey> with id, value and signature, under parent (P-LG-06, P-LG-11). */
void own_skey_node(struct arena *a, struct node *parent, uint32_t id,
                   const uint8_t pub[static X25519_KEY_BYTES],
                   const uint8_t sig[static XEDDSA_SIG_BYTES]);
/* <keys> of a retry receipt: type, identity, key, skey, device-identity (P-RC-34). */
struct node *own_keys_node(struct arena *a, const struct account *acc,
                           const struct store_prekey *prekey);

#endif
