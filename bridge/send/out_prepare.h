/* out_prepare.h - what must be known before a message can be encrypted: the person's LID,
 * the group's members, everybody's devices, sessions with them. Inside of out_message*.c. */
#ifndef BRIDGE_SEND_OUT_PREPARE_H
#define BRIDGE_SEND_OUT_PREPARE_H

#include "bridge/send/mention.h"
#include "bridge/send/out_queue.h"

/* What a caller asked for, validated; kept in the outbox until it is sealed. */
struct out_request {
    struct jid to; /* bare: PN, LID or group */
    struct span text;
    const struct jid *mentions;
    size_t nmentions;
    bool mention_all, allow_absent;
    struct span reply_to; /* SPAN_NULL: none */
};

/* False: *o says why. mentions: room for r->nmentions; q borrows from r. */
bool out_request_check(const struct send_request *r, struct jid *mentions, struct out_request *q,
                       struct out_outcome *o) WB_MUST_CHECK;
/* A phone number, or the JID of a person or group (P-MC-05). INVALID. */
enum wb_err out_recipient_parse(struct span text, struct jid *ret_to) WB_MUST_CHECK;
/* The form in the outbox; everything of ret lives in `in` or the arena. MALFORMED. */
enum wb_err out_request_encode(const struct out_request *r, struct buf *out) WB_MUST_CHECK;
enum wb_err out_request_decode(struct span in, struct arena *a,
                               struct out_request *ret) WB_MUST_CHECK;

/* One preparation; all of it in its arena. */
struct out_work {
    struct arena arena;
    struct out_request request;
    struct jid to;            /* of the stanza: LID or number (private_address.h), or group */
    struct jid lid, pn;       /* 1:1: the person's two forms, JID_NONE when not known */
    struct store_group group; /* members and all; .jid JID_NONE in a 1:1 chat */
    bool group_fresh;
    bool lids_asked; /* of mentioned numbers */
    bool relisted;   /* the devices were asked for anew because some were gone */
    struct mention_result mentions;
    struct buf plain; /* the encoded Message, unpadded */
    struct jid *devices;
    size_t ndevices;
};

/* What the group calls this member, by its addressing where that form is known; bare. */
struct jid out_member_jid(const struct store_group *g, const struct store_group_member *m);

void out_work_free(struct out_work *w); /* NULL-safe */

/* From QUEUED on; ends in out_queue_later(), _fail() or _sealed(). */
void out_prepare_start(struct out_item *it);

#endif
