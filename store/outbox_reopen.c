#include "store/outbox.h"
#include "store/state.h"
#include "store/stmt.h"

enum wb_err store_outbox_reopen(struct store *s, const char *message_id)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "UPDATE bridge_outbox SET state = ?, sealed = NULL, sealed_at = 0,"
                   " recipients = 0, reopened = 1 WHERE our_jid = ? AND message_id = ?"
                   " AND state = ? AND reopened = 0 AND request IS NOT NULL"));
    stmt_int(&q, OUTBOX_QUEUED);
    stmt_text(&q, s->our);
    stmt_text(&q, message_id);
    stmt_int(&q, OUTBOX_SEALED);
    TRY(stmt_run(&q));
    if (stmt_changes(&s->wa) == 0)
        err = WB_ERR_STATE;
out:
    return err;
}
