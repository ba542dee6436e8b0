#include "store/session/retry.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/session/other_form.h"

/* ---- plaintexts of sent messages ---- */

enum wb_err store_retry_sent_put(struct store *s, const struct jid *chat_in, struct span id,
                                 struct span plaintext, int64_t now_ms)
{
    struct jid chat = jid_bare(*chat_in);

    NEED_ACCOUNT(s);
    if (!id.n || id.n > STORE_MESSAGE_ID_MAX || !plaintext.p)
        return WB_ERR_INVALID;
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_retry_buffer"
                   " (our_jid, chat_jid, message_id, format, plaintext, timestamp)"
                   " VALUES (?, ?, ?, 'wa', ?, ?)"
                   " ON CONFLICT (our_jid, chat_jid, message_id) DO UPDATE SET"
                   " format = excluded.format, plaintext = excluded.plaintext,"
                   " timestamp = excluded.timestamp",
                   BINDS(BIND_TEXT(s->our), BIND_JID(&chat), BIND_SPAN(id), BIND_BLOB(plaintext),
                         BIND_INT(now_ms)));
}

enum wb_err store_retry_sent_get(struct store *s, const struct jid *chat, struct span id,
                                 struct arena *a, struct span *ret_plaintext)
{
    struct jid forms[2];
    size_t n = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(both_forms(s, chat, forms, &n));
    err = WB_ERR_NOT_FOUND;
    for (size_t i = 0; i < n && err == WB_ERR_NOT_FOUND; i++) {
        err = sql_row(&s->wa,
                      "SELECT plaintext FROM whatsmeow_retry_buffer WHERE our_jid = ?"
                      " AND chat_jid = ? AND message_id = ? AND format = 'wa'",
                      BINDS(BIND_TEXT(s->our), BIND_JID(&forms[i]), BIND_SPAN(id)),
                      COLS(COL_COPY(a, ret_plaintext)));
    }
out:
    return err;
}

enum wb_err store_retry_sent_drop(struct store *s, const struct jid *chat, struct span id)
{
    struct jid forms[2];
    size_t n = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(both_forms(s, chat, forms, &n));
    for (size_t i = 0; i < n && err == WB_OK; i++) {
        err = sql_run(&s->wa,
                      "DELETE FROM whatsmeow_retry_buffer WHERE our_jid = ? AND chat_jid = ?"
                      " AND message_id = ?",
                      BINDS(BIND_TEXT(s->our), BIND_JID(&forms[i]), BIND_SPAN(id)));
    }
out:
    return err;
}

enum wb_err store_retry_sent_prune(struct store *s, int64_t before_ms, bool *ret_more)
{
    NEED_ACCOUNT(s);
    return sql_run_some(
        &s->wa,
        "DELETE FROM whatsmeow_retry_buffer WHERE (our_jid, chat_jid, message_id) IN"
        " (SELECT our_jid, chat_jid, message_id FROM whatsmeow_retry_buffer"
        " WHERE our_jid = ? AND timestamp < ? LIMIT ?)",
        BINDS(BIND_TEXT(s->our), BIND_INT(before_ms), BIND_INT(STORE_PRUNE_ROWS)), STORE_PRUNE_ROWS,
        ret_more);
}

/* ---- peers that ask us ---- */

enum wb_err store_retry_peer_count(struct store *s, const struct jid *device, struct span id,
                                   int64_t now, uint32_t *ret_count)
{
    struct stmt q;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (!id.n || id.n > STORE_MESSAGE_ID_MAX)
        return WB_ERR_INVALID;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO bridge_retry_peer AS p (our_jid, device, message_id, count, at)"
                   " VALUES (?, ?, ?, 1, ?) ON CONFLICT (our_jid, device, message_id)"
                   " DO UPDATE SET count = p.count + 1, at = excluded.at RETURNING count"));
    stmt_text(&q, s->our);
    stmt_address(&q, device);
    stmt_text_span(&q, id);
    stmt_int(&q, now);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret_count = (uint32_t)stmt_col_int(&q, 0);
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_retry_rebuild_get(struct store *s, const struct jid *device, int64_t *ret_at,
                                    uint8_t ret_base_key[static 32])
{
    NEED_ACCOUNT(s);
    enum wb_err err = sql_row(
        &s->wa, "SELECT base_key, at FROM bridge_retry_rebuild WHERE our_jid = ? AND device = ?",
        BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device)),
        COLS(COL_BYTES(ret_base_key, 32), COL_INT(ret_at)));
    if (err == WB_ERR_NOT_FOUND) {
        memset(ret_base_key, 0, 32);
        *ret_at = 0;
        err = WB_OK;
    }
    return err;
}

enum wb_err store_retry_rebuild_put(struct store *s, const struct jid *device, int64_t at,
                                    const uint8_t base_key[static 32])
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "INSERT INTO bridge_retry_rebuild (our_jid, device, at, base_key)"
                   " VALUES (?, ?, ?, ?)"
                   " ON CONFLICT (our_jid, device) DO UPDATE SET at = excluded.at,"
                   " base_key = excluded.base_key",
                   BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device), BIND_INT(at),
                         BIND_BLOB(SPAN(base_key, 32))));
}

enum wb_err store_retry_peer_prune(struct store *s, int64_t before, bool *ret_more)
{
    static const char *const rows[] = {
        "DELETE FROM bridge_retry_peer WHERE (our_jid, device, message_id) IN"
        " (SELECT our_jid, device, message_id FROM bridge_retry_peer"
        " WHERE our_jid = ? AND at < ? ORDER BY at LIMIT ?)",
        "DELETE FROM bridge_retry_rebuild WHERE (our_jid, device) IN"
        " (SELECT our_jid, device FROM bridge_retry_rebuild"
        " WHERE our_jid = ? AND at < ? ORDER BY at LIMIT ?)",
    };
    bool more = false;

    NEED_ACCOUNT(s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool some = false;
        enum wb_err err = sql_run_some(
            &s->wa, rows[i], BINDS(BIND_TEXT(s->our), BIND_INT(before), BIND_INT(STORE_PRUNE_ROWS)),
            STORE_PRUNE_ROWS, &some);

        if (err != WB_OK)
            return err;
        more |= some;
    }
    *ret_more = more;
    return WB_OK;
}

/* ---- ciphertexts seen ---- */

enum wb_err store_event_put(struct store *s, const uint8_t hash[static STORE_EVENT_HASH_BYTES],
                            struct span plaintext, int64_t server_time, int64_t now_ms)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_event_buffer (our_jid, ciphertext_hash,"
                   " plaintext, server_timestamp, insert_timestamp) VALUES (?, ?, ?, ?, ?)"
                   " ON CONFLICT DO NOTHING",
                   BINDS(BIND_TEXT(s->our), BIND_BLOB(SPAN(hash, STORE_EVENT_HASH_BYTES)),
                         BIND_BLOB(plaintext), BIND_INT(server_time), BIND_INT(now_ms)));
}

enum wb_err store_event_get(struct store *s, const uint8_t hash[static STORE_EVENT_HASH_BYTES],
                            struct arena *a, struct span *ret_plaintext)
{
    NEED_ACCOUNT(s);
    return sql_row(&s->wa,
                   "SELECT plaintext FROM whatsmeow_event_buffer"
                   " WHERE our_jid = ? AND ciphertext_hash = ?",
                   BINDS(BIND_TEXT(s->our), BIND_BLOB(SPAN(hash, STORE_EVENT_HASH_BYTES))),
                   COLS(COL_COPY(a, ret_plaintext)));
}

enum wb_err store_event_clear(struct store *s, const uint8_t hash[static STORE_EVENT_HASH_BYTES])
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "UPDATE whatsmeow_event_buffer SET plaintext = NULL"
                   " WHERE our_jid = ? AND ciphertext_hash = ?",
                   BINDS(BIND_TEXT(s->our), BIND_BLOB(SPAN(hash, STORE_EVENT_HASH_BYTES))));
}

enum wb_err store_event_prune(struct store *s, int64_t before_ms, bool *ret_more)
{
    NEED_ACCOUNT(s);
    /* whatsmeow's table has no index on the time, but rows are only ever added at its end: the
     * oldest are the first. Those of other accounts of the file have no more use than ours. */
    return sql_run_some(
        &s->wa,
        "DELETE FROM whatsmeow_event_buffer WHERE " SQL_ROW_NUMBER " IN (SELECT row FROM"
        " (SELECT " SQL_ROW_NUMBER " AS row, insert_timestamp AS at"
        " FROM whatsmeow_event_buffer ORDER BY " SQL_ROW_NUMBER " LIMIT ?)"
        " WHERE at < ?)",
        BINDS(BIND_INT(STORE_PRUNE_ROWS), BIND_INT(before_ms)), STORE_PRUNE_ROWS, ret_more);
}
