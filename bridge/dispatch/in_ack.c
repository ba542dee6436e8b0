/* <ack>: the server has accepted a stanza of ours (P-SD-21). Only acks of messages matter; nothing
 * waits for acks of our receipts and calls. */
#include "bridge/core/context.h"
#include "bridge/dispatch/handlers.h"
#include "bridge/people/lid_refresh.h"
#include "bridge/receive/in_message.h"
#include "bridge/send/out_ack.h"

struct ack {
    struct out_ack out;
    struct jid stale_lid; /* a person who has another LID by now; JID_NONE: nobody */
};

static enum wb_err parse(const struct stanza *s, void **ret_parsed)
{
    struct ack *ack = ARENA_NEW(s->arena, struct ack);
    uint64_t n = 0;

    if (!ack)
        return WB_ERR_NOMEM;
    *ret_parsed = NULL;
    if (!node_attr_is(s->node, "class", "message"))
        return WB_OK;
    ack->out.id = node_attr_str(s->node, "id", s->arena);
    if (!ack->out.id.n)
        return WB_ERR_MALFORMED;
    if (node_attr_get_u64(s->node, "t", &n) && n <= INT64_MAX)
        ack->out.t = (int64_t)n;
    if (node_has_attr(s->node, "error"))
        /* An error that is no number is a refusal all the same. */
        ack->out.error = node_attr_get_u64(s->node, "error", &n) && n > 0 && n <= UINT32_MAX
                             ? (uint32_t)n
                             : UINT32_MAX;
    ack->out.phash = node_attr_str(s->node, "phash", s->arena);
    if (node_attr_is(s->node, "refresh_lid", "true") &&
        !node_attr_get_jid(s->node, "from", &ack->stale_lid))
        ack->stale_lid = (struct jid){0};
    *ret_parsed = ack;
    return WB_OK;
}

static enum wb_err apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    const struct ack *ack = parsed;
    enum wb_err err = WB_OK;

    (void)s;
    if (!ack)
        return WB_OK;
    TRY(in_message_acked(b, ack->out.id));
    TRY(out_ack_take(b, &ack->out));
    if (!jid_is_none(&ack->stale_lid))
        TRY(lid_refresh(b, &ack->stale_lid));
out:
    return err;
}

const struct stanza_handler in_ack_handler = {"ack", STANZA_ACK_NEVER, parse, apply};
