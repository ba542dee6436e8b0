#include "store/messages/history_files.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/messages/limits.h"

enum wb_err store_history_file_put(struct store *s, struct span message_id,
                                   struct span notification, int64_t offered_at)
{
    NEED_ACCOUNT(s);
    if (!message_id.n || message_id.n > STORE_MESSAGE_ID_MAX)
        return WB_ERR_INVALID;
    if (notification.n > STORE_BLOB_MAX)
        return WB_ERR_TOO_LARGE;
    if (span_is_null(notification))
        return WB_OK; /* it offers nothing */
    return sql_run(&s->wa,
                   "INSERT INTO bridge_history_files"
                   " (our_jid, message_id, notification, offered_at, next_at, tries)"
                   " VALUES (?, ?, ?, ?, 0, 0)"
                   " ON CONFLICT DO NOTHING",
                   BINDS(BIND_TEXT(s->our), BIND_SPAN(message_id), BIND_BLOB(notification),
                         BIND_INT(offered_at)));
}

/* One number of this account's. NOT_FOUND: no row. */
static enum wb_err read_number(struct store *s, const char *statement, int64_t *ret)
{
    NEED_ACCOUNT(s);
    return sql_int(&s->wa, statement, BINDS(BIND_TEXT(s->our)), ret);
}

#define FILES_BY_DUE "bridge_history_files" SQL_BY_INDEX("bridge_history_files_due")

/* From the index: a notification may be megabytes, and only the one that is due is read. */
static enum wb_err soonest(struct store *s, int64_t *ret_at)
{
    return read_number(
        s, "SELECT next_at FROM " FILES_BY_DUE " WHERE our_jid = ? ORDER BY next_at LIMIT 1",
        ret_at);
}

enum wb_err store_history_file_first(struct store *s, int64_t now, struct store_history_file *ret,
                                     struct buf *notification, int64_t *ret_soonest)
{
    struct stmt q;
    int64_t at = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    err = soonest(s, &at);
    if (err == WB_ERR_NOT_FOUND || (err == WB_OK && at > now)) {
        *ret_soonest = at;
        return WB_ERR_NOT_FOUND;
    }
    TRY(err);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT seq, message_id, offered_at, next_at, tries, notification"
                  " FROM " FILES_BY_DUE " WHERE our_jid = ? AND next_at = ? ORDER BY seq LIMIT 1"));
    stmt_text(&q, s->our);
    stmt_int(&q, at);
    err = stmt_step(&q);
    if (err == WB_OK) {
        memset(ret, 0, sizeof *ret);
        ret->seq = stmt_col_int(&q, 0);
        stmt_col_text(&q, 1, ret->message_id, sizeof ret->message_id);
        ret->offered_at = stmt_col_int(&q, 2);
        ret->next_at = stmt_col_int(&q, 3);
        ret->tries = (uint32_t)stmt_col_int(&q, 4);
        buf_append(notification, stmt_col_span(&q, 5));
        err = buf_err(notification);
    }
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_history_file_tried(struct store *s, int64_t seq, uint32_t tries, int64_t next_at)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa, "UPDATE bridge_history_files SET tries = ?, next_at = ? WHERE seq = ?",
                   BINDS(BIND_INT(tries), BIND_INT(next_at), BIND_INT(seq)));
}

enum wb_err store_history_files_due(struct store *s)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "UPDATE bridge_history_files SET next_at = 0 WHERE our_jid = ?"
                   " AND next_at > 0",
                   BINDS(BIND_TEXT(s->our)));
}

enum wb_err store_history_file_done(struct store *s, int64_t seq)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa, "DELETE FROM bridge_history_files WHERE seq = ?", BINDS(BIND_INT(seq)));
}

static enum wb_err count(struct store *s, const char *statement, size_t *ret_n)
{
    int64_t n = 0;
    enum wb_err err = read_number(s, statement, &n);

    if (err == WB_OK)
        *ret_n = (size_t)n;
    return err;
}

enum wb_err store_history_files_count(struct store *s, size_t *ret_n)
{
    return count(s, "SELECT count(*) FROM bridge_history_files WHERE our_jid = ?", ret_n);
}

/* ---- parts that were given up ---- */

enum wb_err store_history_lost_at(struct store *s, const struct store_history_part *p,
                                  int64_t *ret_at)
{
    NEED_ACCOUNT(s);
    return sql_int(&s->wa,
                   "SELECT lost_at FROM bridge_history_lost WHERE our_jid = ? AND kind = ?"
                   " AND chunk = ?",
                   BINDS(BIND_TEXT(s->our), BIND_INT(p->kind), BIND_INT(p->chunk)), ret_at);
}

enum wb_err store_history_lost_put(struct store *s, const struct store_history_part *p, int64_t at)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "INSERT INTO bridge_history_lost (our_jid, kind, chunk, lost_at)"
                   " VALUES (?, ?, ?, ?)"
                   " ON CONFLICT (our_jid, kind, chunk) DO UPDATE SET"
                   " lost_at = excluded.lost_at",
                   BINDS(BIND_TEXT(s->our), BIND_INT(p->kind), BIND_INT(p->chunk), BIND_INT(at)));
}

enum wb_err store_history_lost_done(struct store *s, const struct store_history_part *p)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "DELETE FROM bridge_history_lost WHERE our_jid = ? AND kind = ? AND chunk = ?",
                   BINDS(BIND_TEXT(s->our), BIND_INT(p->kind), BIND_INT(p->chunk)));
}

enum wb_err store_history_lost_count(struct store *s, size_t *ret_n)
{
    return count(s, "SELECT count(*) FROM bridge_history_lost WHERE our_jid = ?", ret_n);
}
