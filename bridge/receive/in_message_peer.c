/* Protocol messages in which our own devices tell us something; none is a chat message. */
#include "bridge/core/context.h"
#include "bridge/core/own_message.h"
#include "bridge/receive/in_message_private.h"
#include "bridge/receive/out_receipt.h"

enum wb_err in_message_peer(struct bridge *b, const struct stanza *s, struct in_message *m,
                            const struct content *c)
{
    const struct own_message o = {.stanza = s,
                                  .m = m,
                                  .arena = s->arena,
                                  .id = m->stanza_id,
                                  .device = m->sender.device,
                                  .t = m->t,
                                  .type = (int)c->protocol_type,
                                  .payload = c->protocol_payload};
    enum wb_err err = b->on_own_message(b, &o);

    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        log_warn(b->log, "message", "protocol message %d of our own device: %s",
                 (int)c->protocol_type, wb_err_text(err));
        err = WB_OK;
    }
    TRY(err);
    if (m->peer)
        TRY(in_message_answer(m, out_receipt_own(b, s->arena, m->stanza_id, "peer_msg")));
out:
    return err;
}
