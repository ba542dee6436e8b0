#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/outbox/outbox.h"

enum wb_err store_outbox_reopen(struct store *s, const char *message_id, int64_t how)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (how < OUTBOX_REOPENED)
        return WB_ERR_INVALID;
    TRY(sql_run(&s->wa,
                "UPDATE bridge_outbox SET state = ?, sealed = NULL, sealed_at = 0,"
                " recipients = 0, reopened = ? WHERE our_jid = ? AND message_id = ?"
                " AND state = ? AND reopened = 0 AND request IS NOT NULL",
                BINDS(BIND_INT(OUTBOX_QUEUED), BIND_INT(how), BIND_TEXT(s->our),
                      BIND_TEXT(message_id), BIND_INT(OUTBOX_SEALED))));
    if (stmt_changes(&s->wa) == 0)
        err = WB_ERR_STATE;
out:
    return err;
}

enum wb_err store_outbox_reopened(struct store *s, const char *message_id, int64_t *ret_how)
{
    int64_t how = 0;

    NEED_ACCOUNT(s);
    const enum wb_err err =
        sql_int(&s->wa, "SELECT reopened FROM bridge_outbox WHERE our_jid = ? AND message_id = ?",
                BINDS(BIND_TEXT(s->our), BIND_TEXT(message_id)), &how);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    *ret_how = how;
    return WB_OK;
}
