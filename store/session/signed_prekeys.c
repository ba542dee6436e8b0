#include "store/session/signed_prekeys.h"

#include <string.h>

#include "base/secret.h"
#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/session/prekeys.h"

/* replaced_at of a row: when the key was replaced; 0: not (yet); -1: the key is retired. */

/* How many ids may have been used since a copy was made. Other restores of the same copy use ids
 * too, so a random number up to IDS_SKIPPED_MORE is added. There are 16.7 million ids: some 500
 * restores can skip so many; after that each skips half of what is left. */
enum { IDS_SKIPPED = 1000, IDS_SKIPPED_MORE = 1 << 16 };

#define COLUMNS "id, key, sig, made_at"

/* id, key, sig, since */
static enum wb_err read_row(struct stmt *q, void *ctx)
{
    struct store_signed_prekey *ret = ctx;
    struct store_signed_prekey k = {.id = (uint32_t)stmt_col_int(q, 0)};
    uint8_t priv[X25519_KEY_BYTES];
    enum wb_err err = stmt_col_bytes(q, 1, priv, sizeof priv);

    if (err == WB_OK) {
        x25519_from_private(priv, &k.pair);
        err = stmt_col_bytes(q, 2, k.sig, sizeof k.sig);
    }
    k.since = stmt_col_int(q, 3);
    if (err == WB_OK)
        *ret = k;
    secret_wipe(priv, sizeof priv);
    secret_wipe(&k, sizeof k);
    return err;
}

static enum wb_err device_row(struct store *s, struct store_signed_prekey *ret)
{
    return sql_row_by(&s->wa,
                      "SELECT signed_pre_key_id, signed_pre_key, signed_pre_key_sig, 0"
                      " FROM whatsmeow_device WHERE jid = ?",
                      BINDS(BIND_TEXT(s->our)), read_row, ret);
}

static enum wb_err our_row(struct store *s, uint32_t id, struct store_signed_prekey *ret)
{
    return sql_row_by(&s->wa,
                      "SELECT " COLUMNS " FROM bridge_signed_prekeys"
                      " WHERE our_jid = ? AND id = ? AND replaced_at >= 0",
                      BINDS(BIND_TEXT(s->our), BIND_INT(id)), read_row, ret);
}

static enum wb_err put_row(struct store *s, const struct store_signed_prekey *k)
{
    return sql_run(&s->wa,
                   "INSERT INTO bridge_signed_prekeys"
                   " (our_jid, id, key, sig, made_at, replaced_at) VALUES (?, ?, ?, ?, ?, 0)"
                   " ON CONFLICT (our_jid, id) DO UPDATE SET key = excluded.key,"
                   " sig = excluded.sig, made_at = excluded.made_at,"
                   " replaced_at = excluded.replaced_at",
                   BINDS(BIND_TEXT(s->our), BIND_INT(k->id), BIND_BLOB(SPAN_ARRAY(k->pair.priv)),
                         BIND_BLOB(SPAN_ARRAY(k->sig)), BIND_INT(k->since)));
}

/* Marks lower ids that still count as current as replaced. A higher id is pending. */
static enum wb_err replace_lower(struct store *s, uint32_t id, int64_t now_s)
{
    return sql_run(&s->wa,
                   "UPDATE bridge_signed_prekeys SET replaced_at = ?"
                   " WHERE our_jid = ? AND id < ? AND replaced_at = 0",
                   BINDS(BIND_INT(now_s), BIND_TEXT(s->our), BIND_INT(id)));
}

enum wb_err store_signed_prekey_current(struct store *s, int64_t now_s,
                                        struct store_signed_prekey *ret)
{
    struct store_signed_prekey k = {.id = 0}, known = {.id = 0};
    bool same;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(device_row(s, &k));
    err = our_row(s, k.id, &known);
    if (err != WB_ERR_NOT_FOUND && err != WB_ERR_DB_CORRUPT)
        TRY(err);
    same = err == WB_OK && secret_eq(known.pair.priv, k.pair.priv, sizeof k.pair.priv);
    k.since = same && known.since <= now_s ? known.since : now_s;
    if (!same || known.since != k.since) {
        TRY(put_row(s, &k));
        TRY(replace_lower(s, k.id, now_s));
    }
    *ret = k;
    err = WB_OK;
out:
    secret_wipe(&k, sizeof k);
    secret_wipe(&known, sizeof known);
    return err;
}

enum wb_err store_signed_prekey_pending(struct store *s, struct store_signed_prekey *ret)
{
    NEED_ACCOUNT(s);
    return sql_row_by(&s->wa,
                      "SELECT " COLUMNS " FROM bridge_signed_prekeys WHERE our_jid = ?1 AND id >"
                      " (SELECT signed_pre_key_id FROM whatsmeow_device WHERE jid = ?1)"
                      " AND replaced_at = 0 ORDER BY id DESC LIMIT 1",
                      BINDS(BIND_TEXT(s->our)), read_row, ret);
}

/* The highest id that was ever in use. */
static enum wb_err high_water(struct store *s, uint32_t *ret)
{
    int64_t high = 0, stored = 0, used = 0;
    enum wb_err err = store_meta_get_int(s, STORE_META_SIGNED_PREKEY_HIGH, &high);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    TRY(sql_row(&s->wa,
                "SELECT signed_pre_key_id, (SELECT coalesce(max(id), 0) FROM bridge_signed_prekeys"
                " WHERE our_jid = ?1) FROM whatsmeow_device WHERE jid = ?1",
                BINDS(BIND_TEXT(s->our)), COLS(COL_INT(&used), COL_INT(&stored))));
    high = high > stored ? high : stored;
    high = high > used ? high : used;
    *ret = high < 0 ? 0 : high > PREKEY_ID_MAX ? PREKEY_ID_MAX : (uint32_t)high;
out:
    return err;
}

enum wb_err store_signed_prekey_make(struct store *s, const struct rng *rng,
                                     const struct x25519_pair *identity, int64_t now_s,
                                     struct store_signed_prekey *ret)
{
    struct store_signed_prekey k = {.since = now_s};
    uint8_t signed_bytes[DJB_KEY_BYTES];
    uint32_t high = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(high_water(s, &high));
    TRY(high < PREKEY_ID_MAX ? WB_OK : WB_ERR_STATE);
    k.id = high + 1;
    x25519_generate(rng, &k.pair);
    djb_encode(k.pair.pub, signed_bytes);
    TRY(xeddsa_sign(identity->priv, SPAN_ARRAY(signed_bytes), rng, k.sig));
    TRY(put_row(s, &k));
    TRY(store_meta_put_int(s, STORE_META_SIGNED_PREKEY_HIGH, k.id));
    *ret = k;
out:
    secret_wipe(&k, sizeof k);
    return err;
}

static enum wb_err put_device(struct store *s, const struct store_signed_prekey *k)
{
    return sql_run(&s->wa,
                   "UPDATE whatsmeow_device SET signed_pre_key = ?, signed_pre_key_id = ?,"
                   " signed_pre_key_sig = ? WHERE jid = ?",
                   BINDS(BIND_BLOB(SPAN_ARRAY(k->pair.priv)), BIND_INT(k->id),
                         BIND_BLOB(SPAN_ARRAY(k->sig)), BIND_TEXT(s->our)));
}

enum wb_err store_signed_prekey_use(struct store *s, uint32_t id, int64_t now_s)
{
    struct store_signed_prekey k = {.id = 0};
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(store_signed_prekey_current(s, now_s, &k));
    TRY(put_row(s, &k)); /* replaced from now on, whatever stood there */
    TRY(our_row(s, id, &k));
    k.since = now_s;
    TRY(put_row(s, &k));
    TRY(replace_lower(s, id, now_s));
    err = put_device(s, &k);
out:
    secret_wipe(&k, sizeof k);
    return err;
}

enum wb_err store_signed_prekey_get(struct store *s, uint32_t id, struct x25519_pair *ret_pair)
{
    struct store_signed_prekey k = {.id = 0};

    NEED_ACCOUNT(s);
    enum wb_err err = our_row(s, id, &k);
    if (err == WB_OK)
        *ret_pair = k.pair;
    secret_wipe(&k, sizeof k);
    return err == WB_ERR_NOT_FOUND ? WB_ERR_BAD_KEY_ID : err;
}

/* ---- retirement ---- */

/* The private key goes at once. The row stays until nothing refers to it. */
static enum wb_err retire_keys(struct store *s, int64_t before_s, size_t *ret_n)
{
    enum wb_err err;

    TRY(sql_run(&s->wa,
                "UPDATE bridge_signed_prekeys SET replaced_at = -1, key = zeroblob(32)"
                " WHERE our_jid = ?1 AND replaced_at > 0 AND replaced_at <= ?2 AND id <>"
                " (SELECT signed_pre_key_id FROM whatsmeow_device WHERE jid = ?1)",
                BINDS(BIND_TEXT(s->our), BIND_INT(before_s))));
    *ret_n = stmt_changes(&s->wa);
out:
    return err;
}

static enum wb_err any_retired(struct store *s, uint32_t *ret_id)
{
    return sql_row(&s->wa,
                   "SELECT id FROM bridge_signed_prekeys WHERE our_jid = ? AND replaced_at = -1"
                   " LIMIT 1",
                   BINDS(BIND_TEXT(s->our)), COLS(COL_UINT32(ret_id)));
}

static enum wb_err delete_some(struct store *s, uint32_t id, size_t *ret_n)
{
    enum wb_err err;

    TRY(sql_run(&s->wa,
                "DELETE FROM bridge_base_keys WHERE our_jid = ?1 AND signed_prekey_id = ?2"
                " AND base_key IN (SELECT base_key FROM bridge_base_keys"
                " WHERE our_jid = ?1 AND signed_prekey_id = ?2 LIMIT ?3)",
                BINDS(BIND_TEXT(s->our), BIND_INT(id), BIND_INT(STORE_PRUNE_ROWS))));
    *ret_n = stmt_changes(&s->wa);
out:
    return err;
}

static enum wb_err delete_row(struct store *s, uint32_t id)
{
    return sql_run(&s->wa,
                   "DELETE FROM bridge_signed_prekeys"
                   " WHERE our_jid = ? AND id = ? AND replaced_at = -1",
                   BINDS(BIND_TEXT(s->our), BIND_INT(id)));
}

enum wb_err store_signed_prekeys_retire(struct store *s, int64_t before_s, bool *ret_more)
{
    uint32_t id = 0, high = 0;
    size_t n = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    *ret_more = false;
    TRY(retire_keys(s, before_s, &n));
    if (n > 0) { /* the highest id outlives its row */
        TRY(high_water(s, &high));
        TRY(store_meta_put_int(s, STORE_META_SIGNED_PREKEY_HIGH, high));
    }
    err = any_retired(s, &id);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    TRY(delete_some(s, id, &n));
    if (n < STORE_PRUNE_ROWS)
        TRY(delete_row(s, id));
    *ret_more = true;
out:
    return err;
}

enum wb_err store_signed_prekeys_restored(struct store *s, const struct rng *rng)
{
    const uint32_t ids = IDS_SKIPPED + rng_below(rng, IDS_SKIPPED_MORE);
    struct store_signed_prekey k = {.id = 0};
    uint32_t high = 0, left;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(store_signed_prekey_current(s, 0, &k));
    k.since = 0;
    TRY(put_row(s, &k));
    TRY(high_water(s, &high));
    left = PREKEY_ID_MAX - high;
    err = store_meta_put_int(s, STORE_META_SIGNED_PREKEY_HIGH,
                             high + (ids < left / 2 ? ids : left / 2));
out:
    secret_wipe(&k, sizeof k);
    return err;
}

/* ---- base keys ---- */

enum wb_err store_base_key_used(struct store *s, uint32_t signed_prekey_id,
                                const uint8_t base_key[static X25519_KEY_BYTES], bool *ret_used)
{
    NEED_ACCOUNT(s);
    return sql_exists(&s->wa,
                      "SELECT 1 FROM bridge_base_keys"
                      " WHERE our_jid = ? AND signed_prekey_id = ? AND base_key = ?",
                      BINDS(BIND_TEXT(s->our), BIND_INT(signed_prekey_id),
                            BIND_BLOB(SPAN(base_key, X25519_KEY_BYTES))),
                      ret_used);
}

enum wb_err store_base_key_put(struct store *s, uint32_t signed_prekey_id,
                               const uint8_t base_key[static X25519_KEY_BYTES])
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "INSERT INTO bridge_base_keys (our_jid, signed_prekey_id, base_key)"
                   " VALUES (?, ?, ?)"
                   " ON CONFLICT DO NOTHING",
                   BINDS(BIND_TEXT(s->our), BIND_INT(signed_prekey_id),
                         BIND_BLOB(SPAN(base_key, X25519_KEY_BYTES))));
}
