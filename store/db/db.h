/* db.h - one SQLite connection and its prepared statements; private to store/. db/ is the port to
 * the database: it knows connections, statements and damage, and no table of ours nor a store.
 *
 * A transaction begins with the first write statement (stmt_write) and ends with db_commit() or
 * db_rollback(). The savepoint of a mark (store_mark) is also made only then. */
#ifndef STORE_DB_DB_H
#define STORE_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct sqlite3;
struct sqlite3_stmt;

enum {
    DB_STATEMENTS_MAX = 112, /* kept prepared, about 3 kB each */
    DB_BUSY_TIMEOUT_MS = 5000,
    DB_STOP_WAIT_MS = 1000,   /* for readers, of the 5 s that a stop may take */
    DB_HURRIED_WAIT_MS = 100, /* for a lock, once somebody waits for this process to end */
    DB_BUSY_POLL_MS = 10,
    DB_CACHE_KB = 1024, /* a batch of 256 messages changes some 200 pages of 4 kB: with less room
                           they are written and read again before its commit */
    /* With so many pages in the log (4 MB, SQLite's own default) a checkpoint is due. It is done
     * when the connection's owner has nothing more urgent (db_checkpoint()); with four times as
     * many it is done at once. */
    DB_CHECKPOINT_PAGES = 1000,
    DB_CHECKPOINT_PAGES_MAX = 4 * DB_CHECKPOINT_PAGES,
    /* A larger log is cut when it next begins anew. The limit is above what a log needs between two
     * checkpoints: a flush of a file that need not grow writes the file's pages alone. Otherwise
     * the file system's journal is flushed too, where other programs' writes may stand first. */
    DB_LOG_KEEP_BYTES = 16 << 20,
};

/* Which file this is on its disk, under whatever name. */
struct db_identity {
    dev_t dev;
    ino_t ino; /* 0: not known */
};

struct db_statement {
    const char *sql; /* a string literal: found by its address */
    struct sqlite3_stmt *stmt;
    uint64_t used_at;
    bool busy;
};

struct db {
    struct sqlite3 *h; /* NULL: closed */
    char *path;
    bool in_tx;
    bool mark;          /* store_mark() was called */
    bool mark_on;       /* the savepoint of that mark exists */
    enum wb_err failed; /* error of a write, or of the begin before it: the open transaction can
                           only be rolled back, to the mark at least */
    uint64_t uses;
    struct db_statement statements[DB_STATEMENTS_MAX];
    size_t nstatements;
    struct db_identity file, log, index; /* index: the log's, "-shm" */
    int log_pages;                       /* after the last commit; 0: checkpointed since */
    bool corrupt;                        /* SQLite found it malformed since it was opened */
    char error[256];
    /* How long to wait for another program's lock, and whether to end that wait early:
     * db_set_wait(). */
    int wait_ms;
    bool (*hurried)(void);
    int64_t waits_since_ms;
    bool (*function)(int64_t v, char *text); /* of ours in SQL: db_add_function() */
    int64_t data_version;                    /* as db_written_by_others() last saw it; 0: never */
};

/* Before SQLite opens a file, its log, index and journal by their names: NOT_PLAIN when one of
 * these is something that could make it wait (base/plain_file.h). */
enum wb_err db_look(struct db *d, const char *path) WB_MUST_CHECK;
/* Opens an existing file for reading and writing; changes nothing in it (foreign keys, busy timeout
 * and cache size are the connection's own). */
enum wb_err db_open(struct db *d, const char *path) WB_MUST_CHECK;
/* How long the calls after this one wait for another program's lock (0: not at all); db_open()
 * begins with DB_BUSY_TIMEOUT_MS. hurried is asked while waiting; when it says yes, a wait that is
 * longer than DB_STOP_WAIT_MS ends after DB_HURRIED_WAIT_MS. NULL: never. d must stay where it is.
 */
void db_set_wait(struct db *d, int ms, bool (*hurried)(void));
/* WAL, synchronous=FULL: writes the file's header when the mode changes. */
enum wb_err db_set_wal(struct db *d) WB_MUST_CHECK;
/* Is a checkpoint due? db_checkpoint() does it, between two transactions. A checkpoint that fails
 * is due again after the next commit: the log still has everything. */
bool db_checkpoint_due(const struct db *d);
void db_checkpoint(struct db *d);
/* Checkpoints and leaves the file in journal mode DELETE; LOCKED while another connection is open,
 * for which it waits at most wait_ms. */
enum wb_err db_set_delete_mode(struct db *d, int wait_ms) WB_MUST_CHECK;
/* keep: closing leaves a log beside the file as it is. For a file that is not known to be good: a
 * log of another file would be written into it. */
void db_keep_log(struct db *d, bool keep);
/* Gives clean cached pages back to malloc. */
void db_release_memory(struct db *d);
/* Rolls back and closes. */
void db_close(struct db *d);

/* Any number of statements without result. */
enum wb_err db_exec(struct db *d, const char *sql) WB_MUST_CHECK;
/* First column of the first row as a number; NOT_FOUND without a row. */
enum wb_err db_query_int(struct db *d, const char *sql, int64_t *ret) WB_MUST_CHECK;

enum db_names {
    DB_NAMES_OURS,
    DB_NAMES_LOG_GONE,  /* the name of the log or its index leads to nothing or elsewhere */
    DB_NAMES_FILE_GONE, /* the name of the database leads to nothing or elsewhere */
};
/* Do the names still lead to what is open? A few microseconds. A name that cannot be looked at
 * counts as leading there. */
enum db_names db_look_at_names(const struct db *d);
/* Writes all of the log into the database; LOCKED while a reader prevents that. */
enum wb_err db_empty_log(struct db *d) WB_MUST_CHECK;

/* Has another connection committed since the last call (the first one says no)? Cheap: looks at the
 * header of the log. */
enum wb_err db_written_by_others(struct db *d, bool *ret_written) WB_MUST_CHECK;

enum wb_err db_begin(struct db *d) WB_MUST_CHECK; /* when not yet begun; makes the savepoint too */
/* db_begin() without the savepoint: for a statement whose effect the caller takes back by itself.
 */
enum wb_err db_begin_unmarked(struct db *d) WB_MUST_CHECK;
/* Rolls back when the commit fails, and when a write has failed before: a caller that overlooked
 * that error must not leave half of something. */
enum wb_err db_commit(struct db *d) WB_MUST_CHECK;
void db_rollback(struct db *d);
enum wb_err db_mark_keep(struct db *d) WB_MUST_CHECK;
enum wb_err db_mark_undo(struct db *d) WB_MUST_CHECK;

/* SQLite's result code as ours; keeps the message in d->error. */
enum wb_err db_error(struct db *d, int rc);
/* The handle of the statement with this literal, prepared once. */
enum wb_err db_statement(struct db *d, const char *sql, struct sqlite3_stmt **ret) WB_MUST_CHECK;
void db_statement_done(struct db *d, struct sqlite3_stmt *stmt);

#endif
