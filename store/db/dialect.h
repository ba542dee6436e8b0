/* dialect.h - the words of our SQL that only SQLite knows; private to store/.
 *
 * A session may one day be kept in PostgreSQL. Its statements avoid what only SQLite reads, where
 * that costs nothing. Where SQLite needs its own word, or would be slower without it, the word has
 * a name here, and a second database would put its own behind that name. tests/check_dialect.py
 * refuses the words of its list elsewhere; what PostgreSQL would still read differently stands in
 * docs/databases.md. messages.db is read by other programs and stays SQLite. */
#ifndef STORE_DB_DIALECT_H
#define STORE_DB_DIALECT_H

/* The greater of two numbers that are not NULL. SQLite calls it max(a, b), PostgreSQL
 * greatest(a, b); both read this. Each text is repeated, so a parameter has a number: "?3". */
#define SQL_GREATER(a, b) "CASE WHEN " a " >= " b " THEN " a " ELSE " b " END"

/* Stands behind the name of a table and says by which index its rows are found: SQLite has no
 * statistics of our files and sometimes takes another index. A database that keeps statistics needs
 * no such hint. */
#define SQL_BY_INDEX(name) " INDEXED BY " name
#define SQL_BY_NO_INDEX    " NOT INDEXED"

/* The order in which the rows of a table were added. PostgreSQL keeps no such number by itself: the
 * table would need a column for it. */
#define SQL_ROW_NUMBER "rowid"

/* The seconds that a text of messages.db stands for, with its zone and fractions of a second, as Go
 * writes it; NULL when it is no time. */
#define SQL_TEXT_SECONDS(column)    "CAST(strftime('%s', " column ") AS INTEGER)"
#define SQL_TEXT_IS_TIME(column)    "strftime('%s', " column ") IS NOT NULL"
#define SQL_TEXT_IS_NO_TIME(column) "strftime('%s', " column ") IS NULL"

#endif
