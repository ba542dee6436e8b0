#include "store/session/prekeys.h"

#include "base/secret.h"
#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/db/sql.h"

/* The highest id that was ever in use: by the remembered mark or by whatsmeow's rows. */
static enum wb_err high_water(struct store *s, uint32_t *ret)
{
    int64_t high = 0, stored = 0;
    enum wb_err err = store_meta_get_int(s, STORE_META_PREKEY_HIGH, &high);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    TRY(sql_int(&s->wa, "SELECT max(key_id) FROM whatsmeow_pre_keys WHERE jid = ?",
                BINDS(BIND_TEXT(s->our)), &stored));
    high = high > stored ? high : stored;
    *ret = high < 0 ? 0 : (uint32_t)high;
out:
    return err;
}

/* Column 0: the private key. */
static enum wb_err read_pair(struct stmt *q, void *ret)
{
    uint8_t priv[X25519_KEY_BYTES];
    enum wb_err err = stmt_col_bytes(q, 0, priv, sizeof priv);

    if (err == WB_OK)
        x25519_from_private(priv, ret);
    secret_wipe(priv, sizeof priv);
    return err;
}

static enum wb_err read_key(struct stmt *q, void *ret)
{
    struct store_prekey *k = ret;

    k->id = (uint32_t)stmt_col_int(q, 1);
    return read_pair(q, &k->pair);
}

/* Stored keys that were never offered, in order of their ids. */
static enum wb_err take_stored(struct store *s, size_t want, struct store_prekey *ret,
                               size_t *ret_n)
{
    return sql_rows(&s->wa,
                    "SELECT key, key_id FROM whatsmeow_pre_keys WHERE jid = ? AND uploaded = 0"
                    " AND key_id > 0 ORDER BY key_id LIMIT ?",
                    BINDS(BIND_TEXT(s->our), BIND_INT((int64_t)want)), read_key, ret, sizeof *ret,
                    want, ret_n);
}

static enum wb_err store_offered(struct store *s, const struct store_prekey *k)
{
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_pre_keys (jid, key_id, key, uploaded)"
                   " VALUES (?, ?, ?, 1)"
                   " ON CONFLICT (jid, key_id) DO UPDATE SET uploaded = 1",
                   BINDS(BIND_TEXT(s->our), BIND_INT(k->id), BIND_BLOB(SPAN_ARRAY(k->pair.priv))));
}

enum wb_err store_prekeys_offer(struct store *s, const struct rng *rng, size_t want,
                                struct store_prekey *ret)
{
    uint32_t high = 0;
    size_t n = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(high_water(s, &high));
    TRY(take_stored(s, want, ret, &n));
    if (want - n > PREKEY_ID_MAX - high) {
        err = WB_ERR_STATE;
        goto out;
    }
    for (size_t i = n; i < want; i++) {
        ret[i].id = ++high;
        x25519_generate(rng, &ret[i].pair);
    }
    for (size_t i = 0; i < want; i++)
        TRY(store_offered(s, &ret[i]));
    err = store_meta_put_int(s, STORE_META_PREKEY_HIGH, high);
out:
    if (err != WB_OK)
        secret_wipe(ret, want * sizeof *ret);
    return err;
}

enum wb_err store_prekey_get(struct store *s, uint32_t id, struct x25519_pair *ret_pair)
{
    NEED_ACCOUNT(s);
    const enum wb_err err =
        sql_row_by(&s->wa, "SELECT key FROM whatsmeow_pre_keys WHERE jid = ? AND key_id = ?",
                   BINDS(BIND_TEXT(s->our), BIND_INT(id)), read_pair, ret_pair);
    return err == WB_ERR_NOT_FOUND ? WB_ERR_BAD_KEY_ID : err;
}

enum wb_err store_prekey_delete(struct store *s, uint32_t id)
{
    uint32_t high = 0;
    int64_t stored = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    /* whatsmeow's own keys have no mark of ours yet: remember the highest before rows go. */
    err = store_meta_get_int(s, STORE_META_PREKEY_HIGH, &stored);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    TRY(high_water(s, &high));
    if ((int64_t)high > stored)
        TRY(store_meta_put_int(s, STORE_META_PREKEY_HIGH, high));
    err = sql_run(&s->wa, "DELETE FROM whatsmeow_pre_keys WHERE jid = ? AND key_id = ?",
                  BINDS(BIND_TEXT(s->our), BIND_INT(id)));
out:
    return err;
}

enum wb_err store_prekeys_skip(struct store *s, const struct rng *rng, uint32_t ids)
{
    struct store_prekey last = {0};
    uint32_t high = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(high_water(s, &high));
    uint32_t left = high < PREKEY_ID_MAX ? PREKEY_ID_MAX - high : 0;
    last.id = high + (ids < left / 2 ? ids : left / 2);
    TRY(store_meta_put_int(s, STORE_META_PREKEY_HIGH, last.id));
    /* whatsmeow knows no mark, it goes on from its highest row. */
    x25519_generate(rng, &last.pair);
    if (last.id > 0)
        TRY(store_offered(s, &last));
    err = sql_run(&s->wa, "UPDATE whatsmeow_pre_keys SET uploaded = 1 WHERE jid = ?",
                  BINDS(BIND_TEXT(s->our)));
out:
    secret_wipe(&last, sizeof last);
    return err;
}

enum wb_err store_prekey_import(struct store *s, const struct store_prekey *k)
{
    NEED_ACCOUNT(s);
    return k->id == 0 || k->id > PREKEY_ID_MAX ? WB_ERR_INVALID : store_offered(s, k);
}

enum wb_err store_prekeys_used_up_to(struct store *s, const struct rng *rng, uint32_t id)
{
    struct store_prekey last = {0};
    uint32_t high = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (id > PREKEY_ID_MAX)
        return WB_ERR_INVALID;
    TRY(high_water(s, &high));
    last.id = id > high ? id : high;
    if (last.id < PREKEY_ID_MAX)
        last.id++;
    x25519_generate(rng, &last.pair);
    TRY(store_offered(s, &last));
    err = store_meta_put_int(s, STORE_META_PREKEY_HIGH, last.id);
out:
    secret_wipe(&last, sizeof last);
    return err;
}

enum wb_err store_prekeys_count(struct store *s, size_t *ret_all, size_t *ret_offered)
{
    size_t all = 0, offered = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_row(&s->wa,
                "SELECT count(*), coalesce(sum(uploaded <> 0), 0) FROM whatsmeow_pre_keys"
                " WHERE jid = ?",
                BINDS(BIND_TEXT(s->our)), COLS(COL_SIZE(&all), COL_SIZE(&offered))));
    if (ret_all)
        *ret_all = all;
    if (ret_offered)
        *ret_offered = offered;
out:
    return err;
}
