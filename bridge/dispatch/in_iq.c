/* <iq>: answers to our requests by id, and the server's own requests by their child. */
#include "bridge/core/context.h"
#include "bridge/dispatch/handlers.h"
#include "bridge/pair/pair_stanzas.h"

static const struct stanza_handler *const request_table[] = {
    &in_iq_pair_device_handler,
    &in_iq_pair_success_handler,
};

static bool from_server(const struct node *n)
{
    struct jid from;

    return !node_has_attr(n, "from") ||
           (node_attr_get_jid(n, "from", &from) && from.server == JID_PN && from.user[0] == '\0');
}

/* The answer has an id only if the server's ping has one (P-LG-24). */
static enum wb_err answer_ping(struct bridge *b, const struct stanza *s)
{
    struct jid server = jid_server_only(JID_PN);
    struct node *n = node_new(s->arena, "iq");

    if (!n)
        return WB_ERR_NOMEM;
    node_attr_jid(s->arena, n, "to", &server);
    node_attr_text(s->arena, n, "type", "result");
    node_copy_attr(s->arena, n, s->node, "id");
    return outgoing_send(b, n);
}

static enum wb_err request(struct bridge *b, const struct stanza *s)
{
    const struct stanza_handler *h;

    if (!from_server(s->node))
        return WB_ERR_PROTOCOL;
    if (node_attr_is(s->node, "xmlns", "urn:xmpp:ping"))
        return answer_ping(b, s);
    if (node_child_count(s->node) != 1)
        return WB_ERR_NOT_FOUND;
    h = stanza_handler_find(request_table, sizeof request_table / sizeof request_table[0],
                            s->node->first->tag);
    return h ? stanza_handler_run(b, h, s) : WB_ERR_NOT_FOUND;
}

static enum wb_err iq_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    (void)parsed;
    if (node_attr_is(s->node, "type", "get") || node_attr_is(s->node, "type", "set"))
        return request(b, s);
    if (!iq_handle(&b->iq, s->node, s->arena))
        log_debug(b->log, "iq", "an answer that nobody waits for (any more)");
    return WB_OK;
}

const struct stanza_handler in_iq_handler = {"iq", STANZA_ACK_NEVER, NULL, iq_apply};
