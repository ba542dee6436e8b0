#include "store/outbox/outbox.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/db_schema.h"
#include "store/db/dialect.h"
#include "store/messages/limits.h"
#include "store/outbox/outbox_row.h"

enum wb_err store_outbox_add(struct store *s, const struct store_outbox_row *row, int64_t *ret_seq)
{
    struct store_outbox_row old;
    struct arena a = arena_new(STORE_BLOB_MAX * 4U);
    struct stmt q;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (!row->message_id[0] || jid_is_none(&row->chat))
        return WB_ERR_INVALID;
    err = store_outbox_by_id(s, row->message_id, &a, &old);
    if (err == WB_ERR_NOT_FOUND && row->key[0])
        err = store_outbox_by_key(s, row->key, &a, &old);
    if (err != WB_ERR_NOT_FOUND) {
        err = err == WB_OK ? WB_ERR_EXISTS : err;
        goto out;
    }
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO bridge_outbox (our_jid, message_id, key, body_hash, chat_jid,"
                   " state, request, content, created_at, expires_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq"));
    stmt_text(&q, s->our);
    stmt_text(&q, row->message_id);
    stmt_text(&q, row->key[0] ? row->key : NULL);
    stmt_blob(&q, SPAN_ARRAY(row->body_hash));
    stmt_jid(&q, &row->chat);
    stmt_int(&q, OUTBOX_QUEUED);
    stmt_blob(&q, row->request);
    stmt_blob(&q, row->content);
    stmt_int(&q, row->created_at);
    stmt_int(&q, row->expires_at);
    err = stmt_step(&q);
    if (err == WB_OK && ret_seq)
        *ret_seq = stmt_col_int(&q, 0);
    stmt_end(&q);
out:
    arena_free(&a);
    return err;
}

#define ROW OUTBOX_COLUMNS("request, sealed, content") " FROM bridge_outbox WHERE our_jid = ? AND "

enum wb_err outbox_read_row(struct stmt *q, struct arena *a, struct store_outbox_row *ret)
{
    struct store_outbox_row r;
    enum wb_err err;

    memset(&r, 0, sizeof r);
    r.seq = stmt_col_int(q, 0);
    stmt_col_text(q, 1, r.message_id, sizeof r.message_id);
    stmt_col_text(q, 2, r.key, sizeof r.key);
    TRY(stmt_col_bytes(q, 3, r.body_hash, sizeof r.body_hash));
    r.chat = stmt_col_jid(q, 4);
    int64_t state = stmt_col_int(q, 5);
    if (state < OUTBOX_QUEUED || state > OUTBOX_FAILED)
        return WB_ERR_DB_CORRUPT;
    r.state = (enum store_outbox_state)state;
    stmt_col_text(q, 6, r.reason, sizeof r.reason);
    TRY(stmt_col_copy(q, 7, a, &r.request));
    TRY(stmt_col_copy(q, 8, a, &r.sealed));
    TRY(stmt_col_copy(q, 9, a, &r.content));
    TRY(stmt_col_copy(q, 10, a, &r.answer));
    r.created_at = stmt_col_int(q, 11);
    r.sealed_at = stmt_col_int(q, 12);
    r.acked_at = stmt_col_int(q, 13);
    r.expires_at = stmt_col_int(q, 14);
    r.server_time = stmt_col_int(q, 15);
    r.recipients = (uint32_t)stmt_col_int(q, 16);
    r.delivered = (uint32_t)stmt_col_int(q, 17);
    r.read = (uint32_t)stmt_col_int(q, 18);
    *ret = r;
out:
    return err;
}

struct row_reading {
    struct arena *arena;
    struct store_outbox_row *row;
};

static enum wb_err read_row(struct stmt *q, void *ctx)
{
    const struct row_reading *r = ctx;

    return outbox_read_row(q, r->arena, r->row);
}

enum wb_err store_outbox_by_id(struct store *s, const char *message_id, struct arena *a,
                               struct store_outbox_row *ret)
{
    struct row_reading r = {a, ret};

    NEED_ACCOUNT(s);
    return sql_row_by(&s->wa, ROW "message_id = ?", BINDS(BIND_TEXT(s->our), BIND_TEXT(message_id)),
                      read_row, &r);
}

enum wb_err store_outbox_by_key(struct store *s, const char *key, struct arena *a,
                                struct store_outbox_row *ret)
{
    struct row_reading r = {a, ret};

    NEED_ACCOUNT(s);
    return sql_row_by(&s->wa, ROW "key = ?", BINDS(BIND_TEXT(s->our), BIND_TEXT(key)), read_row,
                      &r);
}

enum wb_err store_outbox_next(struct store *s, enum store_outbox_state state, int64_t after,
                              struct arena *a, struct store_outbox_row *ret)
{
    struct row_reading r = {a, ret};

    NEED_ACCOUNT(s);
    return sql_row_by(&s->wa, ROW "state = ? AND seq > ? ORDER BY seq LIMIT 1",
                      BINDS(BIND_TEXT(s->our), BIND_INT(state), BIND_INT(after)), read_row, &r);
}

/* ---- changes of state ---- */

static enum wb_err state_of(struct store *s, const char *message_id, enum store_outbox_state *ret)
{
    int64_t state = 0;

    NEED_ACCOUNT(s);
    enum wb_err err =
        sql_int(&s->wa, "SELECT state FROM bridge_outbox WHERE our_jid = ? AND message_id = ?",
                BINDS(BIND_TEXT(s->our), BIND_TEXT(message_id)), &state);
    if (err == WB_OK)
        *ret = (enum store_outbox_state)state;
    return err;
}

enum wb_err store_outbox_shift(struct store *s, const char *message_id, int64_t created_at,
                               int64_t expires_at)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "UPDATE bridge_outbox SET created_at = ?, expires_at = ?"
                   " WHERE our_jid = ? AND message_id = ? AND state = ?",
                   BINDS(BIND_INT(created_at), BIND_INT(expires_at), BIND_TEXT(s->our),
                         BIND_TEXT(message_id), BIND_INT(OUTBOX_QUEUED)));
}

enum wb_err store_outbox_rename(struct store *s, const char *message_id, const struct jid *chat)
{
    NEED_ACCOUNT(s);
    return sql_run(
        &s->wa,
        "UPDATE bridge_outbox SET chat_jid = ?"
        " WHERE our_jid = ? AND message_id = ? AND state = ?",
        BINDS(BIND_JID(chat), BIND_TEXT(s->our), BIND_TEXT(message_id), BIND_INT(OUTBOX_QUEUED)));
}

enum wb_err store_outbox_seal(struct store *s, const char *message_id, struct span sealed,
                              uint32_t recipients, int64_t now)
{
    enum store_outbox_state state = OUTBOX_QUEUED;
    enum wb_err err;

    if (!sealed.n)
        return WB_ERR_INVALID;
    TRY(state_of(s, message_id, &state));
    if (state != OUTBOX_QUEUED)
        return WB_ERR_STATE;
    err = sql_run(&s->wa,
                  "UPDATE bridge_outbox SET state = ?, sealed = ?, recipients = ?, sealed_at = ?"
                  " WHERE our_jid = ? AND message_id = ?",
                  BINDS(BIND_INT(OUTBOX_SEALED), BIND_BLOB(sealed), BIND_INT(recipients),
                        BIND_INT(now), BIND_TEXT(s->our), BIND_TEXT(message_id)));
out:
    return err;
}

/* ?1: OUTBOX_SENT. */
#define AT_LEAST_SENT SQL_GREATER("state", "?1")

enum wb_err store_outbox_acked(struct store *s, const char *message_id, int64_t server_time,
                               int64_t now)
{
    enum store_outbox_state state = OUTBOX_QUEUED;
    enum wb_err err;

    TRY(state_of(s, message_id, &state));
    if (state == OUTBOX_QUEUED || state == OUTBOX_FAILED)
        return WB_ERR_STATE;
    /* A receipt may have overtaken the ack: the time is still missing then. */
    err = sql_run(&s->wa,
                  "UPDATE bridge_outbox SET state = " AT_LEAST_SENT ", server_time = ?2,"
                  " acked_at = ?3, sealed = NULL, request = NULL, content = NULL"
                  " WHERE our_jid = ?4 AND message_id = ?5 AND acked_at = 0",
                  BINDS(BIND_INT(OUTBOX_SENT), BIND_INT(server_time), BIND_INT(now),
                        BIND_TEXT(s->our), BIND_TEXT(message_id)));
out:
    return err;
}

/* ?3: now. A time that is not before what was done with the row so far, whatever the clock says. */
#define NOT_BEFORE SQL_GREATER(SQL_GREATER("?3", "created_at"), "sealed_at")

enum wb_err store_outbox_fail(struct store *s, const char *message_id, const char *reason,
                              int64_t now)
{
    enum store_outbox_state state = OUTBOX_QUEUED;
    enum wb_err err;

    if (strlen(reason) > STORE_REASON_MAX)
        return WB_ERR_INVALID;
    TRY(state_of(s, message_id, &state));
    if (state != OUTBOX_QUEUED && state != OUTBOX_SEALED)
        return WB_ERR_STATE;
    err = sql_run(&s->wa,
                  "UPDATE bridge_outbox SET state = ?1, reason = ?2, acked_at = " NOT_BEFORE ","
                  " sealed = NULL, request = NULL, content = NULL"
                  " WHERE our_jid = ?4 AND message_id = ?5",
                  BINDS(BIND_INT(OUTBOX_FAILED), BIND_TEXT(reason), BIND_INT(now),
                        BIND_TEXT(s->our), BIND_TEXT(message_id)));
out:
    return err;
}

enum wb_err store_outbox_restored(struct db *whatsapp, int64_t now, size_t *ret_n)
{
    bool there = false;
    enum wb_err err;

    TRY(db_has_table(whatsapp, "bridge_outbox", &there));
    if (there) {
        TRY(sql_run(whatsapp,
                    "UPDATE bridge_outbox SET state = ?1, reason = ?2, acked_at = " NOT_BEFORE ","
                    " sealed = NULL, request = NULL, content = NULL, answer = NULL"
                    " WHERE state IN (?4, ?5)",
                    BINDS(BIND_INT(OUTBOX_FAILED), BIND_TEXT(OUTBOX_RESTORED_UNKNOWN),
                          BIND_INT(now), BIND_INT(OUTBOX_QUEUED), BIND_INT(OUTBOX_SEALED))));
    }
    if (ret_n)
        *ret_n = there ? stmt_changes(whatsapp) : 0;
out:
    return err;
}

enum wb_err store_outbox_answer(struct store *s, const char *message_id, struct span answer)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_run(&s->wa, "UPDATE bridge_outbox SET answer = ? WHERE our_jid = ? AND message_id = ?",
                BINDS(BIND_BLOB(answer), BIND_TEXT(s->our), BIND_TEXT(message_id))));
    if (stmt_changes(&s->wa) == 0)
        err = WB_ERR_NOT_FOUND;
out:
    return err;
}

enum wb_err store_outbox_count(struct store *s, enum store_outbox_state state, size_t *ret_n)
{
    NEED_ACCOUNT(s);
    return sql_row(&s->wa, "SELECT count(*) FROM bridge_outbox WHERE our_jid = ? AND state = ?",
                   BINDS(BIND_TEXT(s->our), BIND_INT(state)), COLS(COL_SIZE(ret_n)));
}

enum wb_err store_outbox_prune(struct store *s, int64_t now, int64_t keep_s, bool *ret_more)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_run(&s->wa, "UPDATE bridge_outbox SET acked_at = ? WHERE our_jid = ? AND acked_at > ?",
                BINDS(BIND_INT(now), BIND_TEXT(s->our), BIND_INT(now))));
    /* Both statements choose the same rows: those of the index, in its order. */
#define OLDEST_ROWS                                                                                \
    "(SELECT seq FROM bridge_outbox WHERE our_jid = ? AND +state >= ? AND acked_at > 0"            \
    " AND acked_at < ? ORDER BY acked_at, seq LIMIT ?)"
    static const char *const both[] = {
        "DELETE FROM bridge_outbox_receipts WHERE seq IN " OLDEST_ROWS,
        "DELETE FROM bridge_outbox WHERE seq IN " OLDEST_ROWS,
    };
#undef OLDEST_ROWS
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        TRY(sql_run(&s->wa, both[i],
                    BINDS(BIND_TEXT(s->our), BIND_INT(OUTBOX_SENT), BIND_INT(now - keep_s),
                          BIND_INT(STORE_PRUNE_ROWS))));
    }
    *ret_more = stmt_changes(&s->wa) == STORE_PRUNE_ROWS;
out:
    return err;
}
