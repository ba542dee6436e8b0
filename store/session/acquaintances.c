#include "store/session/acquaintances.h"

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/session/other_form.h"

enum wb_err store_acquaintance_put(struct store *s, const struct jid *who)
{
    struct jid bare = jid_unhosted(jid_bare(*who));

    NEED_ACCOUNT(s);
    if (jid_is_none(&bare))
        return WB_ERR_INVALID;
    return sql_run(&s->wa,
                   "INSERT INTO bridge_acquaintances (our_jid, person) VALUES (?, ?)"
                   " ON CONFLICT DO NOTHING",
                   BINDS(BIND_TEXT(s->our), BIND_JID(&bare)));
}

enum wb_err store_acquaintance_has(struct store *s, const struct jid *who, bool *ret_has)
{
    struct jid forms[2];
    size_t n = 0;
    bool has = false;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(both_forms(s, who, forms, &n));
    for (size_t i = 0; i < n && !has; i++)
        TRY(sql_exists(&s->wa,
                       "SELECT 1 FROM bridge_acquaintances WHERE our_jid = ? AND person = ?",
                       BINDS(BIND_TEXT(s->our), BIND_JID(&forms[i])), &has));
    *ret_has = has;
out:
    return err;
}
