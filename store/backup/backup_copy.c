/* backup_copy.c - SQLite's online backup in small steps. The source's read transaction is held from
 * the first to the last step, so nothing is copied twice however much is written meanwhile; the
 * write-ahead log cannot be emptied for that long and grows a little. */
#include "store/backup/backup_copy.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "store/files/files.h"

enum {
    STEP_PAGES = 64, /* 256 kB: a millisecond or so of the disk */
    STEP_PAUSE_US = 2000,
    FLUSH_STEPS = 16, /* start writing out every 4 MB, so that the last flush is a short one */
};

static enum wb_err open_reading(struct db *d, const char *path)
{
    enum wb_err err;
    memset(d, 0, sizeof *d);
    d->path = strdup(path);
    if (!d->path)
        return WB_ERR_NOMEM;
    TRY(db_look(d, path));
    /* Not READONLY: after a crash SQLite must be able to bring the log's index up to date. */
    int rc = sqlite3_open_v2(path, &d->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return db_error(d, rc);
    db_set_wait(d, DB_BUSY_TIMEOUT_MS, NULL);
    db_keep_log(d, true);
    sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_wal_autocheckpoint(d->h, 0);
    TRY(db_exec(d, "PRAGMA cache_size = -256"));
    err = db_exec(d, "PRAGMA query_only = ON");
out:
    return err;
}

enum wb_err backup_snapshot(struct db *d, const char *path)
{
    int64_t n = 0;
    enum wb_err err;
    if (!path || access(path, F_OK) != 0) {
        memset(d, 0, sizeof *d);
        return WB_ERR_NOT_FOUND;
    }
    TRY(open_reading(d, path));
    TRY(db_exec(d, "BEGIN"));
    /* Only a read begins the transaction in fact. */
    err = db_query_int(d, "SELECT count(*) FROM sqlite_master", &n);
out:
    if (err != WB_OK) {
        char text[sizeof d->error];
        memcpy(text, d->error, sizeof text);
        db_close(d);
        memcpy(d->error, text, sizeof text);
    }
    return err;
}

static void pause_a_little(void)
{
    struct timespec t = {.tv_sec = 0, .tv_nsec = STEP_PAUSE_US * 1000L};
    nanosleep(&t, NULL);
}

static enum wb_err copy_steps(struct db *from, struct db *to, const struct backup_job *job)
{
    enum wb_err err = WB_OK;
    int rc = SQLITE_OK;
    int fd = -1;
    if (plain_open(to->path, O_RDONLY, 0, &fd) != WB_OK)
        fd = -1; /* only its flushes come later */
    sqlite3_backup *b = sqlite3_backup_init(to->h, "main", from->h, "main");
    if (!b)
        err = db_error(to, sqlite3_errcode(to->h));
    for (unsigned step = 1; err == WB_OK && rc != SQLITE_DONE; step++) {
        rc = sqlite3_backup_step(b, STEP_PAGES);
        if (rc != SQLITE_OK && rc != SQLITE_DONE)
            break;
        if (job->cancelled && job->cancelled(job->ctx))
            err = WB_ERR_CANCELLED;
        if (fd >= 0 && step % FLUSH_STEPS == 0)
            sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        if (job->gentle && rc != SQLITE_DONE)
            pause_a_little();
    }
    int end = b ? sqlite3_backup_finish(b) : SQLITE_OK;
    if (err == WB_OK)
        err = db_error(to, end);
    if (fd >= 0)
        close(fd);
    return err;
}

enum wb_err backup_copy(struct db *from, const char *to, const struct backup_job *job)
{
    struct db d = {0};
    bool created = false;
    enum wb_err err;
    TRY(files_make(to, 0, &created));
    TRY(db_open(&d, to));
    /* Nobody reads it before it is complete; a crash leaves a directory that is no set. */
    TRY(db_exec(&d, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"));
    TRY(copy_steps(from, &d, job));
    db_close(&d);
    /* The copied header still says WAL, which would leave files beside the copy when it is read. */
    TRY(db_open(&d, to));
    TRY(db_set_delete_mode(&d, DB_BUSY_TIMEOUT_MS));
    db_close(&d);
    err = files_sync(to);
out:
    if (err != WB_OK && d.error[0])
        memcpy(from->error, d.error, sizeof from->error);
    db_close(&d);
    return err;
}
