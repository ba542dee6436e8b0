/* pairwise.h - of the room sessions/ (Signal sessions with devices, our prekeys; it knows nothing
 * of groups, of what is sent and why): encrypting for one device, the one place where a session is
 * moved on for sending. */
#ifndef BRIDGE_SESSIONS_PAIRWISE_H
#define BRIDGE_SESSIONS_PAIRWISE_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/jid.h"
#include "proto/node.h"

struct bridge;

/* One <enc v=2 type=msg|pkmsg> of an unpadded plaintext for a canonical device address
 * (identity_session_address); the session that it moves is in the open batch. NO_SESSION: there is
 * no session that can send to the identity that the device has now. *ret_pkmsg: the stanza needs a
 * device-identity, with which the device can check who starts the session (P-SD-17). */
enum wb_err pairwise_encrypt(struct bridge *b, struct arena *a, const struct jid *address,
                             struct span plain, struct node **ret_enc,
                             bool *ret_pkmsg) WB_MUST_CHECK;

/* Replaces the content of `out` by the plaintext with random padding. */
enum wb_err pairwise_pad(struct bridge *b, struct span plain, struct buf *out) WB_MUST_CHECK;

#endif
