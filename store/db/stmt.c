#include "store/db/stmt.h"

#include <sqlite3.h>

#include "base/text.h"

enum wb_err stmt_read(struct stmt *q, struct db *d, const char *sql)
{
    struct sqlite3_stmt *h = NULL;
    enum wb_err err = db_statement(d, sql, &h);

    if (err == WB_OK)
        *q = (struct stmt){d, h, 1, SQLITE_OK, false};
    return err;
}

static void note_failure(struct db *d, enum wb_err err)
{
    if (d->failed == WB_OK && (wb_err_class(err) == WB_CLASS_LOCAL || err == WB_ERR_LOCKED))
        d->failed = err;
}

/* begun: the result of beginning the transaction. */
static enum wb_err prepare_write(struct stmt *q, struct db *d, const char *sql, enum wb_err begun)
{
    enum wb_err err = begun == WB_OK ? stmt_read(q, d, sql) : begun;

    if (err == WB_OK)
        q->write = true;
    else
        note_failure(d, err);
    return err;
}

enum wb_err stmt_write(struct stmt *q, struct db *d, const char *sql)
{
    return prepare_write(q, d, sql, db_begin(d));
}

enum wb_err stmt_write_unmarked(struct stmt *q, struct db *d, const char *sql)
{
    return prepare_write(q, d, sql, db_begin_unmarked(d));
}

static void bound(struct stmt *q, int rc)
{
    q->next++;
    if (q->rc == SQLITE_OK)
        q->rc = rc;
}

void stmt_int(struct stmt *q, int64_t v)
{
    bound(q, sqlite3_bind_int64(q->h, q->next, v));
}

void stmt_null(struct stmt *q)
{
    bound(q, sqlite3_bind_null(q->h, q->next));
}

void stmt_text(struct stmt *q, const char *text)
{
    bound(q, sqlite3_bind_text(q->h, q->next, text, -1, SQLITE_STATIC));
}

void stmt_text_span(struct stmt *q, struct span text)
{
    bound(q, sqlite3_bind_text64(q->h, q->next, (const char *)text.p, text.n, SQLITE_STATIC,
                                 SQLITE_UTF8));
}

void stmt_text_or_empty(struct stmt *q, struct span text)
{
    stmt_text_span(q, text.p ? text : SPAN_LIT(""));
}

void stmt_blob(struct stmt *q, struct span bytes)
{
    bound(q, sqlite3_bind_blob64(q->h, q->next, bytes.p, bytes.n, SQLITE_STATIC));
}

void stmt_jid(struct stmt *q, const struct jid *j)
{
    char text[JID_TEXT_MAX];

    if (jid_is_none(j)) {
        stmt_null(q);
        return;
    }
    bound(q, sqlite3_bind_text(q->h, q->next, jid_text(j, text), -1, SQLITE_TRANSIENT));
}

void stmt_address(struct stmt *q, const struct jid *j)
{
    char text[JID_TEXT_MAX];

    bound(q, sqlite3_bind_text(q->h, q->next, jid_signal_address(j, text), -1, SQLITE_TRANSIENT));
}

enum wb_err stmt_step(struct stmt *q)
{
    int rc = q->rc != SQLITE_OK ? q->rc : sqlite3_step(q->h);

    if (rc == SQLITE_ROW)
        return WB_OK;
    if (rc == SQLITE_DONE)
        return WB_ERR_NOT_FOUND;
    enum wb_err err = db_error(q->db, rc);
    if (q->write)
        note_failure(q->db, err);
    return err;
}

void stmt_end(struct stmt *q)
{
    if (q->h)
        db_statement_done(q->db, q->h);
    q->h = NULL;
}

enum wb_err stmt_run(struct stmt *q)
{
    enum wb_err err;

    do
        err = stmt_step(q);
    while (err == WB_OK);
    stmt_end(q);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

size_t stmt_changes(const struct db *d)
{
    return (size_t)sqlite3_changes(d->h);
}

int64_t stmt_inserted(const struct db *d)
{
    return sqlite3_last_insert_rowid(d->h);
}

void stmt_inserted_forget(struct db *d)
{
    sqlite3_set_last_insert_rowid(d->h, 0);
}

int64_t stmt_col_int(struct stmt *q, int i)
{
    return sqlite3_column_int64(q->h, i);
}

struct span stmt_col_span(struct stmt *q, int i)
{
    int type = sqlite3_column_type(q->h, i);

    if (type == SQLITE_NULL)
        return SPAN_NULL;
    const void *p =
        type == SQLITE_BLOB ? sqlite3_column_blob(q->h, i) : sqlite3_column_text(q->h, i);
    size_t n = (size_t)sqlite3_column_bytes(q->h, i);
    /* An empty blob comes as a NULL pointer; it is present all the same. */
    return p ? SPAN(p, n) : SPAN("", 0);
}

void stmt_col_text(struct stmt *q, int i, char *out, size_t size)
{
    struct span s = stmt_col_span(q, i);
    const uint8_t *nul = s.n ? memchr(s.p, 0, s.n) : NULL;

    if (nul)
        s.n = (size_t)(nul - s.p);
    s = s.n < size ? s : utf8_valid(s) ? utf8_first(s, size - 1) : span_first(s, size - 1);
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

enum wb_err stmt_col_bytes(struct stmt *q, int i, uint8_t *out, size_t n)
{
    struct span s = stmt_col_span(q, i);

    if (!s.p || s.n != n)
        return WB_ERR_DB_CORRUPT;
    memcpy(out, s.p, n);
    return WB_OK;
}

struct jid stmt_col_jid(struct stmt *q, int i)
{
    struct jid j = {0};
    struct span s = stmt_col_span(q, i);

    if (!s.n || jid_parse(s, &j) != WB_OK)
        return (struct jid){0};
    return j;
}

enum wb_err stmt_col_copy(struct stmt *q, int i, struct arena *a, struct span *ret)
{
    struct span s = stmt_col_span(q, i);

    if (!s.p) {
        *ret = SPAN_NULL;
        return WB_OK;
    }
    struct span copy = arena_copy(a, s);
    if (!copy.p)
        return WB_ERR_NOMEM;
    *ret = copy;
    return WB_OK;
}
