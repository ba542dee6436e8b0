/* out_message.h - sending: from a caller's request to the server's ack (interfaces.md "Sending",
 * docs/protocol/sending.md). The parts: out_message.c takes requests, _request.c checks them,
 * _queue.c keeps the order and the states, _wire.c sends what is sealed, _ack.c hears the server,
 * _outcome.c remembers ends, _prepare.c finds out for whom to encrypt, _seal.c encrypts, _wait.c
 * answers callers.
 */
#ifndef BRIDGE_SEND_OUT_MESSAGE_H
#define BRIDGE_SEND_OUT_MESSAGE_H

#include "bridge/groups/group_info.h"
#include "bridge/people/device_sync.h"
#include "bridge/people/lid_lookup.h"
#include "bridge/sessions/prekey_fetch.h"

struct bridge;
struct out_message_state;

/* What sending needs of the other parts; tests put fakes here. */
struct out_ports {
    bool (*online)(struct bridge *b);
    /* Has everything been read that waited for us? */
    bool (*caught_up)(struct bridge *b);
    /* Is there room for one more message? It may then be of any size. */
    bool (*room)(struct bridge *b);
    enum wb_err (*send_packed)(struct bridge *b, struct span packed);
    /* Names the end of what was sent so far; has it left? */
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
/* NULL-safe. Callers that wait are not answered any more. */
void out_message_free(struct bridge *b, struct out_message_state *s);
/* The program ends: who waits gets up to `ms` longer while there is a connection, then the answer
 * of a wait that is over. done is called once, not from within this. */
void out_message_finish(struct bridge *b, int64_t ms, void (*done)(struct bridge *b));

/* The server's <ack class=message> (P-SD-21..25). */
struct out_ack {
    struct span id;
    int64_t t;         /* unix seconds; 0: not said */
    uint32_t error;    /* 0: accepted */
    struct span phash; /* SPAN_NULL: the server agrees, or does not say */
};
/* Acks of stanzas that are no sends of ours (resends, requests to the phone) are passed over. What
 * it changes is in the open batch; callers are answered after its commit. */
enum wb_err out_message_acked(struct bridge *b, const struct out_ack *ack) WB_MUST_CHECK;
/* A receipt of the recipient: the server has it, so it counts as the ack where that was lost (with
 * its connection, say) or is late. t: unix seconds of the receipt, 0: not said. */
enum wb_err out_message_delivered(struct bridge *b, struct span id, int64_t t) WB_MUST_CHECK;

#endif
