/* sql.h - one SQL statement in one call; private to store/. Knows no table.
 *
 *     enum wb_err err = sql_run(&s->wa, "UPDATE … SET a = ? WHERE b = ?",
 *                               BINDS(BIND_INT(5), BIND_TEXT(name)));
 *     enum wb_err err = sql_row(&s->wa, "SELECT a, c FROM … WHERE b = ?",
 *                               BINDS(BIND_TEXT(name)), COLS(COL_INT(&a), COL_JID(&c)));
 *
 * BINDS() has a value for each parameter, in order; COLS() has a place for each column, in order.
 * Each value and each place has its type in its name, so that the compiler refuses a wrong one.
 * Both lists stand on the stack and nothing is allocated. The sql is a literal, as in stmt.h.
 * A statement that needs more than this header has (values in a loop, a RETURNING) is written with
 * stmt.h. */
#ifndef STORE_DB_SQL_H
#define STORE_DB_SQL_H

#include "base/buf.h"
#include "store/db/stmt.h"

/* ---- values of parameters ---- */

enum sql_bind_kind {
    SQL_BIND_END,
    SQL_BIND_INT,
    SQL_BIND_TEXT,
    SQL_BIND_SPAN,
    SQL_BIND_OR_EMPTY,
    SQL_BIND_BLOB,
    SQL_BIND_JID,
    SQL_BIND_ADDRESS,
};

struct sql_bind {
    enum sql_bind_kind kind;
    union {
        int64_t number;
        const char *text;
        struct span bytes;
        const struct jid *jid;
    } v;
};

#define BINDS(...) ((const struct sql_bind[]){__VA_ARGS__, {.kind = SQL_BIND_END}})

/* For a statement without parameters. */
#define NO_BINDS ((const struct sql_bind[]){{.kind = SQL_BIND_END}})

#define BIND_INT(value) ((struct sql_bind){SQL_BIND_INT, {.number = (value)}})
/* NULL, SPAN_NULL or JID_NONE is bound as SQL NULL. */
#define BIND_TEXT(string) ((struct sql_bind){SQL_BIND_TEXT, {.text = (string)}})
#define BIND_SPAN(span)   ((struct sql_bind){SQL_BIND_SPAN, {.bytes = (span)}})
/* Text; SPAN_NULL is ''. */
#define BIND_OR_EMPTY(span) ((struct sql_bind){SQL_BIND_OR_EMPTY, {.bytes = (span)}})
#define BIND_BLOB(span)     ((struct sql_bind){SQL_BIND_BLOB, {.bytes = (span)}})
#define BIND_JID(pointer)   ((struct sql_bind){SQL_BIND_JID, {.jid = (pointer)}})
/* The text form of a device's Signal address. */
#define BIND_ADDRESS(pointer) ((struct sql_bind){SQL_BIND_ADDRESS, {.jid = (pointer)}})

/* The values of a statement that stmt.h has begun. Their bytes must live until it ends. */
void sql_bind(struct stmt *q, const struct sql_bind *values);

/* ---- places for columns ---- */

enum sql_col_kind {
    SQL_COL_END,
    SQL_COL_INT,
    SQL_COL_UINT32,
    SQL_COL_SIZE,
    SQL_COL_BOOL,
    SQL_COL_TEXT,
    SQL_COL_BYTES,
    SQL_COL_JID,
    SQL_COL_COPY,
    SQL_COL_APPEND,
};

struct sql_col {
    enum sql_col_kind kind;
    union {
        int64_t *number;
        uint32_t *uint32;
        size_t *size;
        bool *boolean;
        char *text;
        uint8_t *bytes;
        struct jid *jid;
        struct span *span;
        struct buf *buf;
    } to;
    size_t n;            /* of text: its room; of bytes: how many there must be */
    struct arena *arena; /* of a copy */
};

#define COLS(...) ((const struct sql_col[]){__VA_ARGS__, {.kind = SQL_COL_END}})

#define COL_INT(pointer)    ((struct sql_col){SQL_COL_INT, {.number = (pointer)}, 0, NULL})
#define COL_UINT32(pointer) ((struct sql_col){SQL_COL_UINT32, {.uint32 = (pointer)}, 0, NULL})
#define COL_SIZE(pointer)   ((struct sql_col){SQL_COL_SIZE, {.size = (pointer)}, 0, NULL})
#define COL_BOOL(pointer)   ((struct sql_col){SQL_COL_BOOL, {.boolean = (pointer)}, 0, NULL})
/* Cut to size - 1 bytes at a character; "" for NULL. */
#define COL_TEXT(out, size)    ((struct sql_col){SQL_COL_TEXT, {.text = (out)}, (size), NULL})
#define COL_BYTES(out, length) ((struct sql_col){SQL_COL_BYTES, {.bytes = (out)}, (length), NULL})
/* JID_NONE for NULL, '' and what is unreadable. */
#define COL_JID(pointer) ((struct sql_col){SQL_COL_JID, {.jid = (pointer)}, 0, NULL})
/* The span becomes a copy in the arena, with a NUL behind it; SPAN_NULL for NULL. */
#define COL_COPY(arena, pointer) ((struct sql_col){SQL_COL_COPY, {.span = (pointer)}, 0, (arena)})
/* Behind what the buffer has already. */
#define COL_APPEND(pointer) ((struct sql_col){SQL_COL_APPEND, {.buf = (pointer)}, 0, NULL})

/* ---- the calls ---- */

/* Runs a write to its end; stmt_changes() says how many rows it changed. */
enum wb_err sql_run(struct db *d, const char *sql, const struct sql_bind *values) WB_MUST_CHECK;
/* A write that changes at most `most` rows. *ret_more: it changed that many, so run it again. */
enum wb_err sql_run_some(struct db *d, const char *sql, const struct sql_bind *values, size_t most,
                         bool *ret_more) WB_MUST_CHECK;
/* sql_run() with each of several statements that have the same parameters; sql ends with a NULL. */
enum wb_err sql_run_all(struct db *d, const char *const *sql,
                        const struct sql_bind *values) WB_MUST_CHECK;
/* The first row. NOT_FOUND: there is none; DB_CORRUPT: bytes do not have the length that COL_BYTES
 * says. In both cases no place is written. */
enum wb_err sql_row(struct db *d, const char *sql, const struct sql_bind *values,
                    const struct sql_col *places) WB_MUST_CHECK;
/* The first row, read by a function: for a struct that several statements fill in. Returns what the
 * function returns. NOT_FOUND: there is no row. */
enum wb_err sql_row_by(struct db *d, const char *sql, const struct sql_bind *values,
                       enum wb_err (*read)(struct stmt *q, void *ctx), void *ctx) WB_MUST_CHECK;
/* Each row in turn, by such a function, whose first error ends the loop. WB_OK also without a row.
 */
enum wb_err sql_each(struct db *d, const char *sql, const struct sql_bind *values,
                     enum wb_err (*read)(struct stmt *q, void *ctx), void *ctx) WB_MUST_CHECK;
/* Rows into an array, at most max: the function fills in one element of it. */
enum wb_err sql_rows(struct db *d, const char *sql, const struct sql_bind *values,
                     enum wb_err (*read)(struct stmt *q, void *element), void *array, size_t size,
                     size_t max, size_t *ret_n) WB_MUST_CHECK;
/* Is there a row? */
enum wb_err sql_exists(struct db *d, const char *sql, const struct sql_bind *values,
                       bool *ret) WB_MUST_CHECK;
/* The first column of the first row. NOT_FOUND: there is no row. */
enum wb_err sql_int(struct db *d, const char *sql, const struct sql_bind *values,
                    int64_t *ret) WB_MUST_CHECK;

#endif
