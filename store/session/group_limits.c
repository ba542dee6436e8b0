#include "store/session/group_limits.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/stmt.h"

enum wb_err store_group_limits_get(struct store *s, const struct jid *group,
                                   struct store_group_limits *ret)
{
    struct store_group_limits l = {0};
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT resend_due, resends_held, refreshed_at, refreshed_for, devices_at,"
                  " mode_at FROM bridge_group_limits WHERE our_jid = ? AND group_jid = ?"));
    stmt_text(&q, s->our);
    stmt_jid(&q, group);
    err = stmt_step(&q);
    if (err == WB_OK) {
        l.resend_due = stmt_col_int(&q, 0);
        l.resends_held = (uint32_t)stmt_col_int(&q, 1);
        l.refreshed_at = stmt_col_int(&q, 2);
        stmt_col_text(&q, 3, l.refreshed_for, sizeof l.refreshed_for);
        l.devices_at = stmt_col_int(&q, 4);
        l.mode_at = stmt_col_int(&q, 5);
    }
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    if (err == WB_OK)
        *ret = l;
out:
    return err;
}

enum wb_err store_group_limits_put(struct store *s, const struct jid *group,
                                   const struct store_group_limits *l)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR REPLACE INTO bridge_group_limits (our_jid, group_jid, resend_due,"
                   " resends_held, refreshed_at, refreshed_for, devices_at, mode_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
    stmt_text(&q, s->our);
    stmt_jid(&q, group);
    stmt_int(&q, l->resend_due);
    stmt_int(&q, l->resends_held);
    stmt_int(&q, l->refreshed_at);
    stmt_text(&q, l->refreshed_for);
    stmt_int(&q, l->devices_at);
    stmt_int(&q, l->mode_at);
    err = stmt_run(&q);
out:
    return err;
}
