#include "store/session/same_keys.h"

#include <stdio.h>
#include <string.h>

#include "store/db/db_schema.h"
#include "store/db/db_special.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"

enum { NAME_MAX_BYTES = 128, COLUMNS_MAX_BYTES = 1024 };

/* One unique index, as SQL needs it. */
struct unique {
    char index[NAME_MAX_BYTES], table[NAME_MAX_BYTES];
    char key[COLUMNS_MAX_BYTES]; /* "a" COLLATE "BINARY", ... */
    char set[COLUMNS_MAX_BYTES]; /* "a" IS NOT NULL AND ...: NULLs are never the same */
    bool change_seq;
};

static bool has_ratchets(const char *table)
{
    static const char *const tables[] = {
        "whatsmeow_device",   "whatsmeow_identity_keys", "whatsmeow_pre_keys",
        "whatsmeow_sessions", "whatsmeow_sender_keys",
    };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strcmp(tables[i], table) == 0)
            return true;
    }
    return false;
}

/* The next name behind that in u->index. NOT_FOUND: there is none. */
static enum wb_err next_index(struct db *d, struct unique *u)
{
    enum wb_err err;

    err = sql_row(d, "SELECT min(name) FROM sqlite_master WHERE type = 'index' AND name > ?",
                  BINDS(BIND_TEXT(u->index)), COLS(COL_TEXT(u->index, sizeof u->index)));
    if (err == WB_OK && !u->index[0])
        err = WB_ERR_NOT_FOUND;
    return err;
}

/* *ret: this index can be handled. Not in a table without rowids, where the key is the table
 * itself, and not a partial index or one over expressions, where only its SQL tells which rows it
 * has. */
static enum wb_err look_at(struct db *d, struct unique *u, bool *ret)
{
    struct stmt q;
    enum wb_err err;

    *ret = false;
    err = sql_row(d,
                  "SELECT tbl_name FROM sqlite_master, pragma_index_list(tbl_name) AS i,"
                  " pragma_table_list(tbl_name) AS t WHERE sqlite_master.name = ?"
                  " AND i.name = sqlite_master.name AND i.\"unique\" AND NOT i.partial"
                  " AND t.schema = 'main' AND NOT t.wr",
                  BINDS(BIND_TEXT(u->index)), COLS(COL_TEXT(u->table, sizeof u->table)));
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    TRY(stmt_read(&q, d,
                  "SELECT group_concat(format('\"%w\" COLLATE \"%w\"', name, coll), ', '),"
                  " group_concat(format('\"%w\" IS NOT NULL', name), ' AND '),"
                  " count(*) = count(name), max(name) = 'change_seq' AND count(*) = 1"
                  " FROM pragma_index_xinfo(?) WHERE key"));
    stmt_text(&q, u->index);
    err = stmt_step(&q);
    if (err == WB_OK) {
        const struct span key = stmt_col_span(&q, 0), set = stmt_col_span(&q, 1);

        *ret = stmt_col_int(&q, 2) != 0 && key.n < sizeof u->key && set.n < sizeof u->set;
        stmt_col_text(&q, 0, u->key, sizeof u->key);
        stmt_col_text(&q, 1, u->set, sizeof u->set);
        u->change_seq = stmt_col_int(&q, 3) != 0 && strcmp(u->table, "messages") == 0;
    }
    stmt_end(&q);
out:
    return err;
}

/* The table is read as it stands: its indexes are not to be believed. */
static enum wb_err remove_older(struct db *d, const struct unique *u, const char *newest,
                                int64_t *removed)
{
    enum wb_err err = db_exec_format(
        d,
        "DELETE FROM \"%w\" WHERE rowid IN (SELECT row FROM (SELECT rowid AS row, row_number()"
        " OVER (PARTITION BY %s ORDER BY %s rowid DESC) AS nr FROM \"%w\" NOT INDEXED WHERE %s)"
        " WHERE nr > 1)",
        u->table, u->key, newest, u->table, u->set);

    if (err == WB_OK)
        *removed += (int64_t)stmt_changes(d);
    return err;
}

/* Gives new numbers to rows that share one. Readers that follow the numbers see these rows once
 * more, and miss none. */
static enum wb_err number_anew(struct db *d, int64_t *numbered)
{
    enum wb_err err;

    TRY(db_exec(d, "UPDATE bridge_change_seq SET value ="
                   " max(value, (SELECT coalesce(max(change_seq), 0) FROM messages NOT INDEXED))"));
    TRY(db_exec(d,
                "UPDATE messages SET change_seq = (SELECT value FROM bridge_change_seq) + n.number"
                " FROM (SELECT row, row_number() OVER (ORDER BY seq, row) AS number FROM"
                " (SELECT rowid AS row, change_seq AS seq,"
                " row_number() OVER (PARTITION BY change_seq ORDER BY rowid) AS nr"
                " FROM messages NOT INDEXED) WHERE nr > 1) AS n WHERE messages.rowid = n.row"));
    const int64_t n = (int64_t)stmt_changes(d);
    *numbered += n;
    if (n)
        err = db_exec(d, "UPDATE bridge_change_seq SET value ="
                         " (SELECT max(change_seq) FROM messages NOT INDEXED)");
out:
    return err;
}

static enum wb_err each_index(struct db *d, bool whatsapp, struct same_keys *ret)
{
    struct unique u = {.index = ""};
    bool usable, numbers = false, number = false;
    enum wb_err err;

    TRY(db_has_column(d, "messages", "change_seq", &numbers));
    while ((err = next_index(d, &u)) == WB_OK) {
        TRY(look_at(d, &u, &usable));
        if (!usable || (whatsapp && has_ratchets(u.table)))
            continue;
        if (u.change_seq)
            number = true; /* of the messages that stay */
        else
            TRY(remove_older(d, &u,
                             numbers && strcmp(u.table, "messages") == 0 ? "change_seq DESC," : "",
                             &ret->removed));
    }
    if (err == WB_ERR_NOT_FOUND)
        err = number ? number_anew(d, &ret->numbered) : WB_OK;
out:
    return err;
}

enum wb_err same_keys_remove(struct db *d, bool whatsapp, struct same_keys *ret)
{
    enum wb_err err;

    db_let_schema_be_written(d, true);
    err = each_index(d, whatsapp, ret);
    db_let_schema_be_written(d, false);
    return err;
}
