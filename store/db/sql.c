#include "store/db/sql.h"

void sql_bind(struct stmt *q, const struct sql_bind *values)
{
    for (const struct sql_bind *b = values; b->kind != SQL_BIND_END; b++) {
        switch (b->kind) {
        case SQL_BIND_END:
            break;
        case SQL_BIND_INT:
            stmt_int(q, b->v.number);
            break;
        case SQL_BIND_TEXT:
            stmt_text(q, b->v.text);
            break;
        case SQL_BIND_SPAN:
            stmt_text_span(q, b->v.bytes);
            break;
        case SQL_BIND_OR_EMPTY:
            stmt_text_or_empty(q, b->v.bytes);
            break;
        case SQL_BIND_BLOB:
            stmt_blob(q, b->v.bytes);
            break;
        case SQL_BIND_JID:
            stmt_jid(q, b->v.jid);
            break;
        case SQL_BIND_ADDRESS:
            stmt_address(q, b->v.jid);
            break;
        }
    }
}

enum wb_err sql_run(struct db *d, const char *sql, const struct sql_bind *values)
{
    struct stmt q;
    enum wb_err err = stmt_write(&q, d, sql);

    if (err != WB_OK)
        return err;
    sql_bind(&q, values);
    return stmt_run(&q);
}

enum wb_err sql_run_some(struct db *d, const char *sql, const struct sql_bind *values, size_t most,
                         bool *ret_more)
{
    enum wb_err err = sql_run(d, sql, values);

    if (err == WB_OK)
        *ret_more = stmt_changes(d) == most;
    return err;
}

enum wb_err sql_run_all(struct db *d, const char *const *sql, const struct sql_bind *values)
{
    enum wb_err err = WB_OK;

    for (; err == WB_OK && *sql; sql++)
        err = sql_run(d, *sql, values);
    return err;
}

/* Reads the first row. WB_OK: the statement stands at the row and stmt_end() is owed; else it has
 * ended. */
static enum wb_err first_row(struct stmt *q, struct db *d, const char *sql,
                             const struct sql_bind *values)
{
    enum wb_err err = stmt_read(q, d, sql);

    if (err != WB_OK)
        return err;
    sql_bind(q, values);
    err = stmt_step(q);
    if (err != WB_OK)
        stmt_end(q);
    return err;
}

static enum wb_err put_column(struct stmt *q, int i, const struct sql_col *c)
{
    switch (c->kind) {
    case SQL_COL_END:
        break;
    case SQL_COL_INT:
        *c->to.number = stmt_col_int(q, i);
        break;
    case SQL_COL_UINT32:
        *c->to.uint32 = (uint32_t)stmt_col_int(q, i);
        break;
    case SQL_COL_SIZE:
        *c->to.size = (size_t)stmt_col_int(q, i);
        break;
    case SQL_COL_BOOL:
        *c->to.boolean = stmt_col_int(q, i) != 0;
        break;
    case SQL_COL_TEXT:
        stmt_col_text(q, i, c->to.text, c->n);
        break;
    case SQL_COL_BYTES:
        return stmt_col_bytes(q, i, c->to.bytes, c->n);
    case SQL_COL_JID:
        *c->to.jid = stmt_col_jid(q, i);
        break;
    case SQL_COL_COPY:
        return stmt_col_copy(q, i, c->arena, c->to.span);
    case SQL_COL_APPEND:
        buf_append(c->to.buf, stmt_col_span(q, i));
        return buf_err(c->to.buf);
    }
    return WB_OK;
}

/* Bytes of a wrong length are found before any place is written. Those of the first column need no
 * look of their own. */
static enum wb_err look_at_lengths(struct stmt *q, const struct sql_col *places)
{
    if (places[0].kind == SQL_COL_END)
        return WB_OK;
    for (int i = 1; places[i].kind != SQL_COL_END; i++) {
        if (places[i].kind != SQL_COL_BYTES)
            continue;
        const struct span s = stmt_col_span(q, i);
        if (!s.p || s.n != places[i].n)
            return WB_ERR_DB_CORRUPT;
    }
    return WB_OK;
}

enum wb_err sql_row(struct db *d, const char *sql, const struct sql_bind *values,
                    const struct sql_col *places)
{
    struct stmt q;
    enum wb_err err = first_row(&q, d, sql, values);

    if (err != WB_OK)
        return err;
    err = look_at_lengths(&q, places);
    for (int i = 0; err == WB_OK && places[i].kind != SQL_COL_END; i++)
        err = put_column(&q, i, &places[i]);
    stmt_end(&q);
    return err;
}

enum wb_err sql_row_by(struct db *d, const char *sql, const struct sql_bind *values,
                       enum wb_err (*read)(struct stmt *q, void *ctx), void *ctx)
{
    struct stmt q;
    enum wb_err err = first_row(&q, d, sql, values);

    if (err != WB_OK)
        return err;
    err = read(&q, ctx);
    stmt_end(&q);
    return err;
}

enum wb_err sql_each(struct db *d, const char *sql, const struct sql_bind *values,
                     enum wb_err (*read)(struct stmt *q, void *ctx), void *ctx)
{
    struct stmt q;
    enum wb_err err = stmt_read(&q, d, sql);

    if (err != WB_OK)
        return err;
    sql_bind(&q, values);
    while ((err = stmt_step(&q)) == WB_OK) {
        err = read(&q, ctx);
        if (err != WB_OK) {
            stmt_end(&q);
            return err;
        }
    }
    stmt_end(&q);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

enum wb_err sql_rows(struct db *d, const char *sql, const struct sql_bind *values,
                     enum wb_err (*read)(struct stmt *q, void *element), void *array, size_t size,
                     size_t max, size_t *ret_n)
{
    struct stmt q;
    size_t n = 0;
    enum wb_err err = stmt_read(&q, d, sql);

    if (err != WB_OK)
        return err;
    sql_bind(&q, values);
    for (; n < max && (err = stmt_step(&q)) == WB_OK; n++) {
        err = read(&q, (char *)array + n * size);
        if (err != WB_OK) {
            stmt_end(&q);
            return err;
        }
    }
    stmt_end(&q);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    *ret_n = n;
    return WB_OK;
}

enum wb_err sql_exists(struct db *d, const char *sql, const struct sql_bind *values, bool *ret)
{
    struct stmt q;
    enum wb_err err = first_row(&q, d, sql, values);

    if (err == WB_OK)
        stmt_end(&q);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    *ret = err == WB_OK;
    return WB_OK;
}

enum wb_err sql_int(struct db *d, const char *sql, const struct sql_bind *values, int64_t *ret)
{
    struct stmt q;
    enum wb_err err = first_row(&q, d, sql, values);

    if (err == WB_OK) {
        *ret = stmt_col_int(&q, 0);
        stmt_end(&q);
    }
    return err;
}
