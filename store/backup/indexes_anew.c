#include "store/backup/indexes_anew.h"

#include <stdio.h>
#include <string.h>

#include "store/db/db_check.h"
#include "store/db/db_schema.h"
#include "store/db/db_special.h"
#include "store/db/sql.h"

static enum wb_err look(struct db *d, struct indexes_anew *n)
{
    enum wb_err err = db_faulty_look(d, &n->faulty);

    n->known = err == WB_OK;
    if (err == WB_ERR_DB) { /* a build of SQLite that cannot tell */
        memset(&n->faulty, 0, sizeof n->faulty);
        err = WB_OK;
    }
    return err;
}

static enum wb_err one_table(struct db *d, const char *table, struct indexes_anew *n)
{
    enum wb_err err, made;

    TRY(db_exec(d, "SAVEPOINT one_table"));
    made = db_exec_format(d, "REINDEX main.\"%w\"", table);
    if (made == WB_ERR_DB) {
        if (n->kept++ == 0)
            snprintf(n->kept_why, sizeof n->kept_why, "%.150s", d->error);
        TRY(db_exec(d, "ROLLBACK TO one_table"));
        made = WB_OK;
    }
    TRY(made);
    err = db_exec(d, "RELEASE one_table");
out:
    return err;
}

static enum wb_err each_table(struct db *d, struct indexes_anew *n)
{
    char table[128] = "";
    enum wb_err err;

    for (;;) {
        TRY(sql_row(d, "SELECT min(name) FROM sqlite_master WHERE type = 'table' AND name > ?",
                    BINDS(BIND_TEXT(table)), COLS(COL_TEXT(table, sizeof table))));
        if (!table[0])
            break;
        TRY(one_table(d, table, n));
    }
out:
    return err;
}

/* Where REINDEX meets rows with the same key, the older ones are removed and it is tried again,
 * table by table. */
static enum wb_err new_indexes(struct db *d, struct indexes_anew *n)
{
    enum wb_err err;

    TRY(db_exec(d, "SAVEPOINT anew"));
    err = db_exec(d, "REINDEX");
    if (err == WB_ERR_DB) {
        TRY(db_exec(d, "ROLLBACK TO anew"));
        TRY(same_keys_remove(d, n->whatsapp, &n->same));
        TRY(look(d, n)); /* anew: the removed rows took their entries along */
        TRY(each_table(d, n));
        /* Nobody can tell whether sessions in the remaining tables are old. */
        if (n->whatsapp && n->kept) {
            snprintf(d->error, sizeof d->error, "%s", n->kept_why);
            err = WB_ERR_DB_CORRUPT;
        }
    }
    TRY(err);
    err = db_exec(d, "RELEASE anew");
out:
    return err;
}

/* Checks the file; indexes that stay damaged are no error, since they are no worse than before. */
static enum wb_err check_anew(struct db *d, struct indexes_anew *n, size_t before)
{
    struct db_found found;
    enum wb_err err = db_check(d, true, &found);

    if (err != WB_ERR_DB_CORRUPT || !n->kept || found.indexes == 0)
        return err;
    n->for_nothing = n->same.removed == 0 && n->same.numbered == 0 && found.indexes >= before;
    return WB_OK;
}

enum wb_err indexes_make_anew(struct db *d, struct indexes_anew *n)
{
    bool lacked = false;
    enum wb_err err;

    TRY(db_set_foreign_keys(d, false));
    TRY(look(d, n));
    const size_t before = n->faulty.findings;
    TRY(db_begin_unmarked(d));
    TRY(new_indexes(d, n));
    if (!n->kept)
        TRY(db_faulty_lacked_rows(d, &n->faulty, &lacked));
    n->may_be_old = n->ratchets && !lacked;
    n->lost_rows = n->known && !n->kept && !lacked;
    TRY(n->may_be_old ? WB_ERR_DB_CORRUPT : WB_OK);
    TRY(check_anew(d, n, before));
    if (!n->for_nothing && !n->only_try)
        err = db_commit(d);
out:
    if (err != WB_OK || n->for_nothing || n->only_try) {
        char text[sizeof d->error];

        memcpy(text, d->error, sizeof text);
        db_rollback(d);
        snprintf(d->error, sizeof d->error, "%s",
                 n->may_be_old ? "an index has entries whose rows are gone or older: sessions may"
                                 " be old"
                               : text);
    }
    if (err == WB_OK)
        err = db_set_foreign_keys(d, true);
    return err;
}

enum wb_err indexes_anew_help(const char *path, bool *ret)
{
    struct indexes_anew n = {.whatsapp = false, .only_try = true};
    struct db d = {0};
    enum wb_err err;

    TRY(db_open(&d, path));
    err = indexes_make_anew(&d, &n);
    *ret = err != WB_OK || !n.for_nothing;
    if (err == WB_ERR_DB_CORRUPT)
        err = WB_OK;
out:
    db_close(&d);
    return err;
}
