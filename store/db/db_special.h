/* db_special.h - what single callers ask of SQLite beside statements: a copy of a file in use, SQL
 * made of names, a function of ours in SQL; private to store/. With db.h and stmt.h the port to
 * the database: nobody else includes SQLite's header. */
#ifndef STORE_DB_DB_SPECIAL_H
#define STORE_DB_DB_SPECIAL_H

#include "store/db/db.h"

/* A connection that only reads. It never checkpoints, and a log beside the file stays as it is. */
enum wb_err db_open_reading(struct db *d, const char *path) WB_MUST_CHECK;
/* Copies all pages of one file into another, which is empty, so many pages at a step. stepped is
 * called after each step; done: it was the last one. An error of stepped ends the copying. */
enum wb_err db_copy_pages(struct db *from, struct db *to, int pages,
                          enum wb_err (*stepped)(void *ctx, bool done), void *ctx) WB_MUST_CHECK;

/* As db_exec(), of a format of SQLite's own printf(): %w is a name between double quotes. */
enum wb_err db_exec_format(struct db *d, const char *format, ...) WB_MUST_CHECK;
/* While the schema may be written, SQLite deletes a row even when an index lacks its entry;
 * otherwise that is an error. */
void db_let_schema_be_written(struct db *d, bool on);

enum { DB_FUNCTION_TEXT_MAX = 64 };
/* A function of one number for SQL statements: gives text, or the value itself when of() says
 * false. One per connection; d must stay where it is. NOMEM. */
enum wb_err db_add_function(struct db *d, const char *name,
                            bool (*of)(int64_t v, char *text)) WB_MUST_CHECK;

/* SQLite's version: "3.40.1". */
const char *db_version(void);

#endif
