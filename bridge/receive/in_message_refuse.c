/* Messages that cannot be dealt with are refused, but leave a placeholder. */
#include "bridge/core/context.h"
#include "bridge/receive/in_message_private.h"
#include "bridge/receive/out_receipt.h"
#include "store/core/batch.h"

enum { NACK_UNHANDLED = 500 }; /* "unhandled" (P-RC-29) */

/* Is it a message that no person should see? */
static bool is_hidden(const struct in_message *m)
{
    for (size_t i = 0; i < m->nenc; i++)
        if (m->enc[i].hide_fail)
            return true;
    return m->peer || m->newsletter;
}

/* A placeholder says that there was a message, and our phone, which has it too, is asked for it
 * once. */
static enum wb_err leave_trace(struct bridge *b, const struct stanza *s, struct in_message *m,
                               enum wb_err why)
{
    const uint64_t requests = retry_owed_mark(b);
    enum wb_err err;

    TRY(store_mark(b->store));
    err = in_message_store_placeholder(b, m);
    if (err == WB_OK && !m->bot)
        err = retry_owed_add(b, s->arena, m, NULL, why);
    if (err == WB_OK)
        return store_mark_keep(b->store);
    if (wb_err_stops_us(err))
        return err == WB_ERR_LOCKED ? WB_ERR_DB : err;
    log_error(b->log, "message", "%.*s leaves no row: %s", (int)m->id.n, (const char *)m->id.p,
              wb_err_text(err));
    m->nanswers = 0;
    m->stored = false;
    retry_owed_undo(b, requests);
    err = store_mark_undo(b->store);
out:
    return err;
}

enum wb_err in_message_refuse(struct bridge *b, const struct stanza *s, struct in_message *m,
                              enum wb_err why)
{
    enum wb_err err = WB_OK;

    m->nanswers = 0;
    m->stored = false;
    if (!is_hidden(m))
        err = leave_trace(b, s, m, why);
    if (err == WB_OK)
        err = in_message_answer(m, in_message_is_own_copy(m)
                                       ? out_receipt_delivery(b, s->arena, m)
                                       : outgoing_ack_node(s->arena, s->node, NACK_UNHANDLED));
    return err;
}
