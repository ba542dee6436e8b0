/* identity_gone.h - identities that a device had before: replaced by another one, or forgotten when
 * its phone was installed anew. An identity key never comes back by itself, so a message under a
 * former identity was sent by an installation that is gone: it is read, but nothing is sent there.
 */
#ifndef STORE_SESSION_IDENTITY_GONE_H
#define STORE_SESSION_IDENTITY_GONE_H

#include "crypto/prim_x25519.h"
#include "proto/jid.h"
#include "store/core/store.h"

/* store_identity_put() files the identity that it replaces here, and takes the one that it stores
 * out of this list: its caller knows that this identity is the present one. The stored identity is
 * never gone, whatever the list says.
 *
 * A device has its newest STORE_IDENTITIES_GONE_MAX here. Older ones are forgotten and count as new
 * again. That takes that many installations of one phone within the time that late mail can be
 * under way. */
enum wb_err store_identity_is_gone(struct store *s, const struct jid *device,
                                   const uint8_t identity[static X25519_KEY_BYTES],
                                   bool *ret_gone) WB_MUST_CHECK;

/* ---- private to store/ ---- */

enum wb_err identity_gone_add(struct store *s, const struct jid *device,
                              const uint8_t identity[static X25519_KEY_BYTES]) WB_MUST_CHECK;
enum wb_err identity_gone_remove(struct store *s, const struct jid *device,
                                 const uint8_t identity[static X25519_KEY_BYTES]) WB_MUST_CHECK;
/* Removes the stored identity of this device, if there is one, from the list. */
enum wb_err identity_gone_remove_present(struct store *s, const struct jid *device) WB_MUST_CHECK;
/* Adds all stored identities of the addresses from <= address < to (texts), before they are
 * deleted. */
enum wb_err identity_gone_add_range(struct store *s, const char *from,
                                    const char *to) WB_MUST_CHECK;
/* Moves the list of a device from its PN address to its LID address. */
enum wb_err identity_gone_move(struct store *s, const struct jid *from,
                               const struct jid *to) WB_MUST_CHECK;

#endif
