#include "store/session/tokens.h"

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/session/limits.h"
#include "store/session/other_form.h"

enum wb_err store_token_put(struct store *s, const struct jid *who, struct span token,
                            int64_t timestamp)
{
    struct jid bare = jid_unhosted(jid_bare(*who));

    NEED_ACCOUNT(s);
    if (token.n > STORE_TOKEN_MAX)
        return WB_ERR_TOO_LARGE;
    if (!token.n)
        return WB_ERR_INVALID;
    return sql_run(
        &s->wa,
        "INSERT INTO whatsmeow_privacy_tokens AS t (our_jid, their_jid, token, timestamp)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (our_jid, their_jid) DO UPDATE"
        " SET token = excluded.token, timestamp = excluded.timestamp"
        " WHERE excluded.timestamp >= t.timestamp",
        BINDS(BIND_TEXT(s->our), BIND_JID(&bare), BIND_BLOB(token), BIND_INT(timestamp)));
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
        err = sql_row(
            &s->wa,
            "SELECT token FROM whatsmeow_privacy_tokens"
            " WHERE our_jid = ? AND their_jid = ? AND timestamp >= ?"
            " AND length(token) > 0",
            BINDS(BIND_TEXT(s->our), BIND_JID(&forms[i]), BIND_INT(store_token_cutoff(now))),
            COLS(COL_APPEND(out)));
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
        int64_t one = 0;

        err = sql_int(&s->wa,
                      "SELECT coalesce(sender_timestamp, 0) FROM whatsmeow_privacy_tokens"
                      " WHERE our_jid = ? AND their_jid = ?",
                      BINDS(BIND_TEXT(s->our), BIND_JID(&forms[i])), &one);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
        at = one > at ? one : at;
    }
    *ret_at = at;
    err = WB_OK;
out:
    return err;
}

enum wb_err store_token_issued_put(struct store *s, const struct jid *who, int64_t at)
{
    struct jid bare = jid_unhosted(jid_bare(*who));

    NEED_ACCOUNT(s);
    /* A contact that gave us no token yet has an empty one of time 0, which is never fresh. */
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_privacy_tokens"
                   " (our_jid, their_jid, token, timestamp, sender_timestamp)"
                   " VALUES (?, ?, x'', 0, ?) ON CONFLICT (our_jid, their_jid)"
                   " DO UPDATE SET sender_timestamp = excluded.sender_timestamp",
                   BINDS(BIND_TEXT(s->our), BIND_JID(&bare), BIND_INT(at)));
}

enum wb_err store_token_prune(struct store *s, int64_t now)
{
    static const char *const rows[] = {
        "DELETE FROM whatsmeow_privacy_tokens WHERE our_jid = ? AND timestamp < ?"
        " AND coalesce(sender_timestamp, 0) = 0",
        "UPDATE whatsmeow_privacy_tokens SET token = x'', timestamp = 0"
        " WHERE our_jid = ? AND timestamp < ? AND length(token) > 0",
        NULL,
    };

    NEED_ACCOUNT(s);
    return sql_run_all(&s->wa, rows, BINDS(BIND_TEXT(s->our), BIND_INT(store_token_cutoff(now))));
}

static enum wb_err nct_salt_remove(struct store *s)
{
    return sql_run(&s->wa, "DELETE FROM whatsmeow_nct_salt WHERE our_jid = ?",
                   BINDS(BIND_TEXT(s->our)));
}

enum wb_err store_nct_salt_put(struct store *s, struct span salt)
{
    NEED_ACCOUNT(s);
    if (salt.n > STORE_TOKEN_MAX)
        return WB_ERR_TOO_LARGE;
    if (span_is_null(salt))
        return nct_salt_remove(s);
    if (!salt.n)
        return WB_ERR_INVALID;
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_nct_salt (our_jid, salt) VALUES (?, ?)"
                   " ON CONFLICT (our_jid) DO UPDATE SET salt = excluded.salt",
                   BINDS(BIND_TEXT(s->our), BIND_BLOB(salt)));
}

enum wb_err store_nct_salt_get(struct store *s, struct buf *out)
{
    NEED_ACCOUNT(s);
    return sql_row(&s->wa, "SELECT salt FROM whatsmeow_nct_salt WHERE our_jid = ?",
                   BINDS(BIND_TEXT(s->our)), COLS(COL_APPEND(out)));
}
