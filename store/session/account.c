#include "store/session/account.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/session/lid_map.h"
#include "store/session/private_address.h"

void account_wipe(struct account *a)
{
    secret_wipe(a, sizeof *a);
}

enum wb_err store_select(struct store *s, const struct jid *jid, const struct jid *lid)
{
    char text[JID_TEXT_MAX];
    int64_t n = 0;

    jid_text(jid, text);
    if (strcmp(text, s->our) != 0) {
        /* The cached records belong to the account selected before. */
        if (record_cache_dirty(s->sessions) || record_cache_dirty(s->sender_keys))
            return WB_ERR_STATE;
        record_cache_clear(s->sessions);
        record_cache_clear(s->sender_keys);
        if (s->mark) {
            record_cache_mark(s->sessions);
            record_cache_mark(s->sender_keys);
        }
        s->pn_sender_keys = PN_KEYS_UNKNOWN;
        store_lids_clear(s);
    }
    memcpy(s->our, text, sizeof text);
    s->our_jid = *jid;
    s->our_lid = *lid;
    enum wb_err err = db_query_int(&s->wa, "SELECT 1 FROM bridge_sessions_receive LIMIT 1", &n);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    s->receive_rows = n != 0;
    return err;
}

#define ACCOUNT_COLUMNS                                                                            \
    "jid, lid, registration_id, noise_key, identity_key, signed_pre_key, signed_pre_key_id,"       \
    " signed_pre_key_sig, adv_key, adv_details, adv_account_sig, adv_account_sig_key,"             \
    " adv_device_sig, platform, business_name, push_name, lid_migration_ts, companion_meta_nonce"

static enum wb_err read_pair(struct stmt *q, int column, struct x25519_pair *ret)
{
    uint8_t priv[X25519_KEY_BYTES];
    enum wb_err err = stmt_col_bytes(q, column, priv, sizeof priv);

    if (err == WB_OK)
        x25519_from_private(priv, ret);
    secret_wipe(priv, sizeof priv);
    return err;
}

static enum wb_err read_account(struct stmt *q, struct account *a)
{
    enum wb_err err;

    a->jid = stmt_col_jid(q, 0);
    a->lid = stmt_col_jid(q, 1);
    if (a->jid.server != JID_PN)
        return WB_ERR_DB_CORRUPT;
    a->keys.registration_id = (uint32_t)stmt_col_int(q, 2);
    TRY(read_pair(q, 3, &a->keys.noise));
    TRY(read_pair(q, 4, &a->keys.identity));
    TRY(read_pair(q, 5, &a->keys.signed_prekey));
    a->keys.signed_prekey_id = (uint32_t)stmt_col_int(q, 6);
    TRY(stmt_col_bytes(q, 7, a->keys.signed_prekey_sig, sizeof a->keys.signed_prekey_sig));
    TRY(stmt_col_bytes(q, 8, a->keys.adv_secret, sizeof a->keys.adv_secret));
    struct span details = stmt_col_span(q, 9);
    if (details.n > sizeof a->adv_details)
        return WB_ERR_DB_CORRUPT;
    if (details.n)
        memcpy(a->adv_details, details.p, details.n);
    a->adv_details_n = details.n;
    TRY(stmt_col_bytes(q, 10, a->adv_account_sig, sizeof a->adv_account_sig));
    TRY(stmt_col_bytes(q, 11, a->adv_account_sig_key, sizeof a->adv_account_sig_key));
    TRY(stmt_col_bytes(q, 12, a->adv_device_sig, sizeof a->adv_device_sig));
    stmt_col_text(q, 13, a->platform, sizeof a->platform);
    stmt_col_text(q, 14, a->business_name, sizeof a->business_name);
    stmt_col_text(q, 15, a->push_name, sizeof a->push_name);
    a->lid_migration_ts = stmt_col_int(q, 16);
    stmt_col_text(q, 17, a->companion_meta_nonce, sizeof a->companion_meta_nonce);
out:
    return err;
}

enum wb_err store_account_load(struct store *s, const char *phone_user, struct account *ret)
{
    struct account a = {0};
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, &s->wa,
                  "SELECT " ACCOUNT_COLUMNS " FROM whatsmeow_device ORDER BY " SQL_ROW_NUMBER));
    while ((err = stmt_step(&q)) == WB_OK) {
        struct jid jid = stmt_col_jid(&q, 0);

        if (phone_user && strcmp(jid.user, phone_user) != 0)
            continue;
        err = read_account(&q, &a);
        break;
    }
    stmt_end(&q);
    TRY(err);
    TRY(store_select(s, &a.jid, &a.lid));
    *ret = a;
out:
    account_wipe(&a);
    return err;
}

/* The row of this JID must be of these keys, or not there (NOT_FOUND). */
static enum wb_err same_keys(struct store *s, const struct account *a)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, &s->wa, "SELECT identity_key FROM whatsmeow_device WHERE jid = ?"));
    stmt_jid(&q, &a->jid);
    err = stmt_step(&q);
    if (err == WB_OK) {
        struct span key = stmt_col_span(&q, 0);

        if (key.n != X25519_KEY_BYTES || !secret_eq(key.p, a->keys.identity.priv, key.n))
            err = WB_ERR_EXISTS;
    }
    stmt_end(&q);
out:
    return err;
}

#define MIGRATED_LATER                                                                             \
    "lid_migration_ts = " SQL_GREATER("d.lid_migration_ts", "excluded.lid_migration_ts")

enum wb_err store_account_save(struct store *s, const struct account *a)
{
    enum wb_err err;

    if (a->jid.server != JID_PN || a->adv_details_n > sizeof a->adv_details)
        return WB_ERR_INVALID;
    err = same_keys(s, a);
    bool is_new = err == WB_ERR_NOT_FOUND;
    if (!is_new)
        TRY(err);
    TRY(sql_run(
        &s->wa,
        "INSERT INTO whatsmeow_device AS d (" ACCOUNT_COLUMNS ")"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (jid) DO UPDATE SET lid = excluded.lid,"
        " platform = excluded.platform, business_name = excluded.business_name,"
        " push_name = excluded.push_name,"
        " " MIGRATED_LATER ", companion_meta_nonce = excluded.companion_meta_nonce",
        BINDS(
            BIND_JID(&a->jid), BIND_JID(&a->lid), BIND_INT(a->keys.registration_id),
            BIND_BLOB(SPAN_ARRAY(a->keys.noise.priv)), BIND_BLOB(SPAN_ARRAY(a->keys.identity.priv)),
            BIND_BLOB(SPAN_ARRAY(a->keys.signed_prekey.priv)), BIND_INT(a->keys.signed_prekey_id),
            BIND_BLOB(SPAN_ARRAY(a->keys.signed_prekey_sig)),
            BIND_BLOB(SPAN_ARRAY(a->keys.adv_secret)),
            BIND_BLOB(SPAN(a->adv_details, a->adv_details_n)),
            BIND_BLOB(SPAN_ARRAY(a->adv_account_sig)),
            BIND_BLOB(SPAN_ARRAY(a->adv_account_sig_key)), BIND_BLOB(SPAN_ARRAY(a->adv_device_sig)),
            BIND_TEXT(a->platform), BIND_TEXT(a->business_name), BIND_TEXT(a->push_name),
            BIND_INT(a->lid_migration_ts), BIND_TEXT(a->companion_meta_nonce))));
    if (is_new)
        TRY(store_logged_out_clear(s));
    err = store_select(s, &a->jid, &a->lid);
out:
    return err;
}

enum wb_err store_account_push_name_set(struct store *s, const char *name)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa, "UPDATE whatsmeow_device SET push_name = ? WHERE jid = ?",
                   BINDS(BIND_TEXT(name), BIND_TEXT(s->our)));
}

enum wb_err store_account_push_name_get(struct store *s, char ret_name[static STORE_NAME_MAX + 1])
{
    NEED_ACCOUNT(s);
    return sql_row(&s->wa, "SELECT push_name FROM whatsmeow_device WHERE jid = ?",
                   BINDS(BIND_TEXT(s->our)), COLS(COL_TEXT(ret_name, STORE_NAME_MAX + 1)));
}

enum wb_err store_account_lid_migration(struct store *s, int64_t at)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_run(&s->wa,
                "UPDATE whatsmeow_device SET lid_migration_ts = ?"
                " WHERE jid = ? AND lid_migration_ts = 0",
                BINDS(BIND_INT(at), BIND_TEXT(s->our))));
    err = store_private_by_phone(s, STORE_PRIVATE_BY_LID, at);
out:
    return err;
}

enum wb_err account_list(struct db *d, struct jid *ret, size_t max, size_t *ret_n)
{
    struct stmt q;
    enum wb_err err;
    size_t n = 0;

    TRY(stmt_read(&q, d, "SELECT jid FROM whatsmeow_device ORDER BY " SQL_ROW_NUMBER));
    while ((err = stmt_step(&q)) == WB_OK) {
        if (n < max)
            ret[n] = stmt_col_jid(&q, 0);
        n++;
    }
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND) {
        *ret_n = n;
        err = WB_OK;
    }
out:
    return err;
}

enum wb_err store_account_list(struct store *s, struct jid *ret, size_t max, size_t *ret_n)
{
    return account_list(&s->wa, ret, max, ret_n);
}

enum wb_err store_logged_out_set(struct store *s, const char *reason, int64_t at_unix_s)
{
    char value[STORE_REASON_MAX + 32];

    if (strlen(reason) > STORE_REASON_MAX)
        return WB_ERR_INVALID;
    int n = snprintf(value, sizeof value, "%lld %s", (long long)at_unix_s, reason);
    return store_meta_put(s, STORE_META_LOGGED_OUT, SPAN(value, (size_t)n));
}

enum wb_err store_logged_out_get(struct store *s, char ret_reason[STORE_REASON_MAX + 1],
                                 int64_t *ret_at)
{
    struct buf value = buf_new(STORE_META_MAX);
    enum wb_err err;

    TRY(store_meta_get(s, STORE_META_LOGGED_OUT, &value));
    struct span text = buf_span(&value);
    const uint8_t *space = memchr(text.p, ' ', text.n);
    uint64_t at = 0;
    if (!space || !span_to_u64(SPAN(text.p, (size_t)(space - text.p)), &at)) {
        err = WB_ERR_DB_CORRUPT;
        goto out;
    }
    struct span reason =
        span_first(span_skip(text, (size_t)(space - text.p) + 1), STORE_REASON_MAX);
    if (reason.n)
        memcpy(ret_reason, reason.p, reason.n);
    ret_reason[reason.n] = 0;
    *ret_at = (int64_t)at;
out:
    buf_free(&value);
    return err;
}

enum wb_err store_logged_out_clear(struct store *s)
{
    return store_meta_put(s, STORE_META_LOGGED_OUT, SPAN_NULL);
}
