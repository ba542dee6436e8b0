#include "store/db/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/plain_file.h"
#include "store/files/limits.h"

enum { DB_LOG_NAME_MAX = STORE_PATH_MAX + 8 };

static enum wb_err from_sqlite(int rc, int extended)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return WB_OK;
    case SQLITE_FULL:
        return WB_ERR_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return WB_ERR_DB_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return WB_ERR_LOCKED;
    case SQLITE_NOMEM:
        return WB_ERR_NOMEM;
    case SQLITE_IOERR:
        /* A checksum or short read of a torn file is damage, not a failing disk. */
        return extended == SQLITE_IOERR_NOMEM ? WB_ERR_NOMEM : WB_ERR_IO;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return WB_ERR_IO;
    case SQLITE_TOOBIG:
        return WB_ERR_TOO_LARGE;
    default:
        return WB_ERR_DB;
    }
}

/* The system's error number for the file that failed: the log's, else the database's. */
static int last_errno(struct db *d)
{
    sqlite3_file *log = NULL;
    int error = 0;

    sqlite3_file_control(d->h, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log && log->pMethods)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
    if (!error)
        sqlite3_file_control(d->h, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
    return error ? error : sqlite3_system_errno(d->h);
}

enum wb_err db_error(struct db *d, int rc)
{
    enum wb_err err = from_sqlite(rc, d->h ? sqlite3_extended_errcode(d->h) : rc);
    const int system = err == WB_ERR_IO && d->h ? last_errno(d) : 0;

    d->corrupt = d->corrupt || err == WB_ERR_DB_CORRUPT;
    if (err != WB_OK)
        snprintf(d->error, sizeof d->error, "%s%s%s",
                 d->h ? sqlite3_errmsg(d->h) : sqlite3_errstr(rc), system ? ": " : "",
                 system ? strerror(system) : "");
    /* A quota that is used up, or no room for the -shm file, are input/output errors to SQLite. */
    return system == ENOSPC || system == EDQUOT ? WB_ERR_NO_SPACE : err;
}

enum wb_err db_exec(struct db *d, const char *sql)
{
    return db_error(d, sqlite3_exec(d->h, sql, NULL, NULL, NULL));
}

/* Replaces SQLite's own busy handler, whose wait nothing can end: a stop would come seconds late.
 */
static int on_busy(void *ctx, int tries)
{
    struct db *d = ctx;
    const int64_t now = clock_mono_ms(&clock_system);
    const struct timespec pause = {.tv_nsec = DB_BUSY_POLL_MS * 1000000L};
    int limit = d->wait_ms;

    if (tries == 0)
        d->waits_since_ms = now;
    if (limit > DB_STOP_WAIT_MS && d->hurried && d->hurried())
        limit = DB_HURRIED_WAIT_MS;
    if (now - d->waits_since_ms >= limit)
        return 0;
    nanosleep(&pause, NULL);
    return 1;
}

void db_set_wait(struct db *d, int ms, bool (*hurried)(void))
{
    d->wait_ms = ms;
    d->hurried = hurried;
    if (d->h)
        sqlite3_busy_handler(d->h, on_busy, d);
}

static struct db_identity identify(const char *path, const char *suffix)
{
    char name[DB_LOG_NAME_MAX];
    struct stat st;

    snprintf(name, sizeof name, "%s%s", path, suffix);
    if (stat(name, &st) != 0)
        return (struct db_identity){0};
    return (struct db_identity){st.st_dev, st.st_ino};
}

enum wb_err db_look(struct db *d, const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char name[DB_LOG_NAME_MAX];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (plain_look(name) == WB_ERR_NOT_PLAIN) {
            snprintf(d->error, sizeof d->error, "%s%s: not a plain file", path, suffixes[i]);
            return WB_ERR_NOT_PLAIN;
        }
    }
    return WB_OK;
}

enum wb_err db_open(struct db *d, const char *path)
{
    char pragma[64];
    enum wb_err err;

    /* SQLite's statistics of malloc() take a mutex each time. Once SQLite runs it refuses this
     * call, which is harmless. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    memset(d, 0, sizeof *d);
    d->path = strdup(path);
    if (!d->path)
        return WB_ERR_NOMEM;
    TRY(db_look(d, path));
    int rc = sqlite3_open_v2(path, &d->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        err = db_error(d, rc);
        goto out;
    }
    d->file = identify(path, "");
    db_set_wait(d, DB_BUSY_TIMEOUT_MS, NULL);
    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%d", DB_CACHE_KB);
    TRY(db_exec(d, pragma));
    TRY(db_exec(d, "PRAGMA foreign_keys = ON"));
    TRY(db_exec(d, "PRAGMA mmap_size = 0"));
    TRY(db_exec(d, "PRAGMA temp_store = MEMORY"));
    /* Used keys and old ratchets are overwritten on the disk, whatever the distribution's default
     * is. */
    TRY(db_exec(d, "PRAGMA secure_delete = ON"));
    /* Do not trust what a damaged file's schema says (SQLite's own advice). */
    sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    TRY(db_exec(d, "PRAGMA cell_size_check = ON"));
    err = WB_OK;
out:
    if (err != WB_OK) {
        char text[sizeof d->error];

        memcpy(text, d->error, sizeof text);
        db_close(d);
        memcpy(d->error, text, sizeof text);
    }
    return err;
}

/* Sets a journal mode and checks that SQLite took it. */
static enum wb_err set_mode(struct db *d, const char *sql, const char *want)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(d->h, sql, -1, &stmt, NULL);

    if (rc != SQLITE_OK)
        return db_error(d, rc);
    rc = sqlite3_step(stmt);
    bool same = false;
    if (rc == SQLITE_ROW) {
        const char *got = (const char *)sqlite3_column_text(stmt, 0);

        same = got && strcmp(got, want) == 0;
    }
    enum wb_err err = rc == SQLITE_ROW ? WB_OK : db_error(d, rc);
    sqlite3_finalize(stmt);
    if (err == WB_OK && !same) {
        snprintf(d->error, sizeof d->error, "journal mode %s not possible", want);
        err = WB_ERR_LOCKED;
    }
    return err;
}

bool db_checkpoint_due(const struct db *d)
{
    return d->log_pages >= DB_CHECKPOINT_PAGES;
}

void db_checkpoint(struct db *d)
{
    if (!d->h || d->in_tx || !db_checkpoint_due(d))
        return;
    d->log_pages = 0;
    FAULT_POINT("checkpoint.begin");
    sqlite3_wal_checkpoint_v2(d->h, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    FAULT_POINT("checkpoint.done");
}

/* Replaces SQLite's own hook, which would checkpoint within the commit: two flushes in a row, four
 * with both files, while nobody is answered. */
static int on_wal(void *ctx, sqlite3 *h, const char *name, int pages)
{
    struct db *d = ctx;

    (void)h;
    (void)name;
    d->log_pages = pages;
    return SQLITE_OK;
}

enum wb_err db_set_wal(struct db *d)
{
    char limit[64];
    int64_t version;
    enum wb_err err;

    TRY(set_mode(d, "PRAGMA journal_mode = WAL", "wal"));
    TRY(db_exec(d, "PRAGMA synchronous = FULL"));
    snprintf(limit, sizeof limit, "PRAGMA journal_size_limit = %d", DB_LOG_KEEP_BYTES);
    TRY(db_exec(d, limit));
    sqlite3_wal_hook(d->h, on_wal, d);
    /* The first read makes -wal and -shm, which readers under another user could not make. */
    TRY(db_query_int(d, "PRAGMA user_version", &version));
    d->log = identify(d->path, "-wal");
    d->index = identify(d->path, "-shm");
out:
    return err;
}

static void finalize_all(struct db *d)
{
    for (size_t i = 0; i < d->nstatements; i++)
        sqlite3_finalize(d->statements[i].stmt);
    d->nstatements = 0;
}

enum wb_err db_set_delete_mode(struct db *d, int wait_ms)
{
    const int before = d->wait_ms;
    enum wb_err err;

    finalize_all(d);
    d->log = d->index = (struct db_identity){0};
    db_set_wait(d, wait_ms, d->hurried);
    err = set_mode(d, "PRAGMA journal_mode = DELETE", "delete");
    db_set_wait(d, before, d->hurried);
    return err;
}

void db_keep_log(struct db *d, bool keep)
{
    sqlite3_db_config(d->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, NULL);
}

void db_release_memory(struct db *d)
{
    if (d->h)
        sqlite3_db_release_memory(d->h);
}

void db_close(struct db *d)
{
    if (d->h) {
        db_rollback(d);
        finalize_all(d);
        sqlite3_close_v2(d->h);
    }
    free(d->path);
    d->h = NULL;
    d->path = NULL;
    d->log_pages =
        0; /* SQLite has looked after the log; a file that is closed needs no checkpoint */
}

enum wb_err db_query_int(struct db *d, const char *sql, int64_t *ret)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(d->h, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum wb_err err = db_error(d, rc);
    if (err == WB_OK) {
        if (rc == SQLITE_ROW)
            *ret = sqlite3_column_int64(stmt, 0);
        else
            err = WB_ERR_NOT_FOUND;
    }
    sqlite3_finalize(stmt);
    return err;
}

static bool leads_to(const char *path, const char *suffix, const struct db_identity *want)
{
    char name[DB_LOG_NAME_MAX];
    struct stat st;

    if (want->ino == 0)
        return true;
    snprintf(name, sizeof name, "%s%s", path, suffix);
    if (stat(name, &st) != 0)
        return errno != ENOENT && errno != ENOTDIR;
    return st.st_ino == want->ino && st.st_dev == want->dev;
}

enum db_names db_look_at_names(const struct db *d)
{
    if (!d->h)
        return DB_NAMES_OURS;
    if (!leads_to(d->path, "", &d->file))
        return DB_NAMES_FILE_GONE;
    return leads_to(d->path, "-wal", &d->log) && leads_to(d->path, "-shm", &d->index)
               ? DB_NAMES_OURS
               : DB_NAMES_LOG_GONE;
}

enum wb_err db_empty_log(struct db *d)
{
    int frames = 0, done = 0;
    int rc = sqlite3_wal_checkpoint_v2(d->h, "main", SQLITE_CHECKPOINT_FULL, &frames, &done);

    if (rc != SQLITE_OK)
        return db_error(d, rc);
    return done == frames ? WB_OK : WB_ERR_LOCKED;
}

/* A statement that comes with every message: prepared only once. */
static enum wb_err run_once(struct db *d, const char *sql)
{
    sqlite3_stmt *stmt;
    enum wb_err err = db_statement(d, sql, &stmt);

    if (err != WB_OK)
        return err;
    err = db_error(d, sqlite3_step(stmt));
    db_statement_done(d, stmt);
    return err;
}

enum wb_err db_written_by_others(struct db *d, bool *ret_written)
{
    sqlite3_stmt *stmt = NULL;
    enum wb_err err = db_statement(d, "PRAGMA data_version", &stmt);

    if (err != WB_OK)
        return err;
    int rc = sqlite3_step(stmt);
    int64_t version = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    err = db_error(d, rc);
    db_statement_done(d, stmt);
    if (err != WB_OK)
        return err;
    *ret_written = d->data_version != 0 && version != d->data_version;
    d->data_version = version;
    return WB_OK;
}

enum wb_err db_begin_unmarked(struct db *d)
{
    enum wb_err err = d->failed;

    TRY(err);
    if (!d->in_tx) {
        TRY(db_exec(d, "BEGIN IMMEDIATE"));
        d->in_tx = true;
    } else if (sqlite3_get_autocommit(d->h)) {
        /* SQLite gave the transaction up by itself (a full disk): a write now would stand alone. */
        snprintf(d->error, sizeof d->error, "the transaction was rolled back after an error");
        err = WB_ERR_DB;
    }
out:
    return err;
}

enum wb_err db_begin(struct db *d)
{
    enum wb_err err;

    TRY(db_begin_unmarked(d));
    if (d->mark && !d->mark_on) {
        TRY(run_once(d, "SAVEPOINT mark"));
        d->mark_on = true;
    }
out:
    return err;
}

void db_rollback(struct db *d)
{
    d->failed = WB_OK;
    if (!d->h || !d->in_tx)
        return;
    /* A statement that is still reading would keep the transaction's snapshot. */
    for (size_t i = 0; i < d->nstatements; i++)
        sqlite3_reset(d->statements[i].stmt);
    /* After some errors (full disk) SQLite has rolled back by itself already. */
    if (!sqlite3_get_autocommit(d->h))
        sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
    d->in_tx = false;
    d->mark_on = false;
}

enum wb_err db_commit(struct db *d)
{
    if (!d->in_tx && d->failed == WB_OK)
        return WB_OK;
    enum wb_err err = d->failed != WB_OK ? d->failed : db_exec(d, "COMMIT");
    if (err != WB_OK) {
        db_rollback(d);
        return err;
    }
    d->in_tx = false;
    d->mark_on = false;
    if (d->log_pages >= DB_CHECKPOINT_PAGES_MAX)
        db_checkpoint(d);
    return WB_OK;
}

enum wb_err db_mark_keep(struct db *d)
{
    enum wb_err err = d->failed;

    if (err == WB_OK && d->mark_on)
        err = run_once(d, "RELEASE mark");
    d->mark = d->mark_on = false;
    return err;
}

enum wb_err db_mark_undo(struct db *d)
{
    enum wb_err err = WB_OK;

    if (d->mark_on)
        err = db_exec(d, "ROLLBACK TO mark; RELEASE mark");
    if (d->mark_on && err == WB_OK)
        d->failed = WB_OK; /* since the mark: after an earlier failure no write was let through */
    if (err == WB_OK)
        err = d->failed; /* of an unmarked write, which no savepoint undoes */
    d->mark = d->mark_on = false;
    return err;
}

/* A place for one more statement: an unused one, or that of the one unused for longest. */
static struct db_statement *free_place(struct db *d)
{
    struct db_statement *oldest = NULL;

    if (d->nstatements < DB_STATEMENTS_MAX)
        return &d->statements[d->nstatements++];
    for (size_t i = 0; i < d->nstatements; i++) {
        struct db_statement *e = &d->statements[i];

        if (!e->busy && (!oldest || e->used_at < oldest->used_at))
            oldest = e;
    }
    if (oldest)
        sqlite3_finalize(oldest->stmt);
    return oldest;
}

enum wb_err db_statement(struct db *d, const char *sql, sqlite3_stmt **ret)
{
    for (size_t i = 0; i < d->nstatements; i++) {
        struct db_statement *e = &d->statements[i];

        if (e->sql == sql && !e->busy) {
            e->busy = true;
            e->used_at = ++d->uses;
            *ret = e->stmt;
            return WB_OK;
        }
    }
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v3(d->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (rc != SQLITE_OK)
        return db_error(d, rc);
    struct db_statement *e = free_place(d);
    if (!e) { /* all busy: more nesting than any function has */
        sqlite3_finalize(stmt);
        return WB_ERR_BUG;
    }
    *e = (struct db_statement){sql, stmt, ++d->uses, true};
    *ret = stmt;
    return WB_OK;
}

void db_statement_done(struct db *d, sqlite3_stmt *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    for (size_t i = 0; i < d->nstatements; i++) {
        if (d->statements[i].stmt == stmt)
            d->statements[i].busy = false;
    }
}
