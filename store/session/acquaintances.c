#include "store/session/acquaintances.h"

#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/session/other_form.h"

enum wb_err store_acquaintance_put(struct store *s, const struct jid *who)
{
    struct jid bare = jid_unhosted(jid_bare(*who));
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR IGNORE INTO bridge_acquaintances (our_jid, person) VALUES (?, ?)"));
    stmt_text(&q, s->our);
    stmt_jid(&q, &bare);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_acquaintance_has(struct store *s, const struct jid *who, bool *ret_has)
{
    struct jid forms[2];
    size_t n = 0;
    bool has = false;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(both_forms(s, who, forms, &n));
    for (size_t i = 0; i < n && !has; i++) {
        struct stmt q;
        TRY(stmt_read(&q, &s->wa,
                      "SELECT 1 FROM bridge_acquaintances WHERE our_jid = ? AND person = ?"));
        stmt_text(&q, s->our);
        stmt_jid(&q, &forms[i]);
        err = stmt_step(&q);
        stmt_end(&q);
        has = err == WB_OK;
        if (err == WB_ERR_NOT_FOUND)
            err = WB_OK;
        TRY(err);
    }
    *ret_has = has;
out:
    return err;
}
