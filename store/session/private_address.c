#include "store/session/private_address.h"

#include "store/core/state.h"
#include "store/db/sql.h"

/* Where the server contradicts the phone, the server's word holds for a day. */
#define BY                                                                                         \
    "SELECT CASE WHEN p.address = 2 AND p.noted_at < ?1"                                           \
    " AND (p.phone_says = 1 OR (p.phone_says = 0 AND d.lid_migration_ts > 0)) THEN 1"              \
    " WHEN p.address > 0 THEN p.address"                                                           \
    " WHEN p.phone_says > 0 THEN p.phone_says ELSE d.lid_migration_ts > 0 END"                     \
    " FROM whatsmeow_device AS d LEFT JOIN bridge_private_address AS p ON p.our_jid = d.jid"       \
    " WHERE d.jid = ?2"

enum wb_err store_private_by_get(struct store *s, int64_t now, enum store_private_by *ret_by)
{
    int64_t by = STORE_PRIVATE_UNKNOWN;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_int(&s->wa, BY, BINDS(BIND_INT(now - STORE_PRIVATE_DOUBT_S), BIND_TEXT(s->our)), &by));
    if (by < STORE_PRIVATE_UNKNOWN || by > STORE_PRIVATE_BY_NUMBER)
        return WB_ERR_DB_CORRUPT;
    *ret_by = (enum store_private_by)by;
out:
    return err;
}

/* sql: INSERT of our_jid, a state, a time. */
static enum wb_err note(struct store *s, const char *sql, enum store_private_by by, int64_t now)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa, sql, BINDS(BIND_TEXT(s->our), BIND_INT(by), BIND_INT(now)));
}

enum wb_err store_private_by_phone(struct store *s, enum store_private_by by, int64_t now)
{
    return note(s,
                "INSERT INTO bridge_private_address"
                " (our_jid, address, phone_says, noted_at) VALUES (?1, ?2, ?2, ?3)"
                " ON CONFLICT (our_jid) DO UPDATE SET address = excluded.address,"
                " phone_says = excluded.phone_says, noted_at = excluded.noted_at",
                by, now);
}

enum wb_err store_private_by_server(struct store *s, enum store_private_by by, int64_t now)
{
    return note(s,
                "INSERT INTO bridge_private_address (our_jid, address, phone_says, noted_at)"
                " VALUES (?1, ?2, 0, ?3) ON CONFLICT (our_jid) DO UPDATE"
                " SET address = excluded.address, noted_at = excluded.noted_at",
                by, now);
}

/* ---- numbers ---- */

static bool is_number(const struct jid *j)
{
    return j->server == JID_PN && j->device == 0 && j->user[0];
}

enum wb_err store_number_put(struct store *s, const struct jid *typed, const struct jid *named,
                             int64_t now)
{
    NEED_ACCOUNT(s);
    if (!is_number(typed) || !is_number(named))
        return WB_ERR_INVALID;
    return sql_run(
        &s->wa,
        "INSERT INTO bridge_numbers (our_jid, typed, named, answered_at)"
        " VALUES (?, ?, ?, ?)"
        " ON CONFLICT (our_jid, typed) DO UPDATE SET named = excluded.named,"
        " answered_at = excluded.answered_at",
        BINDS(BIND_TEXT(s->our), BIND_TEXT(typed->user), BIND_TEXT(named->user), BIND_INT(now)));
}

enum wb_err store_number_get(struct store *s, const struct jid *typed, struct jid *ret_named,
                             int64_t *ret_at)
{
    struct stmt q;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT named, answered_at FROM bridge_numbers WHERE our_jid = ? AND typed = ?"));
    stmt_text(&q, s->our);
    stmt_text(&q, typed->user);
    err = stmt_step(&q);
    if (err == WB_OK) {
        err = jid_make(stmt_col_span(&q, 0), JID_PN, 0, ret_named) == WB_OK ? WB_OK
                                                                            : WB_ERR_DB_CORRUPT;
        if (ret_at)
            *ret_at = stmt_col_int(&q, 1);
    }
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_number_drop(struct store *s, const struct jid *typed)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa, "DELETE FROM bridge_numbers WHERE our_jid = ? AND typed = ?",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(typed->user)));
}

enum wb_err store_number_prune(struct store *s, int64_t before, bool *ret_more)
{
    NEED_ACCOUNT(s);
    return sql_run_some(&s->wa,
                        "DELETE FROM bridge_numbers WHERE (our_jid, typed) IN"
                        " (SELECT our_jid, typed FROM bridge_numbers WHERE our_jid = ?"
                        " AND answered_at < ? ORDER BY answered_at LIMIT ?)",
                        BINDS(BIND_TEXT(s->our), BIND_INT(before), BIND_INT(STORE_PRUNE_ROWS)),
                        STORE_PRUNE_ROWS, ret_more);
}
