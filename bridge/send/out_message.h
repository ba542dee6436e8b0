/* out_message.h - the room send/: from a caller's request to the server's ack. It knows nothing of
 * the HTTP API, of which stanza goes to which function, and of how messages are received.
 * docs/api.md (POST /api/send) and docs/protocol/sending.md tell what it does.
 *
 * Its files call downward only, in this order. A file may call any file below it:
 *
 *     out_message    takes requests and hears events; puts the room together
 *     out_pump       looks over all lanes: what is over its time, what starts now
 *     in_receipt     hears the recipients' receipts, and hands requests to send again to out_retry
 *     out_ack        hears the server's acks
 *     out_missed     a group message of which the server knows more devices than we did
 *     out_missing    the same of a private message: those devices are given it as well
 *     out_retry      a device asks for a message again (with out_retry_devices, out_retry_gone)
 *     out_reopen     a message that was refused for its form goes out in another one
 *     out_prepare    asks for LIDs, members, devices and sessions, then has it sealed
 *     out_content    the plaintext of a request, and its row once it is sent
 *     out_seal       encrypts it for its devices, and commits
 *     out_wire       sends what is sealed, as there is room in the socket
 *     out_expiry     fails what is over its time
 *     out_wait       ends the waits of callers whose time is over
 *     first_contact  spaces out first messages to people, and holds them while we are restricted
 *     out_queue      keeps all sends, their order and their states
 *     out_caller     the callers that wait for one send
 *     out_deadline   until when one send may stay queued
 *     out_work       what is known of one send while it is prepared
 *     out_request    what a caller wants, and its form in the outbox
 *     out_outcome    how a send ended, and its form in the outbox
 *     mention        finds the people that a text mentions
 *
 * Two calls run upward, as callbacks that out_message and out_wait leave in the state:
 * out_queue_kick() has out_pump run, and the last caller that leaves ends out_wait_finish(). */
#ifndef BRIDGE_SEND_OUT_MESSAGE_H
#define BRIDGE_SEND_OUT_MESSAGE_H

#include "bridge/groups/group_info.h"
#include "bridge/people/device_sync.h"
#include "bridge/people/lid_lookup.h"
#include "bridge/sessions/prekey_fetch.h"

struct bridge;
struct out_message_state;

/* What sending needs of the other rooms; tests put fakes here. */
struct out_ports {
    bool (*online)(struct bridge *b);
    /* Has everything been read that waited for us at the server? */
    bool (*caught_up)(struct bridge *b);
    /* Is there room in the socket for one more message, of any size? */
    bool (*room)(struct bridge *b);
    enum wb_err (*send_packed)(struct bridge *b, struct span packed);
    /* sent_mark names the end of what was sent so far; the next call says whether it has left. */
    uint64_t (*sent_mark)(struct bridge *b);
    bool (*has_left)(struct bridge *b, uint64_t mark);
    enum wb_err (*lids)(struct bridge *b, const struct jid *pns, size_t n, lid_lookup_fn *fn,
                        uint64_t key);
    enum wb_err (*group)(struct bridge *b, const struct jid *group, enum group_info_how how,
                         group_info_fn *fn, uint64_t key);
    enum wb_err (*devices)(struct bridge *b, const struct jid *users, size_t n, bool with_self,
                           device_sync_fn *fn, uint64_t key);
    enum wb_err (*sessions)(struct bridge *b, const struct jid *devices, size_t n, bool renew,
                            prekey_fetch_fn *fn, uint64_t key);
};
extern const struct out_ports out_ports_bridge;

/* Listens to the events of b. ports outlives it. */
enum wb_err out_message_new(struct bridge *b, const struct out_ports *ports,
                            struct out_message_state **ret_s) WB_MUST_CHECK;
/* NULL-safe. Waiting callers are not answered any more. */
void out_message_free(struct bridge *b, struct out_message_state *s);
/* A send that has not left is taken back: it fails as "cancelled", and callers that wait are told;
 * its row says whether that could be stored. NOT_FOUND: none of that id is queued. */
enum wb_err out_message_cancel(struct bridge *b, struct span id) WB_MUST_CHECK;
/* The program ends: callers may wait up to `ms` longer while there is a connection, then get the
 * answer of a wait that is over. done is called once, not from within this function. */
void out_message_finish(struct bridge *b, int64_t ms, void (*done)(struct bridge *b));

#endif
