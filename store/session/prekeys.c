#include "store/session/prekeys.h"

#include "base/secret.h"
#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/db/stmt.h"

/* The highest id that was ever in use: by the remembered mark or by whatsmeow's rows. */
static enum wb_err high_water(struct store *s, uint32_t *ret)
{
    int64_t high = 0, stored = 0;
    struct stmt q;
    enum wb_err err = store_meta_get_int(s, STORE_META_PREKEY_HIGH, &high);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    TRY(stmt_read(&q, &s->wa, "SELECT max(key_id) FROM whatsmeow_pre_keys WHERE jid = ?"));
    stmt_text(&q, s->our);
    err = stmt_step(&q);
    if (err == WB_OK)
        stored = stmt_col_int(&q, 0);
    stmt_end(&q);
    TRY(err);
    high = high > stored ? high : stored;
    *ret = high < 0 ? 0 : (uint32_t)high;
out:
    return err;
}

/* Stored keys that were never offered, in order of their ids. */
static enum wb_err take_stored(struct store *s, size_t want, struct store_prekey *ret,
                               size_t *ret_n)
{
    struct stmt q;
    enum wb_err err;
    size_t n = 0;
    TRY(stmt_read(&q, &s->wa,
                  "SELECT key_id, key FROM whatsmeow_pre_keys WHERE jid = ? AND uploaded = 0"
                  " AND key_id > 0 ORDER BY key_id LIMIT ?"));
    stmt_text(&q, s->our);
    stmt_int(&q, (int64_t)want);
    while ((err = stmt_step(&q)) == WB_OK && n < want) {
        uint8_t priv[X25519_KEY_BYTES];
        err = stmt_col_bytes(&q, 1, priv, sizeof priv);
        if (err != WB_OK)
            break;
        ret[n].id = (uint32_t)stmt_col_int(&q, 0);
        x25519_from_private(priv, &ret[n].pair);
        secret_wipe(priv, sizeof priv);
        n++;
    }
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    if (err == WB_OK)
        *ret_n = n;
out:
    return err;
}

static enum wb_err store_offered(struct store *s, const struct store_prekey *k)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO whatsmeow_pre_keys (jid, key_id, key, uploaded)"
                   " VALUES (?, ?, ?, 1)"
                   " ON CONFLICT (jid, key_id) DO UPDATE SET uploaded = 1"));
    stmt_text(&q, s->our);
    stmt_int(&q, k->id);
    stmt_blob(&q, SPAN_ARRAY(k->pair.priv));
    err = stmt_run(&q);
out:
    return err;
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
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa, "SELECT key FROM whatsmeow_pre_keys WHERE jid = ? AND key_id = ?"));
    stmt_text(&q, s->our);
    stmt_int(&q, id);
    err = stmt_step(&q);
    if (err == WB_OK) {
        uint8_t priv[X25519_KEY_BYTES];
        err = stmt_col_bytes(&q, 0, priv, sizeof priv);
        if (err == WB_OK)
            x25519_from_private(priv, ret_pair);
        secret_wipe(priv, sizeof priv);
    } else if (err == WB_ERR_NOT_FOUND) {
        err = WB_ERR_BAD_KEY_ID;
    }
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_prekey_delete(struct store *s, uint32_t id)
{
    struct stmt q;
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
    TRY(stmt_write(&q, &s->wa, "DELETE FROM whatsmeow_pre_keys WHERE jid = ? AND key_id = ?"));
    stmt_text(&q, s->our);
    stmt_int(&q, id);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_prekeys_skip(struct store *s, const struct rng *rng, uint32_t ids)
{
    struct store_prekey last = {0};
    uint32_t high = 0;
    struct stmt q;
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
    TRY(stmt_write(&q, &s->wa, "UPDATE whatsmeow_pre_keys SET uploaded = 1 WHERE jid = ?"));
    stmt_text(&q, s->our);
    err = stmt_run(&q);
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
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT count(*), coalesce(sum(uploaded <> 0), 0) FROM whatsmeow_pre_keys"
                  " WHERE jid = ?"));
    stmt_text(&q, s->our);
    err = stmt_step(&q);
    if (err == WB_OK) {
        if (ret_all)
            *ret_all = (size_t)stmt_col_int(&q, 0);
        if (ret_offered)
            *ret_offered = (size_t)stmt_col_int(&q, 1);
    }
    stmt_end(&q);
out:
    return err;
}
