#include "store/session/owner.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/session/account.h"

enum { ACCOUNTS_LOOKED_AT = 64 };

static enum wb_err owner(struct store *s, char ret[JID_USER_MAX + 1])
{
    return sql_row(&s->msg, "SELECT phone FROM bridge_owner", NO_BINDS,
                   COLS(COL_TEXT(ret, JID_USER_MAX + 1)));
}

/* Several devices in one whatsapp.db share its messages.db. */
static enum wb_err has_device(struct store *s, const char *phone_user, bool *ret)
{
    struct jid found[ACCOUNTS_LOOKED_AT];
    size_t n = 0;
    enum wb_err err = store_account_list(s, found, ACCOUNTS_LOOKED_AT, &n);

    *ret = false;
    for (size_t i = 0; err == WB_OK && i < n && i < ACCOUNTS_LOOKED_AT; i++)
        *ret = *ret || strcmp(found[i].user, phone_user) == 0;
    return err;
}

enum wb_err store_messages_owner(struct store *s, const char *phone_user,
                                 char ret_other[JID_USER_MAX + 1])
{
    char phone[JID_USER_MAX + 1];
    bool known = false;
    enum wb_err err;

    TRY(sql_run(&s->msg,
                "CREATE TABLE IF NOT EXISTS bridge_owner"
                " (one INTEGER PRIMARY KEY CHECK (one = 1), phone TEXT NOT NULL)",
                NO_BINDS));
    err = owner(s, phone);
    if (err == WB_OK) {
        if (strcmp(phone, phone_user) == 0)
            return WB_OK;
        TRY(has_device(s, phone, &known));
        if (known)
            return WB_OK;
        memcpy(ret_other, phone, sizeof phone);
        return WB_ERR_EXISTS;
    }
    if (err != WB_ERR_NOT_FOUND)
        return err;
    err = sql_run(&s->msg, "INSERT INTO bridge_owner (one, phone) VALUES (1, ?)",
                  BINDS(BIND_TEXT(phone_user)));
out:
    return err;
}
