#include "store/session/appstate_store.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"

enum wb_err store_appstate_key_put(struct store *s, const struct store_appstate_key *k,
                                   struct span fingerprint)
{
    NEED_ACCOUNT(s);
    if (k->id_n == 0 || k->id_n > sizeof k->id)
        return WB_ERR_INVALID;
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_app_state_sync_keys AS k"
                   " (jid, key_id, key_data, timestamp, fingerprint) VALUES (?, ?, ?, ?, ?)"
                   " ON CONFLICT (jid, key_id) DO UPDATE SET key_data = excluded.key_data,"
                   " timestamp = excluded.timestamp, fingerprint = excluded.fingerprint"
                   " WHERE excluded.timestamp > k.timestamp",
                   BINDS(BIND_TEXT(s->our), BIND_BLOB(SPAN(k->id, k->id_n)),
                         BIND_BLOB(SPAN_ARRAY(k->data)), BIND_INT(k->timestamp_ms),
                         BIND_BLOB(fingerprint.p ? fingerprint : SPAN("", 0))));
}

static enum wb_err read_key(struct stmt *q, void *ctx)
{
    struct store_appstate_key *ret = ctx;
    struct store_appstate_key k;

    memset(&k, 0, sizeof k);
    struct span id = stmt_col_span(q, 0);
    if (id.n == 0 || id.n > sizeof k.id)
        return WB_ERR_DB_CORRUPT;
    memcpy(k.id, id.p, id.n);
    k.id_n = id.n;
    enum wb_err err = stmt_col_bytes(q, 1, k.data, sizeof k.data);
    k.timestamp_ms = stmt_col_int(q, 2);
    if (err == WB_OK)
        *ret = k;
    return err;
}

enum wb_err store_appstate_key_get(struct store *s, struct span id, struct store_appstate_key *ret)
{
    NEED_ACCOUNT(s);
    return sql_row_by(&s->wa,
                      "SELECT key_id, key_data, timestamp FROM whatsmeow_app_state_sync_keys"
                      " WHERE jid = ? AND key_id = ?",
                      BINDS(BIND_TEXT(s->our), BIND_BLOB(id)), read_key, ret);
}

enum wb_err store_appstate_key_latest(struct store *s, struct store_appstate_key *ret)
{
    NEED_ACCOUNT(s);
    return sql_row_by(&s->wa,
                      "SELECT key_id, key_data, timestamp FROM whatsmeow_app_state_sync_keys"
                      " WHERE jid = ? ORDER BY timestamp DESC LIMIT 1",
                      BINDS(BIND_TEXT(s->our)), read_key, ret);
}

enum wb_err store_appstate_version_get(struct store *s, const char *name, uint64_t *ret_version,
                                       uint8_t ret_hash[static APPSTATE_HASH_BYTES])
{
    struct stmt q;
    int64_t version = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT version, hash FROM whatsmeow_app_state_version"
                  " WHERE jid = ? AND name = ?"));
    stmt_text(&q, s->our);
    stmt_text(&q, name);
    err = stmt_step(&q);
    if (err == WB_OK) {
        version = stmt_col_int(&q, 0);
        if (version > 0)
            err = stmt_col_bytes(&q, 1, ret_hash, APPSTATE_HASH_BYTES);
    }
    stmt_end(&q);
    TRY(err);
    if (version <= 0) { /* damage (P-DB-14) */
        TRY(store_appstate_reset(s, name));
        return WB_ERR_NOT_FOUND;
    }
    *ret_version = (uint64_t)version;
out:
    return err;
}

enum wb_err store_appstate_version_put(struct store *s, const char *name, uint64_t version,
                                       const uint8_t hash[static APPSTATE_HASH_BYTES])
{
    NEED_ACCOUNT(s);
    if (version == 0 || version > INT64_MAX)
        return WB_ERR_INVALID;
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_app_state_version (jid, name, version, hash)"
                   " VALUES (?, ?, ?, ?) ON CONFLICT (jid, name) DO UPDATE"
                   " SET version = excluded.version, hash = excluded.hash",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(name), BIND_INT((int64_t)version),
                         BIND_BLOB(SPAN(hash, APPSTATE_HASH_BYTES))));
}

enum wb_err store_appstate_reset(struct store *s, const char *name)
{
    NEED_ACCOUNT(s);
    /* The MACs go with it (ON DELETE CASCADE). */
    return sql_run(&s->wa, "DELETE FROM whatsmeow_app_state_version WHERE jid = ? AND name = ?",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(name)));
}

enum wb_err store_appstate_mac_put(struct store *s, const char *name, uint64_t version,
                                   const uint8_t index_mac[static APPSTATE_MAC_BYTES],
                                   const uint8_t value_mac[static APPSTATE_MAC_BYTES])
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_app_state_mutation_macs"
                   " (jid, name, version, index_mac, value_mac) VALUES (?, ?, ?, ?, ?)"
                   " ON CONFLICT (jid, name, version, index_mac) DO UPDATE SET"
                   " value_mac = excluded.value_mac",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(name), BIND_INT((int64_t)version),
                         BIND_BLOB(SPAN(index_mac, APPSTATE_MAC_BYTES)),
                         BIND_BLOB(SPAN(value_mac, APPSTATE_MAC_BYTES))));
}

enum wb_err store_appstate_mac_get(struct store *s, const char *name,
                                   const uint8_t index_mac[static APPSTATE_MAC_BYTES],
                                   uint8_t ret_value_mac[static APPSTATE_MAC_BYTES])
{
    NEED_ACCOUNT(s);
    return sql_row(
        &s->wa,
        "SELECT value_mac FROM whatsmeow_app_state_mutation_macs WHERE jid = ?"
        " AND name = ? AND index_mac = ? ORDER BY version DESC LIMIT 1",
        BINDS(BIND_TEXT(s->our), BIND_TEXT(name), BIND_BLOB(SPAN(index_mac, APPSTATE_MAC_BYTES))),
        COLS(COL_BYTES(ret_value_mac, APPSTATE_MAC_BYTES)));
}

enum wb_err store_appstate_mac_delete(struct store *s, const char *name,
                                      const uint8_t index_mac[static APPSTATE_MAC_BYTES])
{
    NEED_ACCOUNT(s);
    return sql_run(
        &s->wa,
        "DELETE FROM whatsmeow_app_state_mutation_macs"
        " WHERE jid = ? AND name = ? AND index_mac = ?",
        BINDS(BIND_TEXT(s->our), BIND_TEXT(name), BIND_BLOB(SPAN(index_mac, APPSTATE_MAC_BYTES))));
}
