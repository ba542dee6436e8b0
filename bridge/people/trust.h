/* trust.h - which identity keys are believed. Two keys of our own account are certain: the phone's,
 * which is the account's signature key, and our own; no other key may speak for these devices
 * (P-PR-14, P-RC-51). For other people's linked devices their account's statement (adv.h) is
 * checked; a bad one is refused only by the setting adv_check (P-RC-14). */
#ifndef BRIDGE_PEOPLE_TRUST_H
#define BRIDGE_PEOPLE_TRUST_H

#include "crypto/prim_x25519.h"
#include "proto/jid.h"

struct bridge;

/* device: as the stanza or list names it, address: under which its session is kept.
 * FOREIGN_IDENTITY: the device is our phone or ourselves, but the key is another one; counted and
 * logged. */
enum wb_err trust_own(struct bridge *b, const struct jid *device, const struct jid *address,
                      const uint8_t identity[static X25519_KEY_BYTES]) WB_MUST_CHECK;

/* A linked device (another number than 0) at this canonical address shows this identity and its
 * account's statement (SPAN_NULL: none came). NOT_VOUCHED: the setting adv_check is "refuse" and
 * there is a complaint. A complaint is counted and logged in any case. Errors of the store. */
enum wb_err trust_companion(struct bridge *b, const struct jid *address,
                            const uint8_t identity[static X25519_KEY_BYTES],
                            struct span statement) WB_MUST_CHECK;

/* Checks a person's signed list of devices. NOT_VOUCHED: as in trust_companion(). */
enum wb_err trust_device_list(struct bridge *b, const struct jid *user,
                              struct span key_list) WB_MUST_CHECK;

/* At each login: corrects what the file says of our phone, because a program without these checks
 * may have taken over another key. Puts the stored identity right and drops session states with any
 * other key. In the open batch. */
enum wb_err trust_pin_phone(struct bridge *b) WB_MUST_CHECK;

#endif
