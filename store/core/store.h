/* store.h - the store that all its functions take: opaque, with what can be asked of it at any
 * time. Core knows the two open files, the batch, and names and values of the store; it knows no
 * table of accounts or messages, no backup, and not how a store is opened (store/open/open.h).
 *
 * `struct store` holds one connection to whatsapp.db (whatsmeow's schema 15 and our bridge_ tables)
 * and one to messages.db. One thread uses it. Writes of every function in store/ gather in an open
 * batch (store/core/batch.h) and are durable after store_commit(); reads see the batch.
 *
 * Errors that any function of store/ may return and that are not repeated at each: NOMEM, NO_SPACE
 * (disk full), IO, DB_CORRUPT, DB (anything else of SQLite), LOCKED (another program held the
 * database longer than the busy timeout). After one of these the caller rolls back (store_rollback)
 * and closes its connection, so that the server delivers again (rule 1). */
#ifndef STORE_CORE_STORE_H
#define STORE_CORE_STORE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "store/core/limits.h"

struct store;

/* How messages.db holds times (docs/databases.md, P-MC-13). AUTO: as the file remembers, or at
 * first as its first row with a time does; integer in a new file. */
enum store_time_format { STORE_TIME_AUTO, STORE_TIME_INTEGER, STORE_TIME_TEXT };

enum store_file { STORE_FILE_NONE, STORE_FILE_WHATSAPP, STORE_FILE_MESSAGES };

/* Gives the pages that SQLite keeps for next time back to malloc (up to DB_CACHE_KB per file). */
void store_release_memory(struct store *s);

/* How long writes wait for another program that holds a database: USUAL five seconds, in which
 * nobody is answered; SHORT a tenth of one, for a stop; NONE not at all, for when it was seen that
 * somebody does not let go. USUAL at first, and until changed. */
enum store_wait { STORE_WAIT_USUAL, STORE_WAIT_SHORT, STORE_WAIT_NONE };
void store_set_wait(struct store *s, enum store_wait wait);

/* After a failure, before store_error_text(): does another program hold a database, and which? */
bool store_is_held(const struct store *s, enum store_file *ret_file);
/* SQLite's words for the failures since the last call, for the log: never NULL,
 * holds table and column names but no values. Lives until the next call. */
const char *store_error_text(struct store *s);
/* After NO_SPACE: the path of the database that found no space; call before store_error_text(). */
const char *store_full_path(struct store *s);
/* For people: what store_error_text() gives, or the words of err where that is nothing. */
const char *store_error_why(struct store *s, enum wb_err err);

/* The format in force for messages.db: INTEGER or TEXT, never AUTO. */
enum store_time_format store_time_format(const struct store *s);
/* Is that format another one than the file had, because the configuration says so? */
bool store_time_format_changed(const struct store *s);

#endif
