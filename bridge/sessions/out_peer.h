/* out_peer.h - messages to our own phone: requests that only it can answer (P-SD-51, P-RC-45). */
#ifndef BRIDGE_SESSIONS_OUT_PEER_H
#define BRIDGE_SESSIONS_OUT_PEER_H

#include "proto/node.h"

struct bridge;

/* message: an encoded Message (peer_wire.h). Sealed for our phone with the session that the open
 * batch then holds: what is made here leaves after its commit or never. NO_SESSION: the phone has
 * not written to us yet, or its session is for receiving only. push_priority may be NULL. */
enum wb_err out_peer_seal(struct bridge *b, struct arena *a, struct span message,
                          const char *push_priority, struct node **ret_n) WB_MUST_CHECK;

/* After NO_SESSION: one is set up, once per connection, and then what waits for the phone has its
 * turn (a restored file has none that can send, and its owner may not write for weeks). Nothing
 * when not online. NOMEM, errors of the store. */
enum wb_err out_peer_want_session(struct bridge *b) WB_MUST_CHECK;

/* Which message the phone is to send us again. Addresses as in the stanza. */
struct out_peer_wanted {
    struct jid chat, sender;
    bool from_me;
    struct span id;
};
/* PLACEHOLDER_MESSAGE_RESEND for one message. As out_peer_seal(). */
enum wb_err out_peer_ask_message(struct bridge *b, struct arena *a, const struct out_peer_wanted *w,
                                 struct node **ret_n) WB_MUST_CHECK;

#endif
