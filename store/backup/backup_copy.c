/* backup_copy.c - SQLite's online backup in small steps. The source's read transaction is held from
 * the first to the last step, so nothing is copied twice however much is written meanwhile; the
 * write-ahead log cannot be emptied for that long and grows a little. */
#include "store/backup/backup_copy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "store/db/db_schema.h"
#include "store/db/db_special.h"
#include "store/files/files.h"

enum {
    STEP_PAGES = 64, /* 256 kB: a millisecond or so of the disk */
    STEP_PAUSE_US = 2000,
    FLUSH_STEPS = 16, /* start writing out every 4 MB, so that the last flush is a short one */
};

enum wb_err backup_snapshot(struct db *d, const char *path)
{
    bool empty = false;
    enum wb_err err;

    if (!path || access(path, F_OK) != 0) {
        memset(d, 0, sizeof *d);
        return WB_ERR_NOT_FOUND;
    }
    TRY(db_open_reading(d, path));
    TRY(db_exec(d, "BEGIN"));
    /* Only a read begins the transaction in fact. */
    err = db_is_empty(d, &empty);
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

struct copying {
    const struct backup_job *job;
    int fd; /* of the copy; -1: only its flushes come later */
    unsigned steps;
};

static enum wb_err stepped(void *ctx, bool done)
{
    struct copying *c = ctx;
    const bool cancelled = c->job->cancelled && c->job->cancelled(c->job->ctx);

    if (c->fd >= 0 && ++c->steps % FLUSH_STEPS == 0)
        sync_file_range(c->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    if (c->job->gentle && !done)
        pause_a_little();
    return cancelled ? WB_ERR_CANCELLED : WB_OK;
}

static enum wb_err copy_steps(struct db *from, struct db *to, const struct backup_job *job)
{
    struct copying c = {.job = job, .fd = -1};

    if (plain_open(to->path, O_RDONLY, 0, &c.fd) != WB_OK)
        c.fd = -1;
    enum wb_err err = db_copy_pages(from, to, STEP_PAGES, stepped, &c);
    if (c.fd >= 0)
        close(c.fd);
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
