#include "store/open/restored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/core/batch.h"
#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/outbox/outbox.h"
#include "store/session/account.h"
#include "store/session/limits.h"
#include "store/session/prekeys.h"
#include "store/session/session_json.h"
#include "store/session/signed_prekeys.h"

enum {
    /* Ids that may have been offered since the copy was made: a busy hour needs some hundred. How
     * many more are skipped is drawn by lot, because another restore of the same copy has offered
     * ids as well. There are 16.7 million ids: 128 restores can skip so many. */
    PREKEYS_SKIPPED = 1 << 16,
    PREKEYS_SKIPPED_MORE = 1 << 17,
};

/* Moves one row, as a record that cannot send. An unreadable record moves as it is - nobody can
 * send with it either - and its session is set up anew when it is needed. */
static enum wb_err move_record(struct store *s, const char *address, struct span json,
                               const struct rng *rng)
{
    struct signal_session *session = NULL;
    enum wb_err err = session_json_read(json, &session);

    if (err == WB_ERR_NOMEM)
        return err;
    buf_clear(&s->json);
    if (err == WB_OK) {
        signal_session_retire(session, rng);
        session_json_write(session, &s->json);
    } else {
        buf_append(&s->json, json);
    }
    TRY(buf_err(&s->json));
    TRY(sql_run(&s->wa,
                "INSERT INTO bridge_sessions_receive (our_jid, their_id, session)"
                " VALUES (?, ?, ?)"
                " ON CONFLICT (our_jid, their_id) DO UPDATE SET"
                " session = excluded.session",
                BINDS(BIND_TEXT(s->our), BIND_TEXT(address), BIND_BLOB(buf_span(&s->json)))));
    err = sql_run(&s->wa, "DELETE FROM whatsmeow_sessions WHERE our_jid = ? AND their_id = ?",
                  BINDS(BIND_TEXT(s->our), BIND_TEXT(address)));
out:
    buf_clear(&s->json);
    signal_session_free(session);
    return err;
}

/* The first row behind `after` in either table; its bytes are copied into *json. */
static enum wb_err next_record(struct store *s, const char *sql, const char *after,
                               char address[STORE_NAME_MAX + 1], struct buf *json)
{
    buf_clear(json);
    return sql_row(&s->wa, sql, BINDS(BIND_TEXT(s->our), BIND_TEXT(after)),
                   COLS(COL_TEXT(address, STORE_NAME_MAX + 1), COL_APPEND(json)));
}

static enum wb_err retire_rows(struct store *s, const char *sql, const struct rng *rng,
                               size_t *count)
{
    char address[STORE_NAME_MAX + 1] = "", last[STORE_NAME_MAX + 1] = "";
    struct buf json = buf_new(STORE_SESSION_JSON_MAX);
    enum wb_err err;

    while ((err = next_record(s, sql, last, address, &json)) == WB_OK) {
        TRY(move_record(s, address, buf_span(&json), rng));
        memcpy(last, address, sizeof last);
        ++*count;
    }
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    buf_free(&json);
    return err;
}

/* Leaves out rows with an address or a record that no program of this protocol makes: nobody sends
 * with them, and they must not keep the other rows from being moved. */
#define NAME(x)      #x
#define TEXT(x)      NAME(x)
#define ADDRESS_MAX  255
#define RECORD_MAX   8388608
#define SHORT        " AND length(CAST(their_id AS BLOB)) <= " TEXT(ADDRESS_MAX)
#define WITHOUT_NUL  " AND instr(CAST(their_id AS BLOB), x'00') = 0"
#define NOT_TOO_LONG " AND length(session) <= " TEXT(RECORD_MAX)
#define READABLE     SHORT WITHOUT_NUL NOT_TOO_LONG
_Static_assert(ADDRESS_MAX == STORE_NAME_MAX && RECORD_MAX == STORE_SESSION_JSON_MAX,
               "the limits of one row");

static enum wb_err move_unreadable(struct store *s, size_t *count)
{
    enum wb_err err;

    TRY(sql_run(&s->wa,
                "INSERT INTO bridge_sessions_receive (our_jid, their_id, session)"
                " SELECT our_jid, their_id, session FROM whatsmeow_sessions WHERE our_jid = ?"
                " AND session IS NOT NULL"
                " ON CONFLICT (our_jid, their_id) DO UPDATE SET"
                " session = excluded.session",
                BINDS(BIND_TEXT(s->our))));
    TRY(sql_run(&s->wa, "DELETE FROM whatsmeow_sessions WHERE our_jid = ? AND session IS NOT NULL",
                BINDS(BIND_TEXT(s->our))));
    *count += stmt_changes(&s->wa);
out:
    return err;
}

static enum wb_err retire_sessions(struct store *s, const struct rng *rng, size_t *count)
{
    size_t again = 0;
    enum wb_err err;

    /* Records of which some state has no sending chain stand in this table, whatever their current
     * state is. */
    TRY(retire_rows(s,
                    "SELECT their_id, session FROM bridge_sessions_receive AS r"
                    " WHERE our_jid = ? AND their_id > ?" READABLE " AND NOT EXISTS (SELECT 1 FROM"
                    " whatsmeow_sessions AS w WHERE w.our_jid = r.our_jid"
                    " AND w.their_id = r.their_id) ORDER BY their_id LIMIT 1",
                    rng, &again));
    TRY(retire_rows(s,
                    "SELECT their_id, session FROM whatsmeow_sessions"
                    " WHERE our_jid = ? AND their_id > ? AND session IS NOT NULL" READABLE
                    " ORDER BY their_id LIMIT 1",
                    rng, count));
    err = move_unreadable(s, count);
out:
    return err;
}

static enum wb_err delete_own_sender_keys(struct store *s, const struct jid *own, size_t *count)
{
    enum wb_err err = WB_OK;

    if (jid_is_none(own))
        return WB_OK;
    TRY(sql_run(&s->wa, "DELETE FROM whatsmeow_sender_keys WHERE our_jid = ? AND sender_id = ?",
                BINDS(BIND_TEXT(s->our), BIND_ADDRESS(own))));
    *count += stmt_changes(&s->wa);
out:
    return err;
}

static enum wb_err one_account(struct store *s, const struct rng *rng,
                               struct restored_counts *counts)
{
    enum wb_err err;

    TRY(retire_sessions(s, rng, &counts->sessions));
    TRY(delete_own_sender_keys(s, &s->our_jid, &counts->sender_keys));
    TRY(delete_own_sender_keys(s, &s->our_lid, &counts->sender_keys));
    TRY(store_signed_prekeys_restored(s, rng));
    err = store_prekeys_skip(s, rng, PREKEYS_SKIPPED + rng_below(rng, PREKEYS_SKIPPED_MORE));
out:
    return err;
}

/* Selects the n-th device of the file. NOT_FOUND: no more. */
static enum wb_err select_account(struct store *s, int64_t n)
{
    struct jid jid = {0}, lid = {0};
    enum wb_err err;

    TRY(sql_row(&s->wa,
                "SELECT jid, lid FROM whatsmeow_device ORDER BY " SQL_ROW_NUMBER
                " LIMIT 1 OFFSET ?",
                BINDS(BIND_INT(n)), COLS(COL_JID(&jid), COL_JID(&lid))));
    err = store_select(s, &jid, &lid);
out:
    return err;
}

enum wb_err store_restored_get(struct store *s, struct store_restored *ret)
{
    struct buf text = buf_new(STORE_META_MAX);
    struct store_restored r = {0};
    const char *at;
    char *end;
    enum wb_err err;

    TRY(store_meta_get(s, STORE_META_RESTORED, &text));
    at = buf_cstr(&text);
    r.backup_at = strtoll(at, &end, 10);
    r.at = strtoll(end, &end, 10);
    if (*end != ' ' || r.at <= 0) {
        err = WB_ERR_NOT_FOUND; /* nothing that this program wrote */
        goto out;
    }
    snprintf(r.name, sizeof r.name, "%.*s", BACKUP_NAME_MAX, end + 1);
    *ret = r;
out:
    buf_free(&text);
    return err;
}

enum wb_err store_make_restored(struct store *s, const char *name, int64_t backup_s, int64_t now_s,
                                const struct rng *rng, struct restored_counts *counts)
{
    char text[128];
    enum wb_err err;

    for (int64_t n = 0; (err = select_account(s, n)) == WB_OK; n++)
        TRY(one_account(s, rng, counts));
    if (err != WB_ERR_NOT_FOUND)
        goto out;
    TRY(db_begin(&s->wa));
    TRY(store_outbox_restored(&s->wa, now_s, &counts->sends));
    /* Device lists and groups are as old as the copy, so they are asked for again. */
    TRY(db_exec(&s->wa, "DELETE FROM bridge_devices; DELETE FROM bridge_skdm;"
                        "DELETE FROM bridge_skdm_carriers;"
                        "DELETE FROM bridge_meta WHERE name = 'groups_at'"));
    snprintf(text, sizeof text, "%lld %lld %.60s", (long long)backup_s, (long long)now_s, name);
    TRY(store_meta_put(s, STORE_META_RESTORED, span_cstr(text)));
    err = store_commit(s);
out:
    if (err != WB_OK)
        store_rollback(s);
    return err;
}
