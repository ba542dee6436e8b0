#include "store/session/signal_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/signal.h"
#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/session/devices.h"
#include "store/session/identity_gone.h"
#include "store/session/limits.h"
#include "store/session/session_json_priv.h"
#include "store/session/signal_user.h"

/* ---- one record from and to its row ---- */

static void session_free(void *record)
{
    signal_session_free(record);
}

static enum wb_err session_from(struct store *s, struct stmt *q, void **ret)
{
    struct signal_session *session = NULL;
    struct span json = stmt_col_span(q, 0);

    if (!json.p)
        return WB_ERR_NOT_FOUND;
    enum wb_err err = session_json_read(json, &session);
    if (err == WB_OK) {
        *ret = session;
    } else if (err != WB_ERR_NOMEM) {
        s->unreadable = true;
        err = WB_ERR_NOT_FOUND;
    }
    return err;
}

static enum wb_err session_row(struct store *s, const char *sql, const char *key, void **ret)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, &s->wa, sql));
    stmt_text(&q, s->our);
    stmt_text(&q, key);
    err = stmt_step(&q);
    if (err == WB_OK)
        err = session_from(s, &q, ret);
    stmt_end(&q);
out:
    return err;
}

static enum wb_err session_load(void *ctx, const char *key, void **ret)
{
    struct store *s = ctx;

    s->unreadable = false;
    enum wb_err err = session_row(
        s, "SELECT session FROM whatsmeow_sessions WHERE our_jid = ? AND their_id = ?", key, ret);
    if (err == WB_ERR_NOT_FOUND && s->receive_rows)
        err = session_row(s,
                          "SELECT session FROM bridge_sessions_receive"
                          " WHERE our_jid = ? AND their_id = ?",
                          key, ret);
    return err;
}

static enum wb_err put_row(struct store *s, const char *sql, const char *key, struct span json)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_write(&q, &s->wa, sql));
    stmt_text(&q, s->our);
    stmt_text(&q, key);
    if (json.p)
        stmt_blob(&q, json);
    err = stmt_run(&q);
out:
    return err;
}

/* Writes a record into whatsmeow's table, or one that cannot send, which libsignal for Go could not
 * read, into our own table for receiving only. */
static enum wb_err session_write(void *ctx, const char *key, const void *record)
{
    struct store *s = ctx;
    const struct signal_session *session = record;
    bool fit = session_json_fit_for_whatsmeow(session);
    size_t keep = session->narchived;
    enum wb_err err;

    buf_clear(&s->json);
    session_json_write_some(session, keep, &s->json);
    /* A peer that filled all its old chains with skipped keys: the oldest states go first. */
    while (buf_err(&s->json) == WB_ERR_TOO_LARGE && keep > 0) {
        keep /= 2;
        buf_clear(&s->json);
        session_json_write_some(session, keep, &s->json);
    }
    TRY(buf_err(&s->json));
    if (fit) {
        TRY(put_row(s,
                    "INSERT INTO whatsmeow_sessions (our_jid, their_id, session) VALUES (?, ?, ?)"
                    " ON CONFLICT (our_jid, their_id) DO UPDATE SET session = excluded.session",
                    key, buf_span(&s->json)));
        if (s->receive_rows)
            TRY(put_row(s, "DELETE FROM bridge_sessions_receive WHERE our_jid = ? AND their_id = ?",
                        key, SPAN_NULL));
    } else {
        TRY(put_row(s,
                    "INSERT INTO bridge_sessions_receive (our_jid, their_id, session)"
                    " VALUES (?, ?, ?)"
                    " ON CONFLICT (our_jid, their_id) DO UPDATE SET"
                    " session = excluded.session",
                    key, buf_span(&s->json)));
        TRY(put_row(s, "DELETE FROM whatsmeow_sessions WHERE our_jid = ? AND their_id = ?", key,
                    SPAN_NULL));
        s->receive_rows = true;
    }
out:
    buf_clear(&s->json);
    return err;
}

const struct record_ops store_session_ops = {session_free, session_load, session_write};

/* ---- sessions ---- */

enum wb_err store_session_load(struct store *s, const struct jid *device,
                               struct signal_session **ret, bool *ret_unreadable)
{
    char address[JID_TEXT_MAX];
    const void *record = NULL;

    NEED_ACCOUNT(s);
    s->unreadable = false;
    enum wb_err err = record_cache_get(s->sessions, jid_signal_address(device, address), &record);
    if (ret_unreadable && (err == WB_OK || err == WB_ERR_NOT_FOUND))
        *ret_unreadable = err == WB_ERR_NOT_FOUND && s->unreadable;
    if (err != WB_OK)
        return err;
    struct signal_session *copy = signal_session_clone(record);
    if (!copy)
        return WB_ERR_NOMEM;
    *ret = copy;
    return WB_OK;
}

enum wb_err store_session_save(struct store *s, const struct jid *device,
                               struct signal_session *session)
{
    char address[JID_TEXT_MAX];

    if (!s->our[0]) {
        signal_session_free(session);
        return WB_ERR_STATE;
    }
    return record_cache_put(s->sessions, jid_signal_address(device, address), session);
}

enum wb_err store_session_delete(struct store *s, const struct jid *device)
{
    char address[JID_TEXT_MAX];
    enum wb_err err;

    NEED_ACCOUNT(s);
    jid_signal_address(device, address);
    TRY(put_row(s, "DELETE FROM whatsmeow_sessions WHERE our_jid = ? AND their_id = ?", address,
                SPAN_NULL));
    if (s->receive_rows)
        TRY(put_row(s, "DELETE FROM bridge_sessions_receive WHERE our_jid = ? AND their_id = ?",
                    address, SPAN_NULL));
    err = record_cache_remove(s->sessions, address);
out:
    return err;
}

/* Can the session send, and is it with the device's stored identity? Without a stored identity any
 * will do. */
static enum wb_err can_send(struct store *s, const struct jid *device,
                            const struct signal_session *session, bool *ret)
{
    uint8_t identity[X25519_KEY_BYTES];
    enum wb_err err = store_identity_get(s, device, identity);

    if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        *ret = signal_session_can_send_to(session, err == WB_OK ? identity : NULL);
        err = WB_OK;
    }
    return err;
}

enum wb_err store_session_has(struct store *s, const struct jid *device, bool *ret_has)
{
    char address[JID_TEXT_MAX];
    const void *record = NULL;

    NEED_ACCOUNT(s);
    enum wb_err err = record_cache_get(s->sessions, jid_signal_address(device, address), &record);
    if (err == WB_OK) {
        err = can_send(s, device, record, ret_has);
    } else if (err == WB_ERR_NOT_FOUND) {
        *ret_has = false;
        err = WB_OK;
    }
    return err;
}

enum wb_err store_session_for_sending(struct store *s, const struct jid *device,
                                      struct signal_session **ret)
{
    struct signal_session *session = NULL;
    bool can = false;
    enum wb_err err = store_session_load(s, device, &session, NULL);

    if (err == WB_ERR_NOT_FOUND)
        return WB_ERR_NO_SESSION;
    TRY(err);
    TRY(can_send(s, device, session, &can));
    if (!can) {
        err = WB_ERR_NO_SESSION;
        goto out;
    }
    *ret = session;
    session = NULL;
out:
    signal_session_free(session);
    return err;
}

/* Is there a row, and is its current state with this identity (NULL: none is stored)? The record is
 * decoded only when somebody encrypts. */
static enum wb_err row_sends_to(struct store *s, const char *address, const uint8_t *identity,
                                bool *ret)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, &s->wa,
                  "SELECT session FROM whatsmeow_sessions WHERE our_jid = ? AND their_id = ?"
                  " AND session IS NOT NULL"));
    stmt_text(&q, s->our);
    stmt_text(&q, address);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret = !identity || session_json_is_with(stmt_col_span(&q, 0), identity);
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND) {
        *ret = false;
        err = WB_OK;
    }
out:
    return err;
}

static enum wb_err has_row(struct store *s, const struct jid *device, const char *address,
                           bool *ret_has)
{
    uint8_t identity[X25519_KEY_BYTES];
    enum wb_err err = store_identity_get(s, device, identity);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    return row_sends_to(s, address, err == WB_OK ? identity : NULL, ret_has);
}

enum wb_err store_sessions_prefetch(struct store *s, const struct jid *devices, size_t n,
                                    bool *ret_has)
{
    size_t room = STORE_SESSION_CACHE_MAX;

    NEED_ACCOUNT(s);
    for (size_t i = 0; i < n; i++) {
        char address[JID_TEXT_MAX];
        enum wb_err err;

        jid_signal_address(&devices[i], address);
        if (room > 0 || record_cache_holds(s->sessions, address)) {
            err = store_session_has(s, &devices[i], &ret_has[i]);
            room -= room > 0;
        } else {
            err = has_row(s, &devices[i], address, &ret_has[i]);
        }
        if (err != WB_OK)
            return err;
    }
    return WB_OK;
}

/* ---- identities ---- */

enum wb_err store_identity_get(struct store *s, const struct jid *device,
                               uint8_t ret_identity[static X25519_KEY_BYTES])
{
    NEED_ACCOUNT(s);
    return sql_row(&s->wa,
                   "SELECT identity FROM whatsmeow_identity_keys"
                   " WHERE our_jid = ? AND their_id = ?",
                   BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device)),
                   COLS(COL_BYTES(ret_identity, X25519_KEY_BYTES)));
}

enum wb_err store_identity_put(struct store *s, const struct jid *device,
                               const uint8_t identity[static X25519_KEY_BYTES])
{
    uint8_t known[X25519_KEY_BYTES];
    enum wb_err err = store_identity_get(s, device, known);

    if (err == WB_OK && memcmp(known, identity, sizeof known) == 0)
        return identity_gone_remove(s, device, identity);
    if (err == WB_OK)
        err = identity_gone_add(s, device, known);
    else if (err == WB_ERR_NOT_FOUND || err == WB_ERR_DB_CORRUPT)
        err = WB_OK; /* the stored value does not have the length of a key: it is replaced */
    TRY(err);
    TRY(identity_gone_remove(s, device, identity));
    err = sql_run(&s->wa,
                  "INSERT INTO whatsmeow_identity_keys (our_jid, their_id, identity)"
                  " VALUES (?, ?, ?)"
                  " ON CONFLICT (our_jid, their_id) DO UPDATE SET identity = excluded.identity",
                  BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device),
                        BIND_BLOB(SPAN(identity, X25519_KEY_BYTES))));
out:
    return err;
}

enum wb_err store_signal_forget_user(struct store *s, const struct jid *user)
{
    static const char *const rows[] = {
        "DELETE FROM whatsmeow_sessions WHERE our_jid = ? AND their_id >= ? AND their_id < ?",
        "DELETE FROM bridge_sessions_receive WHERE our_jid = ? AND their_id >= ? AND their_id < ?",
        "DELETE FROM whatsmeow_identity_keys WHERE our_jid = ? AND their_id >= ? AND their_id < ?",
    };
    struct signal_user u = signal_user_of(user);
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(identity_gone_add_range(s, u.from, u.to));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        TRY(sql_run(&s->wa, rows[i], BINDS(BIND_TEXT(s->our), BIND_TEXT(u.from), BIND_TEXT(u.to))));
    }
    TRY(record_cache_remove_prefix(s->sessions, u.from));
    err = store_skdm_doubt_user(s, user);
out:
    return err;
}

/* Without statistics SQLite 3.46 would read all of our rows. */
#define SKDM_BY_DEVICE "bridge_skdm" SQL_BY_INDEX("bridge_skdm_device")

enum wb_err store_signal_forget_device(struct store *s, const struct jid *device)
{
    uint8_t known[X25519_KEY_BYTES];
    enum wb_err err;

    TRY(store_session_delete(s, device));
    err = store_identity_get(s, device, known);
    if (err == WB_OK)
        TRY(identity_gone_add(s, device, known));
    else if (err != WB_ERR_NOT_FOUND && err != WB_ERR_DB_CORRUPT)
        return err;
    TRY(sql_run(&s->wa, "DELETE FROM whatsmeow_identity_keys WHERE our_jid = ? AND their_id = ?",
                BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device))));
    TRY(sql_run(&s->wa, "DELETE FROM " SKDM_BY_DEVICE " WHERE our_jid = ? AND device = ?",
                BINDS(BIND_TEXT(s->our), BIND_ADDRESS(device))));
    err = store_skdm_not_carried(s, device);
out:
    return err;
}
