#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/outbox/outbox.h"

enum wb_err store_outbox_reopen(struct store *s, const char *message_id, int64_t how)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (how < OUTBOX_REOPENED)
        return WB_ERR_INVALID;
    TRY(stmt_write(&q, &s->wa,
                   "UPDATE bridge_outbox SET state = ?, sealed = NULL, sealed_at = 0,"
                   " recipients = 0, reopened = ? WHERE our_jid = ? AND message_id = ?"
                   " AND state = ? AND reopened = 0 AND request IS NOT NULL"));
    stmt_int(&q, OUTBOX_QUEUED);
    stmt_int(&q, how);
    stmt_text(&q, s->our);
    stmt_text(&q, message_id);
    stmt_int(&q, OUTBOX_SEALED);
    TRY(stmt_run(&q));
    if (stmt_changes(&s->wa) == 0)
        err = WB_ERR_STATE;
out:
    return err;
}

enum wb_err store_outbox_reopened(struct store *s, const char *message_id, int64_t *ret_how)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT reopened FROM bridge_outbox WHERE our_jid = ? AND message_id = ?"));
    stmt_text(&q, s->our);
    stmt_text(&q, message_id);
    err = stmt_step(&q);
    if (err == WB_OK || err == WB_ERR_NOT_FOUND)
        *ret_how = err == WB_OK ? stmt_col_int(&q, 0) : 0;
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}
