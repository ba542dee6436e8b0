/* out_peer.h - messages to our own phone: requests that only it can answer (P-SD-51, P-RC-45). */
#ifndef BRIDGE_SESSIONS_OUT_PEER_H
#define BRIDGE_SESSIONS_OUT_PEER_H

#include "proto/node.h"

struct bridge;

/* message: an encoded Message (peer_wire.h). Seals it for our phone; the open batch holds the
 * changed session, so *ret_n may leave only after its commit. push_priority: value of the stanza's
 * attribute. NO_SESSION: the phone has not written to us yet, or its session is for receiving only.
 * push_priority may be NULL. */
enum wb_err out_peer_seal(struct bridge *b, struct arena *a, struct span message,
                          const char *push_priority, struct node **ret_n) WB_MUST_CHECK;

/* After NO_SESSION: sets up a session with our phone, once per connection; then the requests that
 * wait for the phone have their turn. Needed because a restored file has no session that can send,
 * and its owner may not write for weeks. Does nothing when not online. NOMEM, errors of the
 * store. */
enum wb_err out_peer_want_session(struct bridge *b) WB_MUST_CHECK;

/* The message that the phone is to send us again. Addresses as in the message's stanza. */
struct out_peer_wanted {
    struct jid chat, sender;
    bool from_me;
    struct span id;
};
/* Seals a request of type PLACEHOLDER_MESSAGE_RESEND for one message; result and errors as of
 * out_peer_seal(). */
enum wb_err out_peer_ask_message(struct bridge *b, struct arena *a, const struct out_peer_wanted *w,
                                 struct node **ret_n) WB_MUST_CHECK;

#endif
