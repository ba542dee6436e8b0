/* out_request.h - what a caller wants to have sent: its validation, and its form in the outbox.
 * Without effects. */
#ifndef BRIDGE_SEND_OUT_REQUEST_H
#define BRIDGE_SEND_OUT_REQUEST_H

#include "bridge/send/mention.h"
#include "bridge/send/out_outcome.h"
#include "bridge/send/send_calls.h"

/* What a caller asked for, validated; kept in the outbox until it is sealed. */
struct out_request {
    struct jid to; /* bare: PN, LID or group */
    struct span text;
    const struct jid *mentions;
    size_t nmentions;
    bool mention_all, allow_absent;
    struct span reply_to; /* SPAN_NULL: none */
};

/* Validates r into *q, which borrows from r. False: *o says why not. mentions: room for
 * r->nmentions. */
bool out_request_check(const struct send_request *r, struct jid *mentions, struct out_request *q,
                       struct out_outcome *o) WB_MUST_CHECK;
/* A phone number, or the JID of a person or group (P-MC-05). INVALID. */
enum wb_err out_request_recipient(struct span text, struct jid *ret_to) WB_MUST_CHECK;
/* Writes the form in the outbox, and reads it back: everything of ret lives in `in` or the arena.
 * MALFORMED. */
enum wb_err out_request_encode(const struct out_request *r, struct buf *out) WB_MUST_CHECK;
enum wb_err out_request_decode(struct span in, struct arena *a,
                               struct out_request *ret) WB_MUST_CHECK;

#endif
