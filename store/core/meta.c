#include "store/core/meta.h"

#include "store/core/state.h"
#include "store/db/stmt.h"

enum wb_err store_meta_put(struct store *s, const char *name, struct span value)
{
    struct stmt q;
    enum wb_err err;
    if (value.n > STORE_META_MAX)
        return WB_ERR_TOO_LARGE;
    if (!value.p) {
        TRY(stmt_write(&q, &s->wa, "DELETE FROM bridge_meta WHERE name = ?"));
        stmt_text(&q, name);
        return stmt_run(&q);
    }
    TRY(stmt_write(&q, &s->wa, "INSERT OR REPLACE INTO bridge_meta (name, value) VALUES (?, ?)"));
    stmt_text(&q, name);
    stmt_blob(&q, value);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_meta_put_int(struct store *s, const char *name, int64_t value)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa, "INSERT OR REPLACE INTO bridge_meta (name, value) VALUES (?, ?)"));
    stmt_text(&q, name);
    stmt_int(&q, value);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_meta_get(struct store *s, const char *name, struct buf *out)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_read(&q, &s->wa, "SELECT value FROM bridge_meta WHERE name = ?"));
    stmt_text(&q, name);
    err = stmt_step(&q);
    if (err == WB_OK) {
        buf_append(out, stmt_col_span(&q, 0));
        err = buf_err(out);
    }
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_meta_get_int(struct store *s, const char *name, int64_t *ret)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_read(&q, &s->wa,
                  "SELECT value FROM bridge_meta WHERE name = ? AND typeof(value) = 'integer'"));
    stmt_text(&q, name);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret = stmt_col_int(&q, 0);
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_meta_not_foreign(struct store *s)
{
    return db_exec(&s->wa, "UPDATE bridge_meta SET value = 0 WHERE name = '" STORE_META_FOREIGN
                           "' AND value <> 0");
}
