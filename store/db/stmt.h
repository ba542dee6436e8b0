/* stmt.h - one use of a prepared statement; private to store/.
 *
 *     struct stmt q;
 *     TRY(stmt_write(&q, &s->wa, "UPDATE … SET a = ? WHERE b = ?"));
 *     stmt_int(&q, 5);
 *     stmt_text(&q, name);
 *     TRY(stmt_run(&q));
 *
 * Parameters are bound in order; a failed bind is reported by the step. Bound bytes must live until
 * stmt_run()/stmt_end(). stmt_run() ends the use by itself; after stmt_step() call stmt_end(). */
#ifndef STORE_DB_STMT_H
#define STORE_DB_STMT_H

#include "base/arena.h"
#include "base/span.h"
#include "proto/jid.h"
#include "store/db/db.h"

struct stmt {
    struct db *db;
    struct sqlite3_stmt *h;
    int next; /* parameter to bind */
    int rc;   /* first failed bind */
    bool write;
};

/* sql is a literal (cached by its address). */
enum wb_err stmt_read(struct stmt *q, struct db *d, const char *sql) WB_MUST_CHECK;
enum wb_err stmt_write(struct stmt *q, struct db *d, const char *sql) WB_MUST_CHECK;
/* As stmt_write(), but store_mark_undo() does not undo this write: the caller has to. */
enum wb_err stmt_write_unmarked(struct stmt *q, struct db *d, const char *sql) WB_MUST_CHECK;

void stmt_int(struct stmt *q, int64_t v);
void stmt_text(struct stmt *q, const char *text);          /* NULL: SQL NULL */
void stmt_text_span(struct stmt *q, struct span text);     /* SPAN_NULL: SQL NULL */
void stmt_text_or_empty(struct stmt *q, struct span text); /* SPAN_NULL: '' */
void stmt_blob(struct stmt *q, struct span bytes);         /* SPAN_NULL: SQL NULL */
void stmt_jid(struct stmt *q, const struct jid *j);        /* text form; JID_NONE: SQL NULL */
void stmt_address(struct stmt *q, const struct jid *j);    /* Signal address text */
void stmt_null(struct stmt *q);

/* WB_OK: a row. NOT_FOUND: no (more) row. */
enum wb_err stmt_step(struct stmt *q) WB_MUST_CHECK;
void stmt_end(struct stmt *q);
/* Steps to the end, ignores rows, ends. */
enum wb_err stmt_run(struct stmt *q) WB_MUST_CHECK;
/* Rows changed by the last stmt_run() on this database. */
size_t stmt_changes(const struct db *d);
/* rowid of the last INSERT on this database. */
int64_t stmt_inserted(const struct db *d);
/* Sets that rowid to 0, to see whether the next statement inserts. */
void stmt_inserted_forget(struct db *d);

/* Columns, from 0. Spans live until the next step or end. */
int64_t stmt_col_int(struct stmt *q, int i);
struct span stmt_col_span(struct stmt *q, int i); /* text or blob; NULL: SPAN_NULL */
/* Cut to size-1 bytes at a character; "" for NULL. */
void stmt_col_text(struct stmt *q, int i, char *out, size_t size);
/* Exactly n bytes or DB_CORRUPT. */
enum wb_err stmt_col_bytes(struct stmt *q, int i, uint8_t *out, size_t n) WB_MUST_CHECK;
/* NULL, '' or something unreadable: JID_NONE. */
struct jid stmt_col_jid(struct stmt *q, int i);
/* A copy in the arena, NUL behind it; NULL stays SPAN_NULL. */
enum wb_err stmt_col_copy(struct stmt *q, int i, struct arena *a, struct span *ret) WB_MUST_CHECK;

#endif
