#include "store/messages/phone_requests.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/stmt.h"

enum wb_err store_phone_request_put(struct store *s, struct span request_id,
                                    const struct store_phone_request *r, int64_t asked_at)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR REPLACE INTO bridge_phone_requests (our_jid, request_id, chat_jid,"
                   " sender_jid, message_id, asked_at) VALUES (?, ?, ?, ?, ?, ?)"));
    stmt_text(&q, s->our);
    stmt_text_span(&q, request_id);
    stmt_jid(&q, &r->chat);
    stmt_jid(&q, &r->sender);
    stmt_text(&q, r->id);
    stmt_int(&q, asked_at);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_phone_request_get(struct store *s, struct span request_id,
                                    struct store_phone_request *ret)
{
    struct store_phone_request r;
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    memset(&r, 0, sizeof r);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT chat_jid, sender_jid, message_id FROM bridge_phone_requests"
                  " WHERE our_jid = ? AND request_id = ?"));
    stmt_text(&q, s->our);
    stmt_text_or_empty(&q, request_id);
    err = stmt_step(&q);
    if (err == WB_OK) {
        r.chat = stmt_col_jid(&q, 0);
        r.sender = stmt_col_jid(&q, 1);
        stmt_col_text(&q, 2, r.id, sizeof r.id);
    }
    stmt_end(&q);
    if (err == WB_OK)
        *ret = r;
out:
    return err;
}

enum wb_err store_phone_request_done(struct store *s, struct span request_id)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_phone_requests WHERE our_jid = ? AND request_id = ?"));
    stmt_text(&q, s->our);
    stmt_text_or_empty(&q, request_id);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_phone_requests_prune(struct store *s, int64_t before, bool *ret_more)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_phone_requests WHERE our_jid = ?1 AND request_id IN"
                   " (SELECT request_id FROM bridge_phone_requests"
                   " WHERE our_jid = ?1 AND asked_at < ?2 LIMIT ?3)"));
    stmt_text(&q, s->our);
    stmt_int(&q, before);
    stmt_int(&q, STORE_PRUNE_ROWS);
    TRY(stmt_run(&q));
    *ret_more = stmt_changes(&s->wa) == STORE_PRUNE_ROWS;
out:
    return err;
}
