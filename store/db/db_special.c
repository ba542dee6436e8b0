#include "store/db/db_special.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum wb_err db_open_reading(struct db *d, const char *path)
{
    enum wb_err err;

    memset(d, 0, sizeof *d);
    d->path = strdup(path);
    if (!d->path)
        return WB_ERR_NOMEM;
    TRY(db_look(d, path));
    /* Not READONLY: after a crash SQLite must be able to bring the log's index up to date. */
    int rc = sqlite3_open_v2(path, &d->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return db_error(d, rc);
    db_set_wait(d, DB_BUSY_TIMEOUT_MS, NULL);
    db_keep_log(d, true);
    sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_wal_autocheckpoint(d->h, 0);
    TRY(db_exec(d, "PRAGMA cache_size = -256"));
    err = db_exec(d, "PRAGMA query_only = ON");
out:
    return err;
}

enum wb_err db_copy_pages(struct db *from, struct db *to, int pages,
                          enum wb_err (*stepped)(void *ctx, bool done), void *ctx)
{
    enum wb_err err = WB_OK;
    int rc = SQLITE_OK;
    sqlite3_backup *b = sqlite3_backup_init(to->h, "main", from->h, "main");

    if (!b)
        err = db_error(to, sqlite3_errcode(to->h));
    while (err == WB_OK && rc != SQLITE_DONE) {
        rc = sqlite3_backup_step(b, pages);
        if (rc != SQLITE_OK && rc != SQLITE_DONE)
            break;
        err = stepped(ctx, rc == SQLITE_DONE);
    }
    int end = b ? sqlite3_backup_finish(b) : SQLITE_OK;
    if (err == WB_OK)
        err = db_error(to, end);
    return err;
}

enum wb_err db_exec_format(struct db *d, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    char *sql = sqlite3_vmprintf(format, ap);
    va_end(ap);
    if (!sql)
        return WB_ERR_NOMEM;
    enum wb_err err = db_exec(d, sql);
    sqlite3_free(sql);
    return err;
}

void db_let_schema_be_written(struct db *d, bool on)
{
    if (on)
        sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    sqlite3_db_config(d->h, SQLITE_DBCONFIG_WRITABLE_SCHEMA, on ? 1 : 0, NULL);
    if (!on)
        sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
}

static void call(sqlite3_context *ctx, int n, sqlite3_value **values)
{
    const struct db *d = sqlite3_user_data(ctx);
    char text[DB_FUNCTION_TEXT_MAX];

    (void)n;
    if (d->function(sqlite3_value_int64(values[0]), text))
        sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_value(ctx, values[0]);
}

enum wb_err db_add_function(struct db *d, const char *name, bool (*of)(int64_t v, char *text))
{
    d->function = of;
    return sqlite3_create_function(d->h, name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, d, call, NULL,
                                   NULL) == SQLITE_OK
               ? WB_OK
               : WB_ERR_NOMEM;
}

const char *db_version(void)
{
    return sqlite3_libversion();
}
