/* prekeys.h - the key server: each one-time prekey is handed out once (P-LG-04..11, P-SD-08). */
#ifndef MOCK_DEVICES_PREKEYS_H
#define MOCK_DEVICES_PREKEYS_H

#include "tools/mock/core/mock.h"
#include "tools/mock/wire/iq_handler.h"

/* Sends an `encrypt` notification with the count when few prekeys are left; once per upload. */
void prekeys_tell_if_low(struct mock *m, struct device *d);
/* Takes the oldest prekey that was not handed out. False: none is left. */
bool prekeys_take(struct mock *m, struct device *d, struct prekey *ret_k);
/* The server returns to the client's signed prekey of before the last rotation. False: there was
 * none. */
bool prekeys_skey_back(struct device *d);
/* Sends an `encrypt` notification with <digest/>: the client is to compare its keys (P-NT-03). */
void prekeys_ask_compare(struct mock *m, struct device *d);
/* Adds <registration> <type> <identity> [<key>] <skey> to parent. */
void prekeys_bundle_node(struct mock *m, struct node *parent, struct device *d,
                         const struct prekey *one_time);

/* The requests of xmlns=encrypt. */
iq_handler iq_prekey_count, iq_prekey_digest, iq_prekey_fetch, iq_prekey_upload, iq_prekey_rotate;

#endif
