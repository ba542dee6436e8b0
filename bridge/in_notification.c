/* <notification>: the frame of it. Every type gets its one ack, known or not (P-NT-01, P-NT-02);
 * the types that mean something have a row here. */
#include "bridge/bridge.h"
#include "bridge/handlers.h"

static const struct stanza_handler *const type_table[] = {
    &in_notification_encrypt_handler,
    &in_notification_link_code_handler,
};

static enum wb_err notification_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct span type = node_attr_str(s->node, "type", s->arena);
    const struct stanza_handler *h =
        stanza_handler_find(type_table, sizeof type_table / sizeof type_table[0], type);

    (void)parsed;
    if (h)
        return stanza_handler_run(b, h, s);
    log_debug(b->log, "notification", "type %.*s has no meaning here", (int)span_first(type, 40).n,
              type.p ? (const char *)type.p : "");
    return WB_OK;
}

const struct stanza_handler in_notification_handler = {"notification", STANZA_ACK_ALWAYS, NULL,
                                                       notification_apply};
