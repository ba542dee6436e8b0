#include "bridge/dispatch/dispatch.h"

#include "bridge/conn/in_stream.h"
#include "bridge/core/context.h"
#include "bridge/dispatch/handlers.h"
#include "bridge/receive/in_message.h"
#include "bridge/send/in_receipt.h"

/* Every stanza that the server may send, by tag; messages first, as most are. */
static const struct stanza_handler *const stanza_table[] = {
    &in_message_handler,      &in_ack_handler,     &in_appdata_handler,  &in_status_handler,
    &in_iq_handler,           &in_success_handler, &in_failure_handler,  &in_stream_error_handler,
    &in_xmlstreamend_handler, &in_error_handler,   &in_ib_handler,       &in_notification_handler,
    &in_call_handler,         &in_receipt_handler, &in_presence_handler, &in_chatstate_handler,
};

/* Tag, type and id: enough to find the stanza, nothing that a person wrote. */
static void log_odd(struct bridge *b, const struct stanza *s, enum wb_err err)
{
    struct span type = node_attr_str(s->node, "type", s->arena);
    struct span id = node_attr_str(s->node, "id", s->arena);

    log_warn(b->log, "dispatch", "<%.*s type=%.*s id=%.*s>: %s", (int)s->node->tag.n,
             (const char *)s->node->tag.p, (int)span_first(type, 40).n,
             type.p ? (const char *)type.p : "", (int)span_first(id, 64).n,
             id.p ? (const char *)id.p : "", wb_err_text(err));
}

enum wb_err dispatch_stanza(struct bridge *b, const struct stanza *s)
{
    const struct stanza_handler *h = stanza_handler_find(
        stanza_table, sizeof stanza_table / sizeof stanza_table[0], s->node->tag);
    enum wb_err err;

    if (!h) {
        log_odd(b, s, WB_ERR_NOT_FOUND);
        return WB_OK;
    }
    pauses_mark(b->pauses, h->name);
    err = stanza_handler_run(b, h, s);
    if (err != WB_OK)
        log_odd(b, s, err);
    /* The failure is ours: the connection is closed, so that the server delivers the stanza
     * again. */
    if (wb_err_stops_us(err))
        return err;
    if (h->ack == STANZA_ACK_ALWAYS && node_has_attr(s->node, "id"))
        return outgoing_ack(b, s, 0);
    return WB_OK;
}
