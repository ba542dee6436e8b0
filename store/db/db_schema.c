#include "store/db/db_schema.h"

#include <stdio.h>

#include "store/db/sql.h"

enum wb_err db_is_empty(struct db *d, bool *ret)
{
    int64_t n = 0;
    enum wb_err err = db_query_int(d, "SELECT count(*) FROM sqlite_master", &n);

    if (err == WB_OK)
        *ret = n == 0;
    return err;
}

enum wb_err db_has_table(struct db *d, const char *table, bool *ret)
{
    return sql_exists(d, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
                      BINDS(BIND_TEXT(table)), ret);
}

enum wb_err db_count_tables(struct db *d, const char *const *names, size_t *ret)
{
    size_t n = 0;
    enum wb_err err = WB_OK;

    for (; *names; names++) {
        bool there = false;

        TRY(db_has_table(d, *names, &there));
        n += there;
    }
    *ret = n;
out:
    return err;
}

enum wb_err db_has_name(struct db *d, const char *name, bool *ret)
{
    return sql_exists(d, "SELECT 1 FROM sqlite_master WHERE name = ?", BINDS(BIND_TEXT(name)), ret);
}

enum wb_err db_has_column(struct db *d, const char *table, const char *column, bool *ret)
{
    return sql_exists(d, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?",
                      BINDS(BIND_TEXT(table), BIND_TEXT(column)), ret);
}

enum wb_err db_has_any_column(struct db *d, const char *table, const char *column, bool *ret)
{
    return sql_exists(d, "SELECT 1 FROM pragma_table_xinfo(?) WHERE name = ?",
                      BINDS(BIND_TEXT(table), BIND_TEXT(column)), ret);
}

enum wb_err db_get_version(struct db *d, int64_t *ret)
{
    return db_query_int(d, "PRAGMA user_version", ret);
}

enum wb_err db_set_version(struct db *d, int version)
{
    char sql[48];

    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    return db_exec(d, sql);
}

enum wb_err db_set_foreign_keys(struct db *d, bool on)
{
    return db_exec(d, on ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF");
}
