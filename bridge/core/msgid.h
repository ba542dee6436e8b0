/* msgid.h - ids of messages: how we make ours (P-SD-01), and which ids of others are accepted. */
#ifndef BRIDGE_CORE_MSGID_H
#define BRIDGE_CORE_MSGID_H

#include "base/rng.h"
#include "proto/jid.h"

enum { MSGID_BYTES = 22 + 1 };

/* "3EB0" + upper-case hex of the first 9 bytes of SHA-256(u64 BE unix seconds || own user ||
 * "@c.us" || 16 random bytes); NUL-terminated. */
void msgid_new(int64_t unix_s, const struct jid *own_pn, const struct rng *rng,
               char ret_id[static MSGID_BYTES]);

/* Is this text usable as a message's id: 1..STORE_MESSAGE_ID_MAX printable ASCII characters. */
bool msgid_valid(struct span id);

#endif
