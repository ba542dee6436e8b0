#include "store/session/retry.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/session/other_form.h"

/* ---- plaintexts of sent messages ----------------------------------------------------------- */

enum wb_err store_retry_sent_put(struct store *s, const struct jid *chat_in, struct span id,
                                 struct span plaintext, int64_t now_ms)
{
    struct jid chat = jid_bare(*chat_in);
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (!id.n || id.n > STORE_MESSAGE_ID_MAX || !plaintext.p)
        return WB_ERR_INVALID;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR REPLACE INTO whatsmeow_retry_buffer"
                   " (our_jid, chat_jid, message_id, format, plaintext, timestamp)"
                   " VALUES (?, ?, ?, 'wa', ?, ?)"));
    stmt_text(&q, s->our);
    stmt_jid(&q, &chat);
    stmt_text_span(&q, id);
    stmt_blob(&q, plaintext);
    stmt_int(&q, now_ms);
    err = stmt_run(&q);
out:
    return err;
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
        struct stmt q;
        TRY(stmt_read(&q, &s->wa,
                      "SELECT plaintext FROM whatsmeow_retry_buffer WHERE our_jid = ?"
                      " AND chat_jid = ? AND message_id = ? AND format = 'wa'"));
        stmt_text(&q, s->our);
        stmt_jid(&q, &forms[i]);
        stmt_text_span(&q, id);
        err = stmt_step(&q);
        if (err == WB_OK)
            err = stmt_col_copy(&q, 0, a, ret_plaintext);
        stmt_end(&q);
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
        struct stmt q;
        TRY(stmt_write(&q, &s->wa,
                       "DELETE FROM whatsmeow_retry_buffer WHERE our_jid = ? AND chat_jid = ?"
                       " AND message_id = ?"));
        stmt_text(&q, s->our);
        stmt_jid(&q, &forms[i]);
        stmt_text_span(&q, id);
        err = stmt_run(&q);
    }
out:
    return err;
}

enum wb_err store_retry_sent_prune(struct store *s, int64_t before_ms, bool *ret_more)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM whatsmeow_retry_buffer WHERE rowid IN"
                   " (SELECT rowid FROM whatsmeow_retry_buffer WHERE our_jid = ? AND timestamp < ?"
                   " LIMIT ?)"));
    stmt_text(&q, s->our);
    stmt_int(&q, before_ms);
    stmt_int(&q, STORE_PRUNE_ROWS);
    TRY(stmt_run(&q));
    *ret_more = stmt_changes(&s->wa) == STORE_PRUNE_ROWS;
out:
    return err;
}

/* ---- peers that ask us ---------------------------------------------------------------------- */

enum wb_err store_retry_peer_count(struct store *s, const struct jid *device, struct span id,
                                   int64_t now, uint32_t *ret_count)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (!id.n || id.n > STORE_MESSAGE_ID_MAX)
        return WB_ERR_INVALID;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO bridge_retry_peer (our_jid, device, message_id, count, at)"
                   " VALUES (?, ?, ?, 1, ?) ON CONFLICT (our_jid, device, message_id)"
                   " DO UPDATE SET count = count + 1, at = excluded.at RETURNING count"));
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
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(
        &q, &s->wa,
        "SELECT base_key, at FROM bridge_retry_rebuild WHERE our_jid = ? AND device = ?"));
    stmt_text(&q, s->our);
    stmt_address(&q, device);
    err = stmt_step(&q);
    if (err == WB_OK) {
        err = stmt_col_bytes(&q, 0, ret_base_key, 32);
        if (err == WB_OK)
            *ret_at = stmt_col_int(&q, 1);
    } else if (err == WB_ERR_NOT_FOUND) {
        memset(ret_base_key, 0, 32);
        *ret_at = 0;
        err = WB_OK;
    }
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_retry_rebuild_put(struct store *s, const struct jid *device, int64_t at,
                                    const uint8_t base_key[static 32])
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR REPLACE INTO bridge_retry_rebuild (our_jid, device, at, base_key)"
                   " VALUES (?, ?, ?, ?)"));
    stmt_text(&q, s->our);
    stmt_address(&q, device);
    stmt_int(&q, at);
    stmt_blob(&q, SPAN(base_key, 32));
    err = stmt_run(&q);
out:
    return err;
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
        struct stmt q;
        enum wb_err err = stmt_write(&q, &s->wa, rows[i]);
        if (err != WB_OK)
            return err;
        stmt_text(&q, s->our);
        stmt_int(&q, before);
        stmt_int(&q, STORE_PRUNE_ROWS);
        err = stmt_run(&q);
        if (err != WB_OK)
            return err;
        more |= stmt_changes(&s->wa) == STORE_PRUNE_ROWS;
    }
    *ret_more = more;
    return WB_OK;
}

/* ---- ciphertexts seen ----------------------------------------------------------------------- */

enum wb_err store_event_put(struct store *s, const uint8_t hash[static STORE_EVENT_HASH_BYTES],
                            struct span plaintext, int64_t server_time, int64_t now_ms)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR IGNORE INTO whatsmeow_event_buffer (our_jid, ciphertext_hash,"
                   " plaintext, server_timestamp, insert_timestamp) VALUES (?, ?, ?, ?, ?)"));
    stmt_text(&q, s->our);
    stmt_blob(&q, SPAN(hash, STORE_EVENT_HASH_BYTES));
    stmt_blob(&q, plaintext);
    stmt_int(&q, server_time);
    stmt_int(&q, now_ms);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_event_get(struct store *s, const uint8_t hash[static STORE_EVENT_HASH_BYTES],
                            struct arena *a, struct span *ret_plaintext)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT plaintext FROM whatsmeow_event_buffer"
                  " WHERE our_jid = ? AND ciphertext_hash = ?"));
    stmt_text(&q, s->our);
    stmt_blob(&q, SPAN(hash, STORE_EVENT_HASH_BYTES));
    err = stmt_step(&q);
    if (err == WB_OK)
        err = stmt_col_copy(&q, 0, a, ret_plaintext);
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_event_clear(struct store *s, const uint8_t hash[static STORE_EVENT_HASH_BYTES])
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "UPDATE whatsmeow_event_buffer SET plaintext = NULL"
                   " WHERE our_jid = ? AND ciphertext_hash = ?"));
    stmt_text(&q, s->our);
    stmt_blob(&q, SPAN(hash, STORE_EVENT_HASH_BYTES));
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_event_prune(struct store *s, int64_t before_ms, bool *ret_more)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    /* whatsmeow's table has no index on the time, but rows are only ever added at its end: the
     * oldest are the first. Those of other accounts of the file have no more use than ours. */
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM whatsmeow_event_buffer WHERE rowid IN (SELECT row FROM"
                   " (SELECT rowid AS row, insert_timestamp AS at FROM whatsmeow_event_buffer"
                   " ORDER BY rowid LIMIT ?) WHERE at < ?)"));
    stmt_int(&q, STORE_PRUNE_ROWS);
    stmt_int(&q, before_ms);
    TRY(stmt_run(&q));
    *ret_more = stmt_changes(&s->wa) == STORE_PRUNE_ROWS;
out:
    return err;
}
