#include "store/core/meta.h"

#include "store/core/state.h"
#include "store/db/sql.h"

enum wb_err store_meta_put(struct store *s, const char *name, struct span value)
{
    if (value.n > STORE_META_MAX)
        return WB_ERR_TOO_LARGE;
    if (!value.p)
        return sql_run(&s->wa, "DELETE FROM bridge_meta WHERE name = ?", BINDS(BIND_TEXT(name)));
    return sql_run(&s->wa,
                   "INSERT INTO bridge_meta (name, value) VALUES (?, ?)"
                   " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                   BINDS(BIND_TEXT(name), BIND_BLOB(value)));
}

enum wb_err store_meta_put_int(struct store *s, const char *name, int64_t value)
{
    return sql_run(&s->wa,
                   "INSERT INTO bridge_meta (name, value) VALUES (?, ?)"
                   " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                   BINDS(BIND_TEXT(name), BIND_INT(value)));
}

enum wb_err store_meta_get(struct store *s, const char *name, struct buf *out)
{
    return sql_row(&s->wa, "SELECT value FROM bridge_meta WHERE name = ?", BINDS(BIND_TEXT(name)),
                   COLS(COL_APPEND(out)));
}

enum wb_err store_meta_get_int(struct store *s, const char *name, int64_t *ret)
{
    return sql_int(&s->wa,
                   "SELECT value FROM bridge_meta WHERE name = ? AND typeof(value) = 'integer'",
                   BINDS(BIND_TEXT(name)), ret);
}

enum wb_err store_meta_not_foreign(struct store *s)
{
    return db_exec(&s->wa, "UPDATE bridge_meta SET value = 0 WHERE name = '" STORE_META_FOREIGN
                           "' AND value <> 0");
}
