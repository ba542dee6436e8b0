#include "store/session/tokens.h"

#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/session/limits.h"
#include "store/session/other_form.h"

enum wb_err store_token_put(struct store *s, const struct jid *who, struct span token,
                            int64_t timestamp)
{
    struct jid bare = jid_unhosted(jid_bare(*who));
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (token.n > STORE_TOKEN_MAX)
        return WB_ERR_TOO_LARGE;
    if (!token.n)
        return WB_ERR_INVALID;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO whatsmeow_privacy_tokens (our_jid, their_jid, token, timestamp)"
                   " VALUES (?, ?, ?, ?) ON CONFLICT (our_jid, their_jid) DO UPDATE"
                   " SET token = excluded.token, timestamp = excluded.timestamp"
                   " WHERE excluded.timestamp >= timestamp"));
    stmt_text(&q, s->our);
    stmt_jid(&q, &bare);
    stmt_blob(&q, token);
    stmt_int(&q, timestamp);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_token_get(struct store *s, const struct jid *who, int64_t now, struct buf *out)
{
    struct jid forms[2];
    size_t n = 0;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(both_forms(s, who, forms, &n));
    err = WB_ERR_NOT_FOUND;
    for (size_t i = 0; i < n && err == WB_ERR_NOT_FOUND; i++) {
        struct stmt q;
        TRY(stmt_read(&q, &s->wa,
                      "SELECT token FROM whatsmeow_privacy_tokens"
                      " WHERE our_jid = ? AND their_jid = ? AND timestamp >= ?"
                      " AND length(token) > 0"));
        stmt_text(&q, s->our);
        stmt_jid(&q, &forms[i]);
        stmt_int(&q, store_token_cutoff(now));
        err = stmt_step(&q);
        if (err == WB_OK) {
            buf_append(out, stmt_col_span(&q, 0));
            err = buf_err(out);
        }
        stmt_end(&q);
    }
out:
    return err;
}

enum wb_err store_token_issued_get(struct store *s, const struct jid *who, int64_t *ret_at)
{
    struct jid forms[2];
    size_t n = 0;
    int64_t at = 0;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(both_forms(s, who, forms, &n));
    for (size_t i = 0; i < n; i++) {
        struct stmt q;
        TRY(stmt_read(&q, &s->wa,
                      "SELECT coalesce(sender_timestamp, 0) FROM whatsmeow_privacy_tokens"
                      " WHERE our_jid = ? AND their_jid = ?"));
        stmt_text(&q, s->our);
        stmt_jid(&q, &forms[i]);
        err = stmt_step(&q);
        if (err == WB_OK && stmt_col_int(&q, 0) > at)
            at = stmt_col_int(&q, 0);
        stmt_end(&q);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
    }
    *ret_at = at;
    err = WB_OK;
out:
    return err;
}

enum wb_err store_token_issued_put(struct store *s, const struct jid *who, int64_t at)
{
    struct jid bare = jid_unhosted(jid_bare(*who));
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    /* A contact that gave us no token yet has an empty one of time 0, which is never fresh. */
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO whatsmeow_privacy_tokens"
                   " (our_jid, their_jid, token, timestamp, sender_timestamp)"
                   " VALUES (?, ?, x'', 0, ?) ON CONFLICT (our_jid, their_jid)"
                   " DO UPDATE SET sender_timestamp = excluded.sender_timestamp"));
    stmt_text(&q, s->our);
    stmt_jid(&q, &bare);
    stmt_int(&q, at);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_token_prune(struct store *s, int64_t now)
{
    static const char *const rows[] = {
        "DELETE FROM whatsmeow_privacy_tokens WHERE our_jid = ? AND timestamp < ?"
        " AND coalesce(sender_timestamp, 0) = 0",
        "UPDATE whatsmeow_privacy_tokens SET token = x'', timestamp = 0"
        " WHERE our_jid = ? AND timestamp < ? AND length(token) > 0",
    };
    NEED_ACCOUNT(s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stmt q;
        enum wb_err err = stmt_write(&q, &s->wa, rows[i]);
        if (err != WB_OK)
            return err;
        stmt_text(&q, s->our);
        stmt_int(&q, store_token_cutoff(now));
        err = stmt_run(&q);
        if (err != WB_OK)
            return err;
    }
    return WB_OK;
}

static enum wb_err nct_salt_remove(struct store *s)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_write(&q, &s->wa, "DELETE FROM whatsmeow_nct_salt WHERE our_jid = ?"));
    stmt_text(&q, s->our);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_nct_salt_put(struct store *s, struct span salt)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (salt.n > STORE_TOKEN_MAX)
        return WB_ERR_TOO_LARGE;
    if (span_is_null(salt))
        return nct_salt_remove(s);
    if (!salt.n)
        return WB_ERR_INVALID;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO whatsmeow_nct_salt (our_jid, salt) VALUES (?, ?)"
                   " ON CONFLICT (our_jid) DO UPDATE SET salt = excluded.salt"));
    stmt_text(&q, s->our);
    stmt_blob(&q, salt);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_nct_salt_get(struct store *s, struct buf *out)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa, "SELECT salt FROM whatsmeow_nct_salt WHERE our_jid = ?"));
    stmt_text(&q, s->our);
    err = stmt_step(&q);
    if (err == WB_OK) {
        buf_append(out, stmt_col_span(&q, 0));
        err = buf_err(out);
    }
    stmt_end(&q);
out:
    return err;
}
