#include "store/messages/phone_requests.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"

enum wb_err store_phone_request_put(struct store *s, struct span request_id,
                                    const struct store_phone_request *r, int64_t asked_at)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "INSERT INTO bridge_phone_requests (our_jid, request_id, chat_jid,"
                   " sender_jid, message_id, asked_at) VALUES (?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (our_jid, request_id) DO UPDATE SET"
                   " chat_jid = excluded.chat_jid, sender_jid = excluded.sender_jid,"
                   " message_id = excluded.message_id, asked_at = excluded.asked_at",
                   BINDS(BIND_TEXT(s->our), BIND_SPAN(request_id), BIND_JID(&r->chat),
                         BIND_JID(&r->sender), BIND_TEXT(r->id), BIND_INT(asked_at)));
}

enum wb_err store_phone_request_get(struct store *s, struct span request_id,
                                    struct store_phone_request *ret)
{
    struct store_phone_request r;
    enum wb_err err;

    NEED_ACCOUNT(s);
    memset(&r, 0, sizeof r);
    err = sql_row(&s->wa,
                  "SELECT chat_jid, sender_jid, message_id FROM bridge_phone_requests"
                  " WHERE our_jid = ? AND request_id = ?",
                  BINDS(BIND_TEXT(s->our), BIND_OR_EMPTY(request_id)),
                  COLS(COL_JID(&r.chat), COL_JID(&r.sender), COL_TEXT(r.id, sizeof r.id)));
    if (err == WB_OK)
        *ret = r;
    return err;
}

enum wb_err store_phone_request_done(struct store *s, struct span request_id)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa, "DELETE FROM bridge_phone_requests WHERE our_jid = ? AND request_id = ?",
                   BINDS(BIND_TEXT(s->our), BIND_OR_EMPTY(request_id)));
}

enum wb_err store_phone_requests_prune(struct store *s, int64_t before, bool *ret_more)
{
    NEED_ACCOUNT(s);
    return sql_run_some(&s->wa,
                        "DELETE FROM bridge_phone_requests WHERE our_jid = ?1 AND request_id IN"
                        " (SELECT request_id FROM bridge_phone_requests"
                        " WHERE our_jid = ?1 AND asked_at < ?2 LIMIT ?3)",
                        BINDS(BIND_TEXT(s->our), BIND_INT(before), BIND_INT(STORE_PRUNE_ROWS)),
                        STORE_PRUNE_ROWS, ret_more);
}
