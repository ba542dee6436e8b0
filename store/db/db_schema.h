/* db_schema.h - what a database has: tables, columns, its version; private to store/. A second kind
 * of database answers the same questions from its own lists. */
#ifndef STORE_DB_DB_SCHEMA_H
#define STORE_DB_DB_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;

/* Is the database empty: no table, index or trigger? */
enum wb_err db_is_empty(struct db *d, bool *ret) WB_MUST_CHECK;
enum wb_err db_has_table(struct db *d, const char *table, bool *ret) WB_MUST_CHECK;
/* How many of these tables there are; names ends with a NULL. */
enum wb_err db_count_tables(struct db *d, const char *const *names, size_t *ret) WB_MUST_CHECK;
/* Is there a table, an index or a trigger of this name? */
enum wb_err db_has_name(struct db *d, const char *name, bool *ret) WB_MUST_CHECK;
/* Has the table a column of this name that is not generated? No without the table. */
enum wb_err db_has_column(struct db *d, const char *table, const char *column,
                          bool *ret) WB_MUST_CHECK;
/* The same for any column, also one that is generated from others. */
enum wb_err db_has_any_column(struct db *d, const char *table, const char *column,
                              bool *ret) WB_MUST_CHECK;

/* A number that a program keeps beside the tables; 0 in a new file. */
enum wb_err db_get_version(struct db *d, int64_t *ret) WB_MUST_CHECK;
enum wb_err db_set_version(struct db *d, int version) WB_MUST_CHECK;
/* Does the database keep rows that other rows refer to (foreign keys)? On after db_open(). */
enum wb_err db_set_foreign_keys(struct db *d, bool on) WB_MUST_CHECK;

#endif
