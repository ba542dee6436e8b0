#include "store/session/group_limits.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"

enum wb_err store_group_limits_get(struct store *s, const struct jid *group,
                                   struct store_group_limits *ret)
{
    struct store_group_limits l = {0};
    enum wb_err err;

    NEED_ACCOUNT(s);
    err = sql_row(&s->wa,
                  "SELECT resend_due, resends_held, refreshed_at, refreshed_for, devices_at,"
                  " mode_at FROM bridge_group_limits WHERE our_jid = ? AND group_jid = ?",
                  BINDS(BIND_TEXT(s->our), BIND_JID(group)),
                  COLS(COL_INT(&l.resend_due), COL_UINT32(&l.resends_held),
                       COL_INT(&l.refreshed_at), COL_TEXT(l.refreshed_for, sizeof l.refreshed_for),
                       COL_INT(&l.devices_at), COL_INT(&l.mode_at)));
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    if (err == WB_OK)
        *ret = l;
    return err;
}

enum wb_err store_group_limits_put(struct store *s, const struct jid *group,
                                   const struct store_group_limits *l)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "INSERT INTO bridge_group_limits (our_jid, group_jid, resend_due,"
                   " resends_held, refreshed_at, refreshed_for, devices_at, mode_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (our_jid, group_jid) DO UPDATE SET"
                   " resend_due = excluded.resend_due, resends_held = excluded.resends_held,"
                   " refreshed_at = excluded.refreshed_at,"
                   " refreshed_for = excluded.refreshed_for, devices_at = excluded.devices_at,"
                   " mode_at = excluded.mode_at",
                   BINDS(BIND_TEXT(s->our), BIND_JID(group), BIND_INT(l->resend_due),
                         BIND_INT(l->resends_held), BIND_INT(l->refreshed_at),
                         BIND_TEXT(l->refreshed_for), BIND_INT(l->devices_at),
                         BIND_INT(l->mode_at)));
}
