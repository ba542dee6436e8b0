/* identity_gone.h - identities that a device had before: replaced by another one, or forgotten when
 * its phone was installed anew. An identity key never comes back by itself, so what arrives under
 * such a one was sent by an installation that is gone: it is read, but nothing is sent there. */
#ifndef STORE_IDENTITY_GONE_H
#define STORE_IDENTITY_GONE_H

#include "crypto/prim_x25519.h"
#include "proto/jid.h"
#include "store/store.h"

/* store_identity_put() files the identity that it replaces here, and takes out the one that it
 * puts: whoever calls it knows that this is the present one. */
enum wb_err store_identity_is_gone(struct store *s, const struct jid *device,
                                   const uint8_t identity[static X25519_KEY_BYTES],
                                   bool *ret_gone) WB_MUST_CHECK;

/* ---- private to store/ -------------------------------------------------------------------- */

enum wb_err identity_gone_add(struct store *s, const struct jid *device,
                              const uint8_t identity[static X25519_KEY_BYTES]) WB_MUST_CHECK;
enum wb_err identity_gone_remove(struct store *s, const struct jid *device,
                                 const uint8_t identity[static X25519_KEY_BYTES]) WB_MUST_CHECK;
/* All stored identities of the addresses from <= address < to (texts), before they are deleted. */
enum wb_err identity_gone_add_range(struct store *s, const char *from,
                                    const char *to) WB_MUST_CHECK;
/* What is known of a device under its PN address goes to its LID address. */
enum wb_err identity_gone_move(struct store *s, const struct jid *from,
                               const struct jid *to) WB_MUST_CHECK;

#endif
